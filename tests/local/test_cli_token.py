"""`token` and `env`: what they print, for whom, and with which key."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jwt
import psutil
import pytest
from typer.testing import CliRunner

from chalicelib.api.authentication import Authenticator
from chalicelib.config import Settings
from chalicelib.db.ids import tenant_id
from chalicelib.domain.attendance import Role
from local.cli import app
from local.demo_school import BEARERS
from local.folder import FOLDER_VARIABLE, signing_key
from local.running import RunningStack, find_running, of_this_process, published
from local.settings import environment

runner = CliRunner()
URLS = ("http://127.0.0.1:1/api", "postgresql://rollcall_app@/rollcall?host=/nowhere", "unix:///nowhere?db=0")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "local"))
    (tmp_path / "local").mkdir()
    return tmp_path / "local"


def token(*arguments: str) -> str:
    ended = runner.invoke(app, ["token", *arguments])
    assert (ended.exit_code, ended.stderr) == (0, "")
    return ended.stdout


@pytest.mark.parametrize("tenant", ["demo", "other"])
@pytest.mark.parametrize("role", list(BEARERS))
def test_a_token_is_believed_by_a_stack_of_this_checkout(folder: Path, role: str, tenant: str) -> None:
    """Also before one was ever started; nothing but the token is printed."""
    printed = token("--role", role, "--tenant", tenant)
    assert printed.split() == [printed.rstrip("\n")]
    variables = environment(database_url="-", redis_url="-", key=signing_key(folder))
    actor = Authenticator(Settings.from_environment(variables).tokens).identify(f"Bearer {printed.strip()}")
    assert (actor.subject, actor.tenant, actor.roles) == (BEARERS[role], tenant_id(tenant), frozenset({Role(role)}))


def test_a_token_lasts_for_weeks_and_the_teacher_of_demo_is_what_one_gets(folder: Path) -> None:
    claims = jwt.decode(token().strip(), signing_key(folder), ["HS256"], audience="rollcall")
    assert claims["roles"] == ["teacher"]
    assert claims["tenant_id"] == tenant_id("demo")
    assert claims["exp"] - time.time() > 29 * 86_400


def test_the_key_is_made_once_and_is_its_owners_secret(folder: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        [key] = set(pool.map(signing_key, [folder] * 32))
    assert len(key) >= 32
    assert [path.name for path in folder.iterdir()] == ["jwt-key"], "no draft is left behind"
    assert (folder / "jwt-key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("arguments", "named"), [(["--role", "king"], "teacher"), (["--tenant", "mars"], "demo, other")]
)
def test_an_unknown_role_or_tenant_is_told_and_nothing_is_printed(arguments: list[str], named: str) -> None:
    ended = runner.invoke(app, ["token", *arguments])
    assert ended.exit_code == 2
    assert ended.stdout == ""
    assert arguments[1] in ended.stderr
    assert named in ended.stderr


def test_the_bearers_are_those_of_the_running_stack(folder: Path) -> None:
    """Of the one on the port, or the newest; tenants that were imported into it included."""
    old = of_this_process(1, *URLS, {"demo": {"teacher": "ann"}})
    first = psutil.Process(1)
    older = RunningStack(2, *URLS, {"demo": {"teacher": "ben"}}, first.pid, first.create_time())
    with published(folder, old), published(folder, older):
        old.with_tenant("mars", {"teacher": "cid"}).save(folder)

        def bearer(*arguments: str) -> str:
            printed = token(*arguments).strip()
            return str(jwt.decode(printed, signing_key(folder), ["HS256"], audience="rollcall")["sub"])

        assert bearer() == "ann"
        assert bearer("--tenant", "mars") == "cid"
        assert bearer("--port", "2") == "ben"
        assert bearer("--port", "3") == BEARERS["teacher"]
    assert not list(folder.glob("stack-*")), "the file goes with the stack"


def test_a_stack_that_was_killed_is_not_taken_for_running(folder: Path) -> None:
    """Not even if another process has its id now, or its file is broken."""
    process = psutil.Process()
    RunningStack(1, *URLS, {}, process.pid, process.create_time() - 60).save(folder)
    RunningStack(2, *URLS, {}, 2**22 + 1, process.create_time()).save(folder)
    (folder / "stack-3.json").write_text('{"port": 3')
    assert find_running(folder) is None


def test_env_is_what_another_process_needs_to_be_part_of_the_stack(folder: Path) -> None:
    with published(folder, of_this_process(1, *URLS, {})):
        ended = runner.invoke(app, ["env"])
    assert ended.exit_code == 0
    lines = dict(line.removeprefix("export ").split("=", 1) for line in ended.stdout.splitlines())
    assert lines["DATABASE_URL"] == f"'{URLS[1]}'", "quoted, since it holds a question mark"
    assert {"ROLLCALL_STAGE", "REDIS_URL", "JWT_ISSUER", "JWT_LOCAL_KEY", "DATABASE_POOL"} <= lines.keys()
    ended = runner.invoke(app, ["env"])
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert "no dev runs" in ended.stderr
