"""Redis, with its append-only file, ends in the middle of a drain: what was accepted is completed, once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import Engine

from chalicelib.domain.job_state import JobState
from chalicelib.errors import Unavailable
from chalicelib.queue import JobQueue
from local.consumer import ConsumerProcess
from local.servers import EmbeddedRedis
from local.settings import environment
from tests.crash.conftest import KEY
from tests.crash.day import a_day
from tests.crash.hold import Hold
from tests.crash.process import until
from tests.queue.steps import leases_run_out
from tests.school import School


@pytest.fixture
def server() -> Iterator[EmbeddedRedis]:
    """A Redis that remembers, to be treated badly."""
    with EmbeddedRedis(appendonly=True) as server:
        yield server


@pytest.fixture
def redis(server: EmbeddedRedis) -> Iterator[Redis]:
    """A client of it that tries once more, as the app's does."""
    with Redis.from_url(server.url(), retry=Retry(NoBackoff(), 1)) as client:
        yield client


@pytest.fixture
def laptop(database_url: str, server: EmbeddedRedis, tmp_path: Path) -> Iterator[ConsumerProcess]:
    """The consumer of the local stack."""
    variables = environment(database_url=database_url, redis_url=server.url(), key=KEY)
    process = ConsumerProcess(variables, tmp_path / "consumer.log")
    process.start()
    yield process
    process.stop()


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_back_before_the_acks(
    end: str, server: EmbeddedRedis, owner_engine: Engine, laptop: ConsumerProcess, queue: JobQueue, school: School
) -> None:
    """The consumer finds its leases where it left them; nobody notices but who wanted to submit meanwhile."""
    # Given a consumer in the middle of its transaction
    with Hold(owner_engine) as hold:
        day = a_day(queue, school)
        hold.is_felt()
        held = queue.counts().active
        # when Redis ends and comes back
        getattr(server, end)()
        with pytest.raises(Unavailable):
            day.register()
        server.start()
        # then all it had accepted is there
        assert (queue.counts().active, queue.counts().depth) == (held, 12)
    # and the consumer acks as if nothing had been
    until(lambda: queue.counts().depth == 0)
    day.is_in_the_books_once()
    assert {job.stalls for job in day.seen()} == {0}


def test_away_at_the_acks(
    server: EmbeddedRedis, owner_engine: Engine, laptop: ConsumerProcess, queue: JobQueue, redis: Redis, school: School
) -> None:
    """Postgres has committed and Redis does not know: when the leases end, the ledger tells the first result."""
    # Given a consumer in the middle of its transaction, and Redis gone
    with Hold(owner_engine) as hold:
        day = a_day(queue, school)
        hold.is_felt()
        held = queue.counts().active
        server.kill()
    # when the transaction commits, and Redis comes back
    until(lambda: bool(school.run("select job_id from attendance_job")))
    time.sleep(0.3)  # the ack follows the commit within a millisecond, and fails
    server.start()
    assert {job.state for job in day.seen()[:held]} == {JobState.ACTIVE}
    leases_run_out(redis)
    # then the same consumer takes its jobs again and acks them
    working = laptop.pid
    until(lambda: queue.counts().depth == 0)
    day.is_in_the_books_once()
    assert [job.stalls for job in day.seen()] == [1] * held + [0] * (12 - held)
    assert (laptop.running, laptop.pid) == (True, working)
