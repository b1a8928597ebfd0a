"""The ground that the app stands on: Terraform is well formed, valid, and builds what its own tests say."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.aws.ground import MODULE, check

pytestmark = [pytest.mark.aws, pytest.mark.slow]


def test_the_ground_is_well_formed_valid_and_as_its_tests_say() -> None:
    """fmt, validate and `terraform test` on a mocked provider; checkov runs in `make terraform-check`."""
    done = check("--no-checkov")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"[1-9]\d* passed, 0 failed", done.stdout)


def test_without_terraform_it_says_so_and_fails_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A newcomer without Terraform is told in one line."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(pytest.skip.Exception, match="terraform is not installed"):
        check()


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
def test_without_the_provider_it_says_so_and_fails_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty mirror stands for a machine that reaches no registry."""
    monkeypatch.setenv("TF_PLUGIN_MIRROR", str(tmp_path))
    with pytest.raises(pytest.skip.Exception, match="provider is not to be had"):
        check()


def test_each_exception_from_checkov_has_its_reason() -> None:
    """A skip without a reason would be an opinion."""
    lines = [line for file in MODULE.glob("*.tf") for line in file.read_text().splitlines() if "checkov:skip" in line]
    assert lines
    assert [line for line in lines if not re.search(r"#checkov:skip=CKV2?_AWS_\d+:\w.{5,}", line)] == []


def test_no_path_of_a_machine_and_no_secret_stands_in_the_module() -> None:
    """What is read by all names nobody's home, and no account."""
    home = re.compile(rf"{re.escape(os.path.expanduser('~'))}/|/home/|/Users/|AKIA[A-Z0-9]{{16}}")  # noqa: PTH111
    texts = {file.name: file.read_text() for file in MODULE.rglob("*") if file.is_file()}
    assert [name for name, text in texts.items() if home.search(text)] == []
