"""The app's door to Postgres: all or nothing, and an outage is called one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chalicelib.db import engine as engines
from chalicelib.db.engine import make_engine
from chalicelib.db.faults import sqlstate
from chalicelib.db.session import Database
from chalicelib.errors import NotFound, Unavailable
from local.servers import EmbeddedPostgres
from tests.school import School, new_id

NOBODY_LISTENS = "postgresql://rollcall_app@127.0.0.1:1/rollcall"


@pytest.fixture
def one_connection(database_url: str) -> Iterator[Database]:
    """A door with a single connection, as a Lambda environment has."""
    database = Database(make_engine(database_url))
    yield database
    database.close()


def add_student(database: Database, school: School, *, then: Exception | None = None) -> None:
    """A transaction that adds a student, and then perhaps fails."""
    with database.transaction(school.tenant) as connection:
        connection.execute(
            text(
                "insert into student (tenant_id, id, source_id, given_name, family_name) values (:t, :i, 'x', 'x', 'x')"
            ),
            {"t": school.tenant, "i": new_id()},
        )
        if then is not None:
            raise then


def test_a_transaction_commits_at_its_end(one_connection: Database, school: School) -> None:
    """Without being told to."""
    add_student(one_connection, school)
    assert school.run("select count(*) from student") == [(1,)]


@pytest.mark.parametrize("error", [NotFound(), KeyError("x"), ValueError("x")])
def test_any_error_rolls_the_transaction_back_and_comes_out_as_it_is(
    one_connection: Database, school: School, error: Exception
) -> None:
    """Ours or Python's; the connection serves the next transaction."""
    with pytest.raises(type(error)):
        add_student(one_connection, school, then=error)
    assert school.run("select count(*) from student") == [(0,)]
    one_connection.ping()


def test_a_wrong_statement_is_no_outage(one_connection: Database) -> None:
    """It comes out as the database's error, and does not spoil the connection."""
    with pytest.raises(DBAPIError) as error, one_connection.transaction() as connection:
        connection.execute(text("select * from no_such_table"))
    assert sqlstate(error.value) == "42P01"
    one_connection.ping()


def test_an_error_does_not_quote_what_was_to_be_written(one_connection: Database) -> None:
    """It is logged, and marks are nobody's business there."""
    with pytest.raises(DBAPIError) as error, one_connection.transaction() as connection:
        connection.execute(text("select :remarks from no_such_table"), {"remarks": "measles"})
    assert "measles" not in str(error.value)


def test_a_server_that_is_away_is_unavailable() -> None:
    """With the time after which to come back."""
    away = Database(make_engine(NOBODY_LISTENS))
    with pytest.raises(Unavailable) as error:
        away.ping()
    assert error.value.headers["Retry-After"]


def test_a_missing_socket_is_unavailable() -> None:
    """As a server that was never started."""
    with pytest.raises(Unavailable):
        Database(make_engine("postgresql://rollcall_app@/rollcall?unix_sock=/nowhere/.s.PGSQL.5432")).ping()


def test_a_database_or_role_that_does_not_exist_yet_is_unavailable(postgres: EmbeddedPostgres) -> None:
    """A deployment that comes up in the wrong order waits."""
    for url in (postgres.url("no_such_database"), postgres.url("postgres", "no_such_role")):
        with pytest.raises(Unavailable):
            Database(make_engine(url)).ping()


def test_a_connection_that_was_cut_is_unavailable_and_replaced(
    one_connection: Database, postgres: EmbeddedPostgres
) -> None:
    """In the middle of a transaction it is an outage; the next one has a new connection."""
    admin = Database(make_engine(postgres.url("postgres")))

    def work(*, cut: bool) -> None:
        with one_connection.transaction() as connection:
            pid = connection.scalar(text("select pg_backend_pid()"))
            if cut:
                with admin.transaction() as superuser:
                    superuser.execute(text("select pg_terminate_backend(:pid, 5000)"), {"pid": pid})
            connection.execute(text("select 1"))

    with pytest.raises(Unavailable):
        work(cut=True)
    work(cut=False)
    admin.close()


@pytest.mark.parametrize("way", ["socket", "tcp"])
def test_the_time_limit_of_connecting_is_not_one_of_working(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """An import, or the wait for another's lock, may take longer than a connection may take to come up."""
    monkeypatch.setattr(engines, "CONNECT_TIMEOUT_S", 0.2)
    database = Database(make_engine(postgres.url() if way == "socket" else postgres.tcp_url()))
    with database.transaction() as connection:
        connection.execute(text("select pg_sleep(0.4)"))
    database.close()
