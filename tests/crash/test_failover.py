"""Redis fails over to its replica: with REDIS_MIN_REPLICAS=1, nothing that was answered 202 is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import Engine

from chalicelib.queue import JobQueue
from local.consumer import ConsumerProcess
from local.settings import environment
from tests.crash.conftest import KEY
from tests.crash.day import a_day
from tests.crash.hold import Hold
from tests.crash.pair import Pair, a_pair
from tests.crash.process import until
from tests.crash.school_online import office, register
from tests.school import School, Section

REGISTERS = 60


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """A primary and its replica."""
    with a_pair(tmp_path) as pair:
        yield pair


@pytest.fixture
def redis(pair: Pair) -> Iterator[Redis]:
    """A client that follows the name, and tries once more, as the app's does."""
    with Redis.from_url(pair.url, retry=Retry(NoBackoff(), 1)) as client:
        yield client


@pytest.fixture
def variables(database_url: str, pair: Pair) -> dict[str, str]:
    """The environment of a process of the app that wants each job on a replica."""
    known = environment(database_url=database_url, redis_url=pair.url, key=KEY, pool=4)
    return known | {"REDIS_MIN_REPLICAS": "1"}


@pytest.fixture
def laptop(variables: dict[str, str], tmp_path: Path) -> Iterator[ConsumerProcess]:
    """The consumer of the local stack, not yet started."""
    process = ConsumerProcess(variables, tmp_path / "consumer.log")
    yield process
    process.stop()


def test_in_the_middle_of_a_drain(
    pair: Pair, owner_engine: Engine, laptop: ConsumerProcess, queue: JobQueue, school: School
) -> None:
    """The leases are on the replica, too: the consumer acks to the new primary what it claimed from the old one."""
    # Given a consumer in the middle of its transaction, and a replica that has caught up
    laptop.start()
    working = laptop.pid
    with Hold(owner_engine) as hold:
        day = a_day(queue, school)
        hold.is_felt()
        pair.caught_up()
        # when Redis fails over
        pair.fail_over()
    # then the same consumer completes all jobs
    until(lambda: queue.counts().depth == 0)
    day.is_in_the_books_once()
    assert {job.stalls for job in day.seen()} == {0}
    assert (laptop.running, laptop.pid) == (True, working)


def test_nothing_answered_202_is_lost(
    pair: Pair, variables: dict[str, str], laptop: ConsumerProcess, queue: JobQueue, school: School
) -> None:
    """Registers pour in while Redis fails over; without a replica they are refused, and accepted once there is one."""
    sections = [school.section(students=2) for _ in range(REGISTERS)]
    with office(school, variables) as api, ThreadPoolExecutor(4) as teachers:
        bell = Bell(api)
        # Given teachers who send until they are answered 202
        sending = [teachers.submit(bell.send, section) for section in sections]
        until(lambda: len(bell.accepted) >= REGISTERS // 3)
        # when Redis fails over, and the new primary has no replica
        pair.fail_over()
        safe = dict(bell.accepted)
        # then all that was answered 202 is there
        assert len(safe) < REGISTERS
        assert {job_id: queue.get(job_id) is not None for job_id in safe.values()} == dict.fromkeys(safe.values(), True)
        # and nobody is answered 202 before a replica has the job
        refusal = api.post("/mark", json=register(sections[0]))
        assert (refusal.status_code, refusal.json()["code"]) == (503, "unavailable")
        assert int(refusal.headers["Retry-After"]) > 0
        before = len(bell.accepted)
        time.sleep(0.3)
        assert len(bell.accepted) == before
        pair.attach_replica()
        for sent in sending:
            sent.result()
    # and all are completed, each once, whatever the teachers had to send again
    assert bell.refused > 0
    laptop.start()
    until(lambda: queue.counts().depth == 0)
    marks = school.run("select student_id::text, version from student_attendance")
    assert sorted(map(tuple, marks)) == sorted((student, 1) for section in sections for student in section.students)
    ledger = {job_id for (job_id,) in school.run("select job_id::text from attendance_job where state = 'completed'")}
    assert set(bell.accepted.values()) <= ledger
    assert len(ledger) == REGISTERS + 1  # the refused one without a key was on the list, as its answer warned


class Bell:
    """What the teachers of all sections were answered."""

    def __init__(self, api: httpx.Client) -> None:
        self._api, self._lock = api, threading.Lock()
        self.accepted: dict[str, str] = {}
        self.refused = 0

    def send(self, section: Section) -> None:
        """Send the section's register, under one key, until it is accepted."""
        deadline = time.monotonic() + 30
        while True:
            answer = self._api.post("/mark", json=register(section), headers={"Idempotency-Key": section.id})
            with self._lock:
                if answer.status_code == 202:
                    self.accepted[section.id] = answer.json()["jobId"]
                    return
                assert (answer.status_code, time.monotonic() < deadline) == (503, True), answer.text
                self.refused += 1
            time.sleep(0.02)
