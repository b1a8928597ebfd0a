"""The servers, databases and schools that the benchmarks run on: embedded, durable, and thrown away at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from redis import Redis
from sqlalchemy import Engine, text

from bench.sheets import Campus
from chalicelib.db.engine import make_engine
from chalicelib.db.migrate import upgrade
from chalicelib.db.session import Database
from chalicelib.db.writer import BatchWriter
from chalicelib.queue import JobQueue
from chalicelib.services.drain import Drain, Pace, Report
from local.servers import EmbeddedPostgres, EmbeddedRedis
from tests.school import School

APP_ROLE = "rollcall_app"
MAIN = "rollcall"


@dataclass
class World:
    """What a measure is handed. `runs` is how many counted rounds it takes; `full` asks for the long variants."""

    postgres: EmbeddedPostgres
    redis_server: EmbeddedRedis
    scratch: Path
    runs: int
    full: bool
    open: ExitStack

    @cached_property
    def redis(self) -> Redis:
        """A client of Redis; replies are bytes."""
        client = Redis.from_url(self.redis_server.url())
        self.open.callback(client.close)
        return client

    @cached_property
    def queue(self) -> JobQueue:
        """Our queue."""
        return JobQueue(self.redis)

    @cached_property
    def owner(self) -> Engine:
        """The main database as its owner, whom no row-level security holds."""
        return self.owner_of(MAIN)

    @cached_property
    def database(self) -> Database:
        """The main database as the app sees it."""
        return self.database_of(MAIN)

    def make_database(self, name: str) -> None:
        """Make a migrated database."""
        admin = make_engine(self.postgres.url("postgres"))
        with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f'create database "{name}"'))
        admin.dispose()
        upgrade(self.owner_of(name))

    def owner_of(self, name: str) -> Engine:
        """The database `name` as its owner."""
        engine = make_engine(self.postgres.url(name))
        self.open.callback(engine.dispose)
        return engine

    def database_of(self, name: str) -> Database:
        """The database `name` as the app sees it, by two connections, as a drain has."""
        database = Database(make_engine(self.app_url(name), pool_size=2))
        self.open.callback(database.close)
        return database

    def app_url(self, name: str = MAIN) -> str:
        """Where the app's role finds the database `name`."""
        return self.postgres.url(name, APP_ROLE)

    def campus(self, sections: int, size: int, *, name: str = MAIN) -> Campus:
        """A tenant with so many sections of `size` students each, in the database `name`."""
        database = self.database if name == MAIN else self.database_of(name)
        school = School(database, backdate_days=365)
        made = [school.section(students=size) for _ in range(sections)]
        owner = self.owner if name == MAIN else self.owner_of(name)
        with owner.begin() as connection:
            # What autovacuum does within a minute on a server that runs for longer than this one.
            connection.execute(text("analyze"))
        return Campus(database, school.tenant, school.session_id, made)

    def drain(self, database: Database | None = None, pace: Pace = Pace()) -> Report:  # noqa: B008 - frozen
        """Our consumer: drain the queue until it is empty."""
        return Drain(self.queue, BatchWriter(database or self.database), pace).run(lambda: 900_000, linger_s=0)


@contextmanager
def open_world(scratch: Path, *, runs: int, full: bool) -> Iterator[World]:
    """Both servers and a migrated database while the `with` block runs. Commits are flushed to the disk."""
    with ExitStack() as stack:
        postgres = stack.enter_context(EmbeddedPostgres(durable=True))
        redis = stack.enter_context(EmbeddedRedis())
        inner = stack.enter_context(ExitStack())
        world = World(postgres, redis, scratch, runs, full, inner)
        world.make_database(MAIN)
        yield world
