"""Bring the database to the schema of this code, as its owner, and let the app's role in: what a deployment runs."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from scramp import ScramMechanism
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from chalicelib.access.login import Access
from chalicelib.db.engine import make_engine, parse_url
from chalicelib.db.migrate import current, upgrade


@dataclass(frozen=True, slots=True)
class Migrated:
    """From which revision to which (None before the first), and whether the app's role was given its password."""

    before: str | None
    after: str | None
    password_set: bool

    def to_json(self) -> dict[str, Any]:
        """For the deployment that asked."""
        return {"from": self.before, "to": self.after, "password_set": self.password_set}


class Migrator:
    """Migrates the database at `owner_url` for an app that is going to connect by `app_url`.

    `owner` and `app` tell what they sign in with, where their URLs do not; `by_token` if the app's are tokens of IAM.
    """

    def __init__(
        self,
        owner_url: str,
        app_url: str,
        *,
        owner: Access | None = None,
        app: Access | None = None,
        by_token: bool = False,
    ) -> None:
        self._owner_url, self._owner, self._by_token = owner_url, owner, by_token
        self._app_url, self._app = parse_url(app_url), app

    def run(self) -> Migrated:
        """Run what is missing; a second time there is nothing to do.

        The app's role is made by the first revision, without a password. If the app has one, the role is given it; if
        it has tokens, the role is granted `rds_iam`. Raises RuntimeError for a server that is too old, else the
        database's own error; then the revision that failed has left nothing.
        """
        engine = make_engine(self._owner_url, access=self._owner)
        try:
            before = current(engine)
            upgrade(engine)
            return Migrated(before, current(engine), self._let_in(engine))
        finally:
            engine.dispose()

    def _let_in(self, engine: Engine) -> bool:
        if self._by_token:
            _run(engine, "grant rds_iam to %I", self._app_url.username or "")
            return False
        role, password = self._login()
        if not role or password is None or role == parse_url(self._owner_url).username:
            return False
        _run(engine, "alter role %I login password %L", role, verifier(password))
        return True

    def _login(self) -> tuple[str | None, str | None]:
        if self._app is not None:
            login = next(self._app.offers())
            return login.user, login.password
        return self._app_url.username, None if self._app_url.password is None else str(self._app_url.password)


def _run(engine: Engine, statement: str, *names: str) -> None:
    """Run a statement that takes no parameters; Postgres puts the names and texts in."""
    marks = ", ".join(f"cast(:p{number} as text)" for number in range(len(names)))
    ask = text(f"select format(:statement, {marks})")
    with engine.begin() as connection:
        made = str(connection.scalar(ask, {"statement": statement} | {f"p{n}": name for n, name in enumerate(names)}))
        try:
            connection.exec_driver_sql(made)
        except DBAPIError as error:  # which shows the statement, and with it the verifier
            raise (error.orig or error) from None


def verifier(password: str) -> str:
    """What Postgres keeps in place of a password (RFC 5803): so the password itself is in no log of the server."""
    salt, stored, server, iterations = ScramMechanism("SCRAM-SHA-256").make_auth_info(password)
    salt64, stored64, server64 = (b64encode(part).decode("ascii") for part in (salt, stored, server))
    return f"SCRAM-SHA-256${iterations}:{salt64}${stored64}:{server64}"
