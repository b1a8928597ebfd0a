"""Migrations: any number of times, any number at once, as an owner who is no superuser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import pg8000.dbapi
import pytest
from sqlalchemy import Engine, inspect, text

from chalicelib.db import migrate
from chalicelib.db.engine import make_engine
from chalicelib.db.migrate import head, upgrade
from chalicelib.db.session import Database
from chalicelib.db.tables import metadata
from chalicelib.db.writer import BatchWriter
from local.servers import EmbeddedPostgres
from tests.conftest import APP_ROLE
from tests.db.steps import a_job, history
from tests.school import School


@contextmanager
def new_database(postgres: EmbeddedPostgres, owner: str = "postgres") -> Iterator[str]:
    """The name of an empty database of `owner`; dropped at the end."""
    name = f"d_{uuid4().hex[:12]}"
    as_admin(postgres, f"create database {name} owner {owner}")
    try:
        yield name
    finally:
        as_admin(postgres, f"drop database {name} with (force)")


def as_admin(postgres: EmbeddedPostgres, sql: str) -> None:
    """A statement that cannot stand in a transaction."""
    with engine_of(postgres.url("postgres")) as engine, engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text(sql))


@contextmanager
def engine_of(url: str) -> Iterator[Engine]:
    """An engine that is closed at the end."""
    engine = make_engine(url, pool_size=4)
    try:
        yield engine
    finally:
        engine.dispose()


def revision(engine: Engine) -> str:
    """Where the database is."""
    with engine.connect() as connection:
        return str(connection.scalar(text("select version_num from alembic_version")))


def test_a_migrated_database_is_at_the_head(owner_engine: Engine) -> None:
    """The newest revision that the code knows, and there is exactly one."""
    assert revision(owner_engine) == head() != ""


def test_migrating_again_changes_nothing(owner_engine: Engine) -> None:
    """A deployment without a new revision does nothing to the schema."""
    before = inspect(owner_engine).get_table_names()
    upgrade(owner_engine)
    assert revision(owner_engine) == head()
    assert inspect(owner_engine).get_table_names() == before


def test_two_deployments_at_once_migrate_once(postgres: EmbeddedPostgres) -> None:
    """The second waits, then finds nothing to do; neither fails."""
    with new_database(postgres) as name, engine_of(postgres.url(name)) as engine:
        barrier = threading.Barrier(2)

        def deploy() -> None:
            barrier.wait(timeout=10)
            upgrade(engine)

        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(deploy) for _ in range(2)]:
                done.result(timeout=60)
        assert revision(engine) == head()
        assert set(metadata.tables) <= set(inspect(engine).get_table_names())


def test_an_older_server_is_refused_before_anything_is_done(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both versions are named; the database stays empty."""
    with new_database(postgres) as name, engine_of(postgres.url(name)) as engine:
        with engine.connect() as connection:
            major = int(connection.scalar(text("show server_version_num")) or 0) // 10_000
        monkeypatch.setattr(migrate, "OLDEST_SERVER", major + 1)
        with pytest.raises(RuntimeError, match=f"needs PostgreSQL {major + 1} or newer; this server is {major}"):
            upgrade(engine)
        assert inspect(engine).get_table_names() == []


def test_a_migration_that_fails_leaves_nothing_half_done(postgres: EmbeddedPostgres) -> None:
    """A table in the way: the revision is rolled back as a whole, the lock is given back, the next try succeeds."""
    with new_database(postgres) as name, engine_of(postgres.url(name)) as engine:
        with engine.begin() as connection:
            connection.execute(text("create table attendance_job (x integer)"))
        with pytest.raises(pg8000.dbapi.DatabaseError, match="already exists"):
            upgrade(engine)
        assert set(inspect(engine).get_table_names()) <= {"attendance_job", "alembic_version"}
        with engine.begin() as connection:
            connection.execute(text("drop table attendance_job"))
        upgrade(engine)
        assert revision(engine) == head()


def test_the_owner_need_not_be_a_superuser(postgres: EmbeddedPostgres, owner_engine: Engine) -> None:
    """As on a hosted server: the schema is made, and what the owner's triggers do passes row-level security."""
    with owner_engine.begin() as connection:
        connection.execute(text("create role school_owner login createrole"))
        connection.execute(text(f"grant {APP_ROLE} to school_owner with admin option"))
    with (
        new_database(postgres, "school_owner") as name,
        engine_of(postgres.url(name, "school_owner")) as owner,
        engine_of(postgres.url(name, APP_ROLE)) as app,
    ):
        upgrade(owner)
        school = School(Database(app))
        section = school.section(students=1)
        [kim] = section.students
        for at, status in enumerate(["ABSENT", "PRESENT"]):
            BatchWriter(Database(app)).write([a_job(school, {kim: status}, at=at, section=section.id)])
        assert history(school, kim) == [("ABSENT", "PRESENT")]
        school.run("update attendance_settings set backdate_days = 9")
        assert len(school.run("select * from settings_audit_log")) == 1
        assert school.run("select ensure_attendance_partitions('2001-01-01', '2001-02-01')") == [(2,)]
        with owner.connect() as connection:
            seen = connection.scalar(text("select count(*) from student_attendance"))
        assert seen == 0, "without a named tenant the owner sees nothing either"
