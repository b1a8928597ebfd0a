"""The Postgres of a stack: an embedded one, or a server of one's own by its URL."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import URL, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from chalicelib.db.engine import make_engine, parse_url
from chalicelib.db.migrate import upgrade
from local.faults import StackFault, postgres_says
from local.servers import EmbeddedPostgres

APP_ROLE = "rollcall_app"
DATABASE = "rollcall"


@dataclass(frozen=True, slots=True)
class PostgresInUse:
    """A database: `owner_url` is None if only the app's role was given, then it must be migrated already."""

    owner_url: str | None
    embedded: EmbeddedPostgres | None = None
    given_url: str = ""

    def migrate(self) -> str:
        """Bring the schema up to date; return the URL by which the app connects. Raises StackFault."""
        if self.owner_url is None:
            _require_schema(self.given_url)
            return self.given_url
        migrate(self.owner_url)
        if self.embedded is not None:
            return self.embedded.url(DATABASE, APP_ROLE)
        return as_app(self.owner_url)


@contextmanager
def open_postgres(url: str | None) -> Iterator[PostgresInUse]:
    """Start an embedded Postgres with an empty database, or take the server at `url`."""
    if url is not None:
        yield PostgresInUse(None if parse_url(url).username == APP_ROLE else url, given_url=url)
        return
    with EmbeddedPostgres() as server:
        _execute(server.url(), f"create database {DATABASE}")
        yield PostgresInUse(server.url(DATABASE), server)


def migrate(url: str) -> None:
    """Migrate the database at `url` as its owner. Raises StackFault."""
    with _engine(url) as engine:
        try:
            upgrade(engine)
        except RuntimeError as error:  # the server is too old
            raise StackFault(str(error)) from error


def as_app(url: str) -> str:
    """The same database as the app's role, whose password is derived from the owner's, so it is always the same.

    A server that lets its owner in without a password is expected to do so with the app's role. Raises StackFault.
    """
    owner = parse_url(url)
    if owner.username == APP_ROLE:
        return url
    password = _derived_password(owner) if owner.password is not None else None
    app = owner.set(username=APP_ROLE, password=password).render_as_string(hide_password=False)
    try:
        _execute(app, "select 1")
    except StackFault:
        if password is None:
            raise
        # The password is made of hexadecimal digits; this statement takes no parameter.
        _execute(url, f"alter role {APP_ROLE} login password '{password}'")
        _execute(app, "select 1")
    return app


def _derived_password(owner: URL) -> str:
    message = f"{APP_ROLE} for {owner.username or ''}"
    return hmac.new(str(owner.password).encode(), message.encode(), hashlib.sha256).hexdigest()


def _require_schema(url: str) -> None:
    with _engine(url) as engine, engine.connect() as connection:
        if connection.scalar(text("select to_regclass('public.attendance_job')")) is None:
            raise StackFault(
                f"The database is not migrated, and {APP_ROLE} may not do it: "
                "run `python -m local migrate` with a DATABASE_URL of the database's owner first."
            )


def _execute(url: str, statement: str) -> None:
    with _engine(url) as engine, engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))


@contextmanager
def _engine(url: str) -> Iterator[Engine]:
    """An engine for a moment. Raises StackFault for what Postgres refuses, naming the server without its password."""
    shown = parse_url(url).render_as_string(hide_password=True)
    try:
        engine = make_engine(url)
        try:
            yield engine
        finally:
            engine.dispose()
    except (SQLAlchemyError, OSError, ValueError) as error:
        raise StackFault(f"Postgres at {shown}: {postgres_says(error)}.") from error
