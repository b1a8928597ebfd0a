"""What a deployment runs: the schema comes up to the code's, and the app gets in by its password, which no log has."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chalicelib.access.login import Login
from chalicelib.db.engine import make_engine
from chalicelib.db.faults import sqlstate
from chalicelib.db.migrate import head
from chalicelib.services.migrate import Migrator, verifier
from local.servers import EmbeddedPostgres
from tests.conftest import APP_ROLE

PASSWORD = "a%b:c'd \"e\\ pässword"


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """A server of this module: a password belongs to the whole server, and other tests' roles need none."""
    with EmbeddedPostgres() as server:
        yield server


@pytest.fixture
def empty(server: EmbeddedPostgres, request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of an empty database."""
    name = f"d_{request.function.__name__}"[:60]
    ask(server.url(), f"create database {name}")
    yield name
    ask(server.url(), f"drop database {name} with (force)")


def ask(url: str, sql: str) -> str | None:
    """The one value of the answer, if there is one; outside of any transaction."""
    engine = make_engine(url)
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            answer = connection.execute(text(sql))
            return str(answer.scalar()) if answer.returns_rows else None
    finally:
        engine.dispose()


def who(url: str) -> str | None:
    """The role that one gets in as."""
    return ask(url, "select current_user")


def test_an_empty_database_comes_to_the_head_and_then_stays(server: EmbeddedPostgres, empty: str) -> None:
    """The answer names both revisions, as JSON."""
    migrator = Migrator(server.url(empty), server.url(empty, APP_ROLE))
    assert migrator.run().to_json() == {"from": None, "to": head(), "password_set": False}
    assert migrator.run().to_json() == {"from": head(), "to": head(), "password_set": False}


def test_the_app_gets_in_by_the_password_of_its_url(server: EmbeddedPostgres, empty: str) -> None:
    """And by no other: over TCP, where the server asks for one. A new password takes the place of the old."""
    app, other = (server.tcp_url(empty, APP_ROLE, password) for password in (PASSWORD, "another"))
    assert Migrator(server.tcp_url(empty), app).run().password_set
    assert who(app) == APP_ROLE
    with pytest.raises(DBAPIError) as refused:
        who(other)
    assert sqlstate(refused.value) == "28P01"
    Migrator(server.tcp_url(empty), other).run()
    assert who(other) == APP_ROLE


def test_the_password_is_in_no_log(server: EmbeddedPostgres, empty: str) -> None:
    """Even a server that logs every statement sees only what is kept in its place."""
    ask(server.url(), f"alter database {empty} set log_statement = 'all'")
    Migrator(server.url(empty), server.tcp_url(empty, APP_ROLE, "hush-hush")).run()
    said = server.log.read_text()
    assert "alter role rollcall_app login password 'SCRAM-SHA-256" in said
    assert "hush-hush" not in said


def test_both_may_sign_in_by_what_their_secrets_say(server: EmbeddedPostgres, empty: str) -> None:
    """The URLs have no user then, and the app gets the password of its secret."""
    url = f"postgresql://127.0.0.1:{server.port}/{empty}"
    owner, app = Offer(Login("postgres", server.password)), Offer(Login(APP_ROLE, "kept in a secret"))
    assert Migrator(url, url, owner=owner, app=app).run().password_set
    assert who(server.tcp_url(empty, APP_ROLE, "kept in a secret")) == APP_ROLE


def test_an_app_with_tokens_is_let_in_by_iam(server: EmbeddedPostgres, empty: str) -> None:
    """RDS has the role `rds_iam`; who is a member needs no password, and gets none."""
    ask(server.url(), "create role rds_iam")
    migrator = Migrator(server.url(empty), f"postgresql://{APP_ROLE}@127.0.0.1/{empty}", by_token=True)
    assert not migrator.run().password_set
    assert not migrator.run().password_set
    assert ask(server.url(), f"select pg_has_role('{APP_ROLE}', 'rds_iam', 'member')") == "True"


def test_a_refusal_shows_no_verifier(server: EmbeddedPostgres, empty: str) -> None:
    """An owner who may not alter the role: the statement, with what Postgres keeps of a password, is not told."""
    Migrator(server.url(empty), server.url(empty, APP_ROLE)).run()
    ask(server.url(), "create role weak login")
    ask(server.url(), f"alter database {empty} owner to weak; grant all on schema public to weak")
    ask(server.url(empty), "grant select on alembic_version to weak")
    with pytest.raises(Exception, match="permission denied") as refused:
        Migrator(server.url(empty, "weak"), server.tcp_url(empty, APP_ROLE, PASSWORD)).run()
    shown = "".join(traceback.format_exception(refused.value))
    assert "SCRAM-SHA-256" not in shown
    assert PASSWORD not in shown


class Offer:
    """One login."""

    def __init__(self, login: Login) -> None:
        self._login = login

    def offers(self) -> Iterator[Login]:
        yield self._login


def test_a_verifier_is_salted() -> None:
    """Two of the same password differ."""
    assert verifier("same") != verifier("same")


def test_an_owner_who_is_also_the_app_keeps_its_password(server: EmbeddedPostgres, empty: str) -> None:
    """A small deployment may have one role; nobody changes the password by which they are logged in."""
    url = server.tcp_url(empty)
    assert not Migrator(url, url).run().password_set
    assert who(url) == "postgres"
