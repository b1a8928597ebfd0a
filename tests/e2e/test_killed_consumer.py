"""A consumer killed in mid-drain while registers pour in: every job ends, and no mark is written twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import text

from chalicelib.db.ids import tenant_id
from local.stack import Stack
from tests.e2e.conftest import LONG_S
from tests.e2e.steps import drained

REGISTERS = 200
TENANT = tenant_id("demo")

pytestmark = pytest.mark.e2e


@pytest.fixture
def stack() -> Iterator[Stack]:
    """A stack of this test's own: its consumer will not live long."""
    with Stack() as own:
        yield own


def registers(api: httpx.Client) -> list[dict[str, object]]:
    """Homeroom registers of today and the days before, enough of them."""
    sections = api.get("/sections", params={"limit": 500}).json()["items"]
    homes = [section["id"] for section in sections if section["kind"] == "homeroom"]
    today = datetime.now(UTC).date()
    days = [str(today - timedelta(days=n)) for n in range(REGISTERS // len(homes) + 1)]
    found: list[dict[str, object]] = []
    for home in homes:
        students = api.get(f"/sections/{home}/roster").json()["students"]
        records = [{"student_id": student["id"], "status": "PRESENT"} for student in students]
        found += [{"date": day, "section_id": home, "records": records} for day in days]
    return found[:REGISTERS]


def kill_at_work(stack: Stack) -> int:
    """SIGKILL the consumer in the middle of its transaction, before a lock on the marks; tell how many jobs it held."""
    with stack.owner.begin() as holding:
        holding.execute(text("lock table student_attendance in exclusive mode"))
        deadline = time.monotonic() + LONG_S
        while not (held := stack.container.queue.counts().active):
            assert time.monotonic() < deadline, "the consumer was never met at work"
            time.sleep(0.005)
        stack.kill_consumer()
        return held


def test_every_job_ends_and_no_mark_is_written_twice(stack: Stack) -> None:
    """200 registers, the consumer killed at work and a new one started: 200 completed jobs, each mark at version 1."""
    admin = {"Authorization": f"Bearer {stack.token('admin')}"}
    with httpx.Client(base_url=stack.url, headers=admin, timeout=30) as api, ThreadPoolExecutor(4) as clients:
        settings = api.get("/settings").json() | {"backdate_days": 60}
        api.put("/settings", json=settings).raise_for_status()
        bodies = registers(api)
        sending = clients.map(lambda body: api.post("/mark", json=body), bodies)
        held = kill_at_work(stack)
        answers = list(sending)
        stack.start_consumer()
        drained(stack)
        jobs = [api.get(f"/jobs/{answer.json()['jobId']}").json() for answer in answers]

    assert held > 0
    assert [answer.status_code for answer in answers] == [202] * REGISTERS
    assert {job["state"] for job in jobs} == {"completed"}
    assert sum(job["result"]["applied"] for job in jobs) == sum(job["progress"]["total"] for job in jobs)
    with stack.owner.begin() as connection:
        scope = {"t": TENANT}
        marks = connection.execute(
            text("select count(*), max(version) from student_attendance where tenant_id = :t"), scope
        ).one()
        changes = connection.scalar(text("select count(*) from attendance_audit_log where tenant_id = :t"), scope)
        ledger = connection.scalar(text("select count(*) from attendance_job where tenant_id = :t"), scope)
    assert tuple(marks) == (sum(job["progress"]["total"] for job in jobs), 1)
    assert (changes, ledger) == (0, REGISTERS)
