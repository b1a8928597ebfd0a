"""`dev`: up until told to stop; what it prints works, and what it leaves behind is nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from local.demo_school import BEARERS, OTHER, write_school
from local.folder import FOLDER_VARIABLE, ROOT
from local.running import find_running
from local.servers.server import free_port
from local.servers.supervised import is_alive
from local.stack import Stack
from tests.e2e.conftest import LONG_S, Command, consumers_below

pytestmark = pytest.mark.e2e


@dataclass
class Dev:
    """A `dev` that is up, what it has printed, and its folder."""

    process: subprocess.Popen[str]
    port: int
    text: str
    folder: Path

    @property
    def told(self) -> Path:
        return self.folder / f"stack-{self.port}.json"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command beside it."""
        command = [sys.executable, "-m", "local", *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)

    @property
    def environment(self) -> dict[str, str]:
        unset = {"DATABASE_URL", "REDIS_URL"}
        return {k: v for k, v in os.environ.items() if k not in unset} | {FOLDER_VARIABLE: str(self.folder)}


@pytest.fixture
def start_dev(command: Command, tmp_path: Path) -> Callable[..., Dev]:
    """Starts `dev` on a free port and waits until it is up."""

    def start(*arguments: str, **environment: str) -> Dev:
        port = free_port()
        process = command("dev", "--port", str(port), *arguments, ROLLCALL_LOCAL_DIR=str(tmp_path), **environment)
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "/settings" in line:
                break
        return Dev(process, port, "".join(lines), tmp_path)

    return start


@pytest.fixture
def data_folder() -> Iterator[Path]:
    """Where servers keep their data, for a `dev` that cannot remove it itself; the servers' user may enter it."""
    folder = Path(tempfile.mkdtemp(prefix="rollcall-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def wait_for(what: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + LONG_S
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found


def test_what_dev_prints_can_be_pasted_and_sigterm_stops_it(start_dev: Callable[..., Dev], tmp_path: Path) -> None:
    """Beside it, tokens, an import and the environment for other programs are to be had."""
    dev = start_dev()
    pasted = dev.text[dev.text.index("ADMIN=") :]
    answers = subprocess.run(["bash", "-c", pasted], capture_output=True, text=True, check=True).stdout.splitlines()
    job, records, history, settings = map(json.loads, answers)
    assert (job["state"], job["result"]["applied"]) == ("completed", 3)
    assert {record["status"] for record in records["items"]} == {"ABSENT", "PRESENT"}
    assert history["items"][0]["first"]["marked_by"] == BEARERS["teacher"]
    assert settings["backdate_days"] == 7

    for tenant in ("demo", "other"):
        told = dev.run("token", "--role", "office", "--tenant", tenant)
        assert told.stderr == ""
        url = json.loads(dev.told.read_text())["url"]
        page = httpx.get(f"{url}/sections", headers={"Authorization": f"Bearer {told.stdout.strip()}"}).json()
        assert len(page["items"]) == {"demo": 97, "other": 13}[tenant]

    bundle = tmp_path / "bundle"
    bundle.mkdir()
    write_school(OTHER, bundle, datetime.now(UTC).date())
    imported = dev.run("import", str(bundle), "--tenant", "third")
    assert (imported.returncode, imported.stderr) == (0, "")
    token = dev.run("token", "--tenant", "third").stdout.strip()
    page = httpx.get(f"{url}/sections", headers={"Authorization": f"Bearer {token}"}).json()
    assert {section["name"] for section in page["items"]} >= {"Homeroom 01-A"}

    exports = dev.run("env").stdout
    assert "export ROLLCALL_STAGE=local\n" in exports
    assert "export JWT_LOCAL_KEY=" in exports
    assert dev.told.stat().st_mode & 0o777 == 0o600

    family = psutil.Process(dev.process.pid).children(recursive=True)
    dev.process.terminate()
    _, err = dev.process.communicate(timeout=LONG_S)
    assert dev.process.returncode == 0
    assert err == "Stopped.\n"
    assert not dev.told.exists()
    assert [one for one in family if is_alive(one)] == []
    assert dev.run("env").returncode == 1


def test_a_killed_consumer_is_replaced_and_a_killed_dev_takes_all_with_it(
    start_dev: Callable[..., Dev], data_folder: Path
) -> None:
    dev = start_dev("--verbose", TMPDIR=str(data_folder))
    [first] = wait_for(lambda: consumers_below(dev.process.pid))
    first.kill()
    [second] = wait_for(lambda: [one for one in consumers_below(dev.process.pid) if one.pid != first.pid])
    family = psutil.Process(dev.process.pid).children(recursive=True)
    assert second in family
    assert httpx.get(f"http://127.0.0.1:{dev.port}/api/v1/school/attendance/settings").status_code == 401

    dev.process.kill()
    wait_for(lambda: not any(map(is_alive, family)))
    assert dev.told.exists(), "nobody was left to remove it"
    assert find_running(dev.folder) is None, "but it is not believed"
    _, err = dev.process.communicate()
    assert "The consumer has died" in err
    assert "/sections 200" in err, "each request is logged"
    assert "INFO refused: Refused=1 Code=unauthenticated" in err, "and what Lambda would count, in words"


def test_a_port_that_is_taken_is_told_at_once(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        _, err = (process := command("dev", "--port", str(port))).communicate(timeout=LONG_S)
    assert process.returncode == 1
    assert err == f"Error: Port {port} is taken: choose another one with --port (PORT=… with make).\n"


def test_tokens_of_the_stack_reach_their_own_tenant_and_role(stack: Stack) -> None:
    """Each role's token is somebody of the roster; the teacher teaches some sections, not all."""

    def get(path: str, role: str, tenant: str = "demo") -> httpx.Response:
        return httpx.get(stack.url + path, headers={"Authorization": f"Bearer {stack.token(role, tenant)}"})

    everything = get("/sections?limit=500", "office").json()["items"]
    taught = get("/sections?limit=500", "teacher").json()["items"]
    assert 0 < len(taught) < len(everything)
    assert get("/audit", "teacher").status_code == 403
    assert get("/audit", "admin").status_code == 200
    theirs = get("/sections", "office", "other").json()["items"][0]["id"]
    assert get(f"/sections/{theirs}/roster", "admin").status_code == 404


def test_what_a_killed_consumer_had_claimed_is_done_by_the_next_one(stack: Stack) -> None:
    """Nothing that was accepted waits for good: the job is marked as soon as there is a consumer again."""
    headers = {"Authorization": f"Bearer {stack.token('teacher')}"}
    stack.kill_consumer()
    with httpx.Client(base_url=stack.url, headers=headers, timeout=30) as client:
        section = next(one for one in client.get("/sections").json()["items"] if one["kind"] == "homeroom")
        roster = client.get(f"/sections/{section['id']}/roster").json()
        records = [{"student_id": one["id"], "status": "PRESENT"} for one in roster["students"]]
        body = {"date": roster["date"], "section_id": section["id"], "records": records}
        job = client.post("/mark", json=body).json()
        path = f"/jobs/{job['jobId']}"
        assert client.get(path).json()["state"] == "waiting"
        stack.start_consumer()
        assert stack.wait_ready(LONG_S)
        done = client.get(path, params={"wait": 20}).json()
    assert done["result"]["applied"] + done["result"]["unchanged"] == 25


def test_the_owner_sees_behind_row_level_security(stack: Stack) -> None:
    with stack.owner.connect() as connection:
        assert connection.exec_driver_sql("select count(*) from tenant").scalar() == 2


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGHUP])
def test_ctrl_c_and_a_closed_terminal_stop_dev_too(start_dev: Callable[..., Dev], how: signal.Signals) -> None:
    dev = start_dev()
    dev.process.send_signal(how)
    _, err = dev.process.communicate(timeout=LONG_S)
    assert dev.process.returncode == 0
    assert err == "Stopped.\n"
