"""What happens to live progress when something dies: the marks do not care, and the client gets the end."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

import app
from chalicelib.container import Container
from chalicelib.db.session import Database
from chalicelib.realtime import publisher
from chalicelib.services.drain import Report
from local.follow import follow
from tests.realtime.client import wait_until
from tests.realtime.conftest import Person
from tests.school import Section

ROOT = Path(__file__).parents[2]

CONSUMER = """
import dataclasses, app
from chalicelib.services.drain import Pace
drain = dataclasses.replace(app.container().drain, pace=Pace(stop_below_ms=100, lease_margin_ms=100))
drain.run(lambda: 1_000, linger_s=0)
"""
"""A consumer with a lease of little more than a second."""

Drain = Callable[[], Report]


def test_a_killed_consumer_and_a_second_one(
    ann: Person, maths: Section, variables: dict[str, str], database: Database, container: Container, drain: Drain
) -> None:
    """The first tells that it has begun, and is killed before Postgres lets it write; the second tells the end."""
    job_id = ann.mark(maths)
    with ann.connect() as live:
        live.follow(job_id)
        with database.transaction(maths_tenant(container, job_id)) as connection:
            connection.execute(text("lock table attendance_job in access exclusive mode"))
            command = [sys.executable, "-c", CONSUMER]
            consumer = subprocess.Popen(command, cwd=ROOT, env={**variables, "PYTHONPATH": str(ROOT)})
            assert live.until("active", timeout=30)
            consumer.kill()
            consumer.wait()
        assert ann.job(job_id)["state"] == "active"
        wait_until(lambda: drain().completed == 1, timeout=10)
        assert live.until("completed")[-1] == ann.job(job_id)


def maths_tenant(container: Container, job_id: str) -> str:
    """The tenant of a job."""
    job = container.queue.get(job_id)
    assert job is not None
    return job.tenant


def test_an_event_lost_with_its_process_is_made_good(
    ann: Person, maths: Section, container: Container, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job was completed and nobody told of it; the next drain finds that its followers have heard nothing."""
    monkeypatch.setattr(publisher, "SWEEP_S", 0.1)
    job_id = ann.mark(maths)
    with ann.connect() as live:
        live.follow(job_id)
        [job] = container.queue.claim(max_jobs=1, max_records=10, lease_ms=60_000)
        container.queue.ack([(job, '{"applied": 3, "unchanged": 0, "superseded": 0, "rejected": []}')])
        assert live.silent(0.2)
        drain()
        assert live.until("completed")[-1] == ann.job(job_id)
        drain()
        assert live.silent(0.3), "what is over is not told again"


def test_a_new_connection_gets_the_present_state(ann: Person, maths: Section, drain: Drain) -> None:
    """What was missed between two connections does not matter."""
    job_id = ann.mark(maths)
    with ann.connect() as live:
        assert live.follow(job_id)["state"] == "waiting"
    drain()
    with ann.connect() as live:
        assert live.follow(job_id) == ann.job(job_id)


def test_the_drain_completes_without_the_events_endpoint(
    ann: Person, maths: Section, container: Container, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody answers there: the jobs are written, and no slower than the endpoint's time limit."""
    jobs = [ann.mark(maths) for _ in range(5)]
    with ann.connect() as live:
        for job_id in jobs:
            live.follow(job_id)
        monkeypatch.setenv("WEBSOCKET_ENDPOINT", "http://127.0.0.1:1")
        app.container.cache_clear()
        crippled = app.container()
        began = time.monotonic()
        report = crippled.drain.run(lambda: 60_000, linger_s=0)
        assert time.monotonic() - began < 15
        assert (report.completed, report.stopped) == (5, "empty")
        crippled.close()
        assert live.silent(0.2)
    assert {ann.job(job_id)["state"] for job_id in jobs} == {"completed"}


def test_follow_hears_the_job_to_its_end(ann: Person, maths: Section, drain: Drain) -> None:
    """The client that the local stack has: states as they come, the last one finished."""
    job_id = ann.mark(maths)
    told = follow(ann.url, ann.token, job_id)
    assert next(told)["state"] == "waiting"
    drain()
    rest = list(told)
    assert rest[-1] == ann.job(job_id)
    assert rest[-1]["state"] == "completed"


def test_follow_asks_where_there_is_no_websocket(
    ann: Person, maths: Section, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without tickets, questions lead to the same end."""
    job_id = ann.mark(maths)
    monkeypatch.delenv("WEBSOCKET_URL")
    monkeypatch.delenv("WEBSOCKET_ENDPOINT")
    app.container().close()
    app.container.cache_clear()
    told = follow(ann.url, ann.token, job_id)
    assert next(told)["state"] == "waiting"
    app.container().drain.run(lambda: 60_000, linger_s=0)
    assert list(told)[-1] == ann.job(job_id)
