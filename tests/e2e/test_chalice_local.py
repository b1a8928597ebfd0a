"""`chalice local` serves the same app on the servers and the consumer of a running stack."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from chalicelib.api.doors import BASE
from local.folder import ROOT, local_folder, signing_key
from local.settings import environment
from local.stack import Stack
from tests.e2e.conftest import LONG_S

pytestmark = pytest.mark.e2e


@pytest.fixture
def chalice_local(stack: Stack) -> Iterator[str]:
    """The base URL of a `chalice local` beside the stack."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    variables = environment(database_url=stack.database_url, redis_url=stack.redis_url, key=signing_key(local_folder()))
    command = [sys.executable, "-c", "from chalice.cli import main; main()", "local", "--stage", "local"]
    server = subprocess.Popen(
        [*command, "--port", str(port), "--no-autoreload"],
        cwd=ROOT,
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        deadline = time.monotonic() + LONG_S
        while server.poll() is None and time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}{BASE}"
    finally:
        server.terminate()
        print(server.communicate()[0])


def test_a_register_goes_through_chalice_local(chalice_local: str, stack: Stack) -> None:
    """Health is told, a mark is accepted, and the stack's consumer completes it."""
    bearer = {"Authorization": f"Bearer {stack.token('office', 'other')}"}
    with httpx.Client(base_url=chalice_local, headers=bearer, timeout=30) as api:
        assert api.get("/health").json()["status"] == "ok"
        section = api.get("/sections", params={"limit": 1}).json()["items"][0]["id"]
        students = api.get(f"/sections/{section}/roster").json()["students"]
        records = [{"student_id": student["id"], "status": "PRESENT"} for student in students]
        body = {"date": str(datetime.now(UTC).date()), "section_id": section, "records": records}
        accepted = api.post("/mark", json=body)
        assert accepted.status_code == 202
        job = api.get(f"/jobs/{accepted.json()['jobId']}", params={"wait": 20}).json()
    assert (job["state"], job["result"]["applied"]) == ("completed", len(students))
