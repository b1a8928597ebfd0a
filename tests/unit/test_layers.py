"""The house keeps its shape: imports point down, modules are small and say what they are for, the start is quick."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = [path for room in ("chalicelib", "local") for path in sorted((ROOT / room).rglob("*.py"))]

HEAVY = ("sqlalchemy", "pg8000", "boto3", "botocore", "alembic")


def test_imports_point_down() -> None:
    """The contracts in pyproject.toml hold: no room knows one above it."""
    command = Path(sys.executable).with_name("lint-imports")
    linted = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout + linted.stderr
    assert "0 broken" in linted.stdout


@pytest.mark.parametrize(
    "statement", ["import app", "import app; app.container", "from chalicelib.container import Container"]
)
def test_the_request_path_starts_cold_without_postgres_and_aws(statement: str) -> None:
    """SQLAlchemy, its driver and the AWS client cost more time than a request has: they come when first used."""
    code = f"{statement}; import sys; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    loaded = ran.stdout.split()
    assert "redis" in loaded
    assert not set(HEAVY) & set(loaded)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_small_and_says_what_it_is_for(path: Path) -> None:
    """At most 250 lines, opened by a sentence; an empty module says nothing and needs none."""
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 250
    assert not text or ast.get_docstring(ast.parse(text))
