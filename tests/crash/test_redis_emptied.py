"""Redis comes back empty: what had been applied is known, the rest is gone, and sending again doubles nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import Engine

from chalicelib.queue import JobQueue
from local.consumer import ConsumerProcess
from local.servers import EmbeddedRedis
from local.settings import environment
from tests.crash.conftest import KEY
from tests.crash.hold import Hold
from tests.crash.process import until
from tests.crash.school_online import office, register
from tests.school import School


@pytest.fixture
def server() -> Iterator[EmbeddedRedis]:
    """A Redis that forgets, to be treated badly."""
    with EmbeddedRedis() as server:
        yield server


@pytest.fixture
def redis(server: EmbeddedRedis) -> Iterator[Redis]:
    """A client of it that tries once more, as the app's does."""
    with Redis.from_url(server.url(), retry=Retry(NoBackoff(), 1)) as client:
        yield client


@pytest.fixture
def variables(database_url: str, server: EmbeddedRedis) -> dict[str, str]:
    """The environment of a process of the app."""
    return environment(database_url=database_url, redis_url=server.url(), key=KEY, pool=4)


def test_what_is_known_what_is_gone_and_sending_again(
    server: EmbeddedRedis,
    owner_engine: Engine,
    variables: dict[str, str],
    queue: JobQueue,
    school: School,
    tmp_path: Path,
) -> None:
    """An append-only file or replicas keep what was not drained; without, it is gone, and nobody claims otherwise."""
    sections = {name: school.section(students=3) for name in ("done", "in_hand", "waiting")}
    laptop = ConsumerProcess(variables, tmp_path / "consumer.log")
    with office(school, variables) as api:

        def send(name: str, **headers: str) -> str:
            answer = api.post("/mark", json=register(sections[name]), headers=headers)
            assert answer.status_code == 202, answer.text
            return str(answer.json()["jobId"])

        def depth_is(count: int) -> None:
            until(lambda: queue.counts().depth == count)

        # Given a job that was applied, one in the middle of its transaction, and one that waits
        jobs = {"done": send("done", **{"Idempotency-Key": "done"})}
        laptop.start()
        try:
            depth_is(0)
            with Hold(owner_engine) as hold:
                jobs["in_hand"] = send("in_hand", **{"Idempotency-Key": "in_hand"})
                hold.is_felt()
                jobs["waiting"] = send("waiting", **{"Idempotency-Key": "waiting"})
                # when Redis comes back empty
                server.kill()
                server.start()
                assert queue.counts().depth == 0
            until(lambda: len(ledger(school)) == 2)

            # then the ledger answers for what was applied, also for what was in hand; the rest is unknown
            told = {name: api.get(f"/jobs/{job_id}") for name, job_id in jobs.items()}
            assert {name: answer.status_code for name, answer in told.items()} == {
                "done": 200, "in_hand": 200, "waiting": 404,
            }  # fmt: skip
            for name in ("done", "in_hand"):
                assert (told[name].json()["state"], told[name].json()["result"]["applied"]) == ("completed", 3)

            # and when clients send all again, with the same keys and without
            again = [send(name, **{"Idempotency-Key": name}) for name in sections] + [send(name) for name in sections]
            depth_is(0)
        finally:
            laptop.stop()
        results = [api.get(f"/jobs/{job_id}").json()["result"] for job_id in again]

    # then each mark is there once
    assert [result["applied"] for result in results] == [0, 0, 3, 0, 0, 0]
    assert [result["unchanged"] for result in results] == [3, 3, 0, 3, 3, 3]
    marks = school.run("select student_id::text, version from student_attendance")
    expected = [(student, 1) for section in sections.values() for student in section.students]
    assert sorted(map(tuple, marks)) == sorted(expected)
    assert school.run("select id from attendance_audit_log") == []
    assert ledger(school) == {jobs["done"], jobs["in_hand"], *again}


def ledger(school: School) -> set[str]:
    """The jobs that Postgres knows."""
    return {job_id for (job_id,) in school.run("select job_id::text from attendance_job")}
