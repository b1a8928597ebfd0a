"""Postgres ends in the middle of a drain: the jobs wait unharmed, and the same consumer goes on when it is back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine

from chalicelib.db.engine import make_engine
from chalicelib.db.session import Database
from chalicelib.domain.job_state import JobState
from chalicelib.queue import JobQueue
from local.consumer import ConsumerProcess
from local.postgres_in_use import DATABASE, PostgresInUse
from local.servers import EmbeddedPostgres
from local.settings import environment
from tests.crash.conftest import KEY
from tests.crash.day import a_day
from tests.crash.hold import Hold
from tests.crash.process import until
from tests.school import School


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """A Postgres that loses no commit, to be treated badly."""
    with EmbeddedPostgres(durable=True) as server:
        admin = make_engine(server.url()).execution_options(isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.exec_driver_sql(f"create database {DATABASE}")
        admin.dispose()
        yield server


@pytest.fixture(scope="module")
def app_url(server: EmbeddedPostgres) -> str:
    """The migrated database, as the app's role."""
    return PostgresInUse(server.url(DATABASE), server).migrate()


@pytest.fixture
def owner(server: EmbeddedPostgres) -> Iterator[Engine]:
    """The database as its owner."""
    engine = make_engine(server.url(DATABASE))
    yield engine
    engine.dispose()


@pytest.fixture
def school(app_url: str) -> Iterator[School]:
    """A tenant in that database."""
    with closing(Database(make_engine(app_url))) as database:
        yield School(database)


@pytest.fixture
def laptop(app_url: str, redis_url: str, tmp_path: Path) -> Iterator[ConsumerProcess]:
    """The consumer of the local stack."""
    variables = environment(database_url=app_url, redis_url=redis_url, key=KEY)
    process = ConsumerProcess(variables, tmp_path / "consumer.log")
    process.start()
    yield process
    process.stop()


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_jobs_wait_uncharged_until_it_is_back(
    end: str,
    server: EmbeddedPostgres,
    owner: Engine,
    laptop: ConsumerProcess,
    queue: JobQueue,
    school: School,
) -> None:
    """By SIGKILL and in good order: no attempt, no stall, no second effect."""
    # Given a consumer in the middle of its transaction
    with Hold(owner) as hold:
        day = a_day(queue, school)
        hold.is_felt()
        working = laptop.pid
        # when Postgres ends
        getattr(server, end)()
    # then all jobs are given back
    until(lambda: queue.counts().waiting == len(day.jobs))
    for job in day.seen():
        assert (job.attempts_made, job.stalls) == (0, 0)
        assert job.state in {JobState.WAITING, JobState.ACTIVE}
    # and when it is back, the same consumer finishes
    server.start()
    until(lambda: queue.counts().depth == 0)
    day.is_in_the_books_once()
    assert {job.stalls for job in day.seen()} == {0}
    assert (laptop.running, laptop.pid) == (True, working)
