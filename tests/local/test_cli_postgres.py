"""A Postgres of one's own: migrated by its owner, used by the app's role, told of without passwords."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from chalicelib.db.engine import make_engine, parse_url
from local.cli import app
from local.faults import StackFault
from local.postgres_in_use import APP_ROLE, as_app, open_postgres
from local.servers import EmbeddedPostgres


@pytest.fixture(scope="module")
def own() -> Iterator[EmbeddedPostgres]:
    """A server of its own, since roles and their passwords belong to the whole server."""
    with EmbeddedPostgres() as server:
        yield server


def who(url: str) -> str:
    engine = make_engine(url)
    with engine.connect() as connection:
        found = connection.scalar(text("select current_user || ' ' || count(*) from attendance_job"))
    engine.dispose()
    return str(found)


def test_the_owners_url_is_enough_and_always_gives_the_same_one_for_the_app(own: EmbeddedPostgres) -> None:
    url = own.tcp_url()
    with open_postgres(url) as postgres:
        first = postgres.migrate()
        assert postgres.owner_url == url
    assert who(first) == f"{APP_ROLE} 0"
    assert own.password not in first, "the app does not learn the owner's password"
    with open_postgres(url) as postgres:
        assert postgres.migrate() == first
    with open_postgres(first) as postgres:
        assert postgres.migrate() == first
        assert postgres.owner_url is None


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+pg8000"])
def test_urls_of_every_form_are_read(own: EmbeddedPostgres, scheme: str) -> None:
    """Over TCP, or a unix socket by the driver's parameter or by its folder, where no password is needed."""
    with open_postgres(own.tcp_url()) as postgres:
        postgres.migrate()
    rest = own.tcp_url().partition("://")[2]
    assert who(as_app(f"{scheme}://{rest}")) == f"{APP_ROLE} 0"
    assert who(as_app(f"{scheme}://postgres@/postgres?unix_sock={own.socket}")) == f"{APP_ROLE} 0"
    folder = f"{scheme}://postgres@:{own.port}/postgres?host={own.socket.parent}"
    assert who(as_app(folder)) == f"{APP_ROLE} 0"
    assert parse_url(as_app(folder)).password is None


def test_a_refusal_of_postgres_is_one_sentence_without_the_password(own: EmbeddedPostgres) -> None:
    with pytest.raises(StackFault) as caught, open_postgres(own.tcp_url(password="a-bad-secret")) as postgres:
        postgres.migrate()
    assert "password authentication failed" in str(caught.value)
    assert "a-bad-secret" not in str(caught.value)


def test_migrate_brings_a_database_to_the_newest_schema(own: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    admin = make_engine(own.url())
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("create database fresh")
    admin.dispose()
    monkeypatch.setenv("DATABASE_URL", own.url("fresh"))
    for _ in range(2):
        ended = CliRunner().invoke(app, ["migrate"])
        assert ended.exit_code == 0, ended.stderr
        assert ended.stdout.startswith("The database is at revision ")
    assert who(own.url("fresh", APP_ROLE)) == f"{APP_ROLE} 0"
    monkeypatch.setenv("DATABASE_URL", own.url("nowhere"))
    ended = CliRunner().invoke(app, ["migrate"])
    assert ended.exit_code == 1
    assert 'database "nowhere" does not exist' in ended.stderr
    monkeypatch.delenv("DATABASE_URL")
    assert CliRunner().invoke(app, ["migrate"]).exit_code == 2
