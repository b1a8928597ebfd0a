"""One job, delivered ten times: one effect."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

from redis import Redis

from chalicelib.db.session import Database
from chalicelib.db.writer import BatchWriter
from chalicelib.domain.job_state import JobState
from chalicelib.queue import Job, JobQueue, Lane, Limits
from chalicelib.services.drain import Drain, Report
from tests.crash.conftest import StartConsumer
from tests.crash.day import Day
from tests.crash.process import until
from tests.queue.steps import KEYS, leases_run_out, see
from tests.school import School
from tests.services.steps import drained

TEN = 10


def test_pushed_ten_times_before_it_is_done(
    consumer: StartConsumer, queue: JobQueue, redis: Redis, school: School
) -> None:
    """An operator's slip: its ref stands on the list eleven times, between the refs of others."""
    # Given a mark, its correction, and the ref of the mark ten times more
    day = Day(queue, school)
    section = day.register()
    day.correct(section)
    ref = see(queue, day.jobs[0]).ref.encode()
    for _ in range(TEN):
        redis.rpush(KEYS.waiting(school.tenant, Lane.INTERACTIVE), ref)
    day.register()
    # when all is drained
    assert consumer().ended() == 0
    # then nobody would know
    day.is_in_postgres_once()
    assert {job.state for job in day.seen()} == {JobState.COMPLETED}


def test_pushed_again_after_it_was_done(consumer: StartConsumer, queue: JobQueue, redis: Redis, school: School) -> None:
    """Ten times; the correction that came after it stands, and its result is the first one."""
    # Given a mark and its correction, both done
    day = Day(queue, school)
    day.correct(day.register())
    assert consumer().ended() == 0
    before = see(queue, day.jobs[0])
    # when the ref of the mark is pushed ten times
    for _ in range(TEN):
        redis.rpush(KEYS.waiting(school.tenant, Lane.INTERACTIVE), before.ref.encode())
    redis.rpush(KEYS.ring, school.tenant)
    assert consumer().ended() == 0
    # then the first effect is the only one
    day.is_in_postgres_once()
    after = see(queue, day.jobs[0])
    assert (after.state, after.result) == (JobState.COMPLETED, before.result)
    assert json.loads(after.result or "")["applied"] == 3


def test_ten_consumers_write_it_at_once(database: Database, redis: Redis, school: School) -> None:
    """Each claimed it when the lease of the one before had ended; the last alone may say that it is done."""
    # Given ten drains, each of which holds the same job
    queue = HeldBack(redis, limits=Limits(max_stalls=TEN))
    day = Day(queue, school)
    day.register()
    with ThreadPoolExecutor(TEN) as threads:
        drains = []
        for number in range(1, TEN + 1):
            drains.append(threads.submit(drained, Drain(queue, BatchWriter(database))))
            until(lambda: len(queue.holders) == number)  # noqa: B023 - called at once
            if number < TEN:
                leases_run_out(redis)
        # when all go on at once
        queue.gate.set()
        reports: list[Report] = [drain.result() for drain in drains]
    # then there is one effect, told by one
    day.is_in_the_books_once()
    assert sorted((report.completed, report.lost) for report in reports) == [(0, 1)] * (TEN - 1) + [(1, 0)]
    assert see(queue, day.jobs[0]).stalls == TEN - 1


class HeldBack(JobQueue):
    """A queue whose consumers, once they have a job, wait at a gate."""

    def __init__(self, redis: Redis, *, limits: Limits) -> None:
        super().__init__(redis, limits=limits)
        self.gate = threading.Event()
        self.holders: list[str] = []

    def claim(self, *, max_jobs: int, max_records: int, lease_ms: int) -> list[Job]:
        """As the queue, and then wait."""
        jobs = super().claim(max_jobs=max_jobs, max_records=max_records, lease_ms=lease_ms)
        if jobs:
            self.holders.append(jobs[0].token)
            assert self.gate.wait(30)
        return jobs
