"""The consumer: drains at once, waits for servers that are away, ends in good order."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from chalicelib.db.writer import JobRow, Outcome
from chalicelib.domain.job_state import JobState
from chalicelib.queue import Job, JobQueue, Lane, NewJob, new_job_id
from chalicelib.services.drain import Drain
from local.consumer import PACE, consume, ready_line
from local.folder import FOLDER_VARIABLE, ROOT
from local.servers import EmbeddedRedis


class Writer:
    """Applies everything; while `away`, it fails as a driver does whose server has gone."""

    def __init__(self) -> None:
        self.away = threading.Event()
        self.hold = threading.Event()
        self.hold.set()
        self.begun = threading.Event()

    def write(self, jobs: Sequence[JobRow]) -> dict[str, Outcome]:
        self.begun.set()
        assert self.hold.wait(10)
        if self.away.is_set():
            raise ConnectionResetError("gone")
        return {job.job_id: Outcome(applied=job.total, unchanged=0, superseded=0, rejected=()) for job in jobs}

    def write_part(self, job: JobRow, size: int) -> tuple[int, Outcome | None]:
        raise AssertionError("no job here is large")

    def bury(self, job: JobRow, error: str) -> None:
        raise AssertionError(error)


def push(queue: JobQueue) -> str:
    job = NewJob(
        id=new_job_id(), tenant="t", kind="student", lane=Lane.INTERACTIVE, size=1, data=b"{}", meta="{}",
        submitted_by="me", idempotency=None,
    )  # fmt: skip
    return queue.enqueue(job).id


def completed(queue: JobQueue, job_id: str) -> bool:
    job = queue.get(job_id)
    return job is not None and job.state is JobState.COMPLETED


def soon(what: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@contextmanager
def consuming(queue: JobQueue, writer: Writer) -> Iterator[threading.Event]:
    stop = threading.Event()
    thread = threading.Thread(target=consume, args=(Drain(queue, writer, PACE), stop))
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        writer.hold.set()
        thread.join(10)
        assert not thread.is_alive()


def test_a_job_is_done_at_once_and_a_stop_is_heard_soon(redis: Redis) -> None:
    queue = JobQueue(redis)
    with consuming(queue, Writer()):
        time.sleep(0.1)
        started = time.monotonic()
        job = push(queue)
        soon(lambda: completed(queue, job))
        assert time.monotonic() - started < 5
        stopping = time.monotonic()
    assert time.monotonic() - stopping < 5


def test_a_batch_that_has_begun_is_finished_before_the_end(redis: Redis) -> None:
    queue, writer = JobQueue(redis), Writer()
    writer.hold.clear()
    with consuming(queue, writer) as stop:
        job = push(queue)
        assert writer.begun.wait(10)
        stop.set()
        writer.hold.set()
        soon(lambda: completed(queue, job))


def test_a_lease_is_short_so_that_a_killed_consumers_jobs_come_back_within_ten_seconds(redis: Redis) -> None:
    leases: list[int] = []

    class Watched(JobQueue):
        def claim(self, *, max_jobs: int, max_records: int, lease_ms: int) -> list[Job]:
            leases.append(lease_ms)
            return super().claim(max_jobs=max_jobs, max_records=max_records, lease_ms=lease_ms)

    queue = Watched(redis)
    with consuming(queue, Writer()):
        job = push(queue)
        soon(lambda: completed(queue, job))
    assert leases
    assert all(PACE.stop_below_ms + PACE.lease_margin_ms < lease < 10_000 for lease in leases)


def test_an_outage_of_postgres_costs_a_job_nothing_but_time(redis: Redis, caplog: pytest.LogCaptureFixture) -> None:
    queue, writer = JobQueue(redis), Writer()
    writer.away.set()
    with consuming(queue, writer):
        job = push(queue)
        soon(lambda: "postgres is away" in caplog.text)
        writer.away.clear()
        soon(lambda: completed(queue, job))
        soon(lambda: "The servers are back." in caplog.text)
    found = queue.get(job)
    assert found is not None
    assert found.attempts_made == 1


def test_a_redis_that_was_away_is_served_again(caplog: pytest.LogCaptureFixture) -> None:
    with EmbeddedRedis() as server, Redis.from_url(server.url()) as client:
        queue = JobQueue(client)
        with consuming(queue, Writer()):
            server.kill()
            soon(lambda: "The jobs wait." in caplog.text)
            server.start()
            job = push(queue)
            soon(lambda: completed(queue, job))
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len([one for one in warnings if "The jobs wait." in one.message]) == 1, "once an outage, not twice a second"


def test_sigterm_ends_the_command_with_success(database_url: str, redis_url: str, tmp_path: Path) -> None:
    environment = {**os.environ, FOLDER_VARIABLE: str(tmp_path), "DATABASE_URL": database_url, "REDIS_URL": redis_url}
    command = [sys.executable, "-m", "local", "consumer"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == ready_line(process.pid) + "\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stderr.read() == ""


def test_without_servers_the_command_says_what_it_needs() -> None:
    environment = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}}
    command = [sys.executable, "-m", "local", "consumer"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "DATABASE_URL and REDIS_URL" in ended.stderr
