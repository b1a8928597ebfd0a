"""Servers for the tests: one real Postgres and one real Redis a run, started here, dying with the run.

Tests are kept apart by tenant (every table is tenant-scoped) and by an emptied Redis database, not by new servers.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from redis import Redis
from sqlalchemy import Engine, text

from chalicelib.db.engine import make_engine
from chalicelib.db.migrate import upgrade
from chalicelib.db.session import Database
from local.servers import EmbeddedPostgres, EmbeddedRedis

APP_ROLE = "rollcall_app"
_LONGEST = {"aws": 0, "e2e": 1, "crash": 2}


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A Postgres server of this run."""
    with EmbeddedPostgres() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[EmbeddedRedis]:
    """A Redis server of this run."""
    with EmbeddedRedis() as server:
        yield server


@pytest.fixture(scope="session")
def owner_engine(postgres: EmbeddedPostgres) -> Iterator[Engine]:
    """A migrated database `rollcall`, as its owner: for looking behind row-level security, never for the app's work."""
    admin = make_engine(postgres.url("postgres"))
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("create database rollcall"))
    admin.dispose()
    engine = make_engine(postgres.url("rollcall"))
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def database_url(owner_engine: Engine, postgres: EmbeddedPostgres) -> str:
    """The migrated database, as the app's role."""
    return postgres.url("rollcall", APP_ROLE)


@pytest.fixture(scope="session")
def database(database_url: str) -> Iterator[Database]:
    """The app's door to the migrated database, as the app's role."""
    engine = make_engine(database_url, pool_size=4, max_overflow=12)
    yield Database(engine)
    engine.dispose()


@pytest.fixture
def redis_url(redis_server: EmbeddedRedis) -> str:
    """The URL of an empty Redis database."""
    client = Redis.from_url(redis_server.url(0))
    client.flushdb()
    client.close()
    return redis_server.url(0)


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    """A client of an empty Redis database; replies are bytes."""
    client = Redis.from_url(redis_url)
    yield client
    client.close()


@pytest.fixture
def tenant() -> str:
    """The name of a tenant that no other test uses."""
    return f"t-{uuid4().hex[:12]}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The rooms that take longest come first, so that no worker is left with one of them at the end.

    But what Terraform makes beside all other tests is looked at when it had its time.
    """
    rooms = len(_LONGEST)
    awaiting = {item.path for item in items if "stages" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: rooms + 1 if item.path in awaiting else _LONGEST.get(item.path.parent.name, rooms))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that tests recorded (times and counts; no test fails by them)."""
    told = [
        (report.nodeid, *pair) for report in terminalreporter.getreports("passed") for pair in report.user_properties
    ]
    if told:
        terminalreporter.section("figures")
        for nodeid, name, value in told:
            terminalreporter.write_line(f"{nodeid.rpartition('::')[2]}: {name} {value}")
