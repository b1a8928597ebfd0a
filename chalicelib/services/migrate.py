"""Bring the database to the schema of this code, as its owner, and let the app's role in: what a deployment runs."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from scramp import ScramMechanism
from sqlalchemy import Engine, text

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
    """Migrates the database at `owner_url` for an app that is going to connect by `app_url`."""

    def __init__(self, owner_url: str, app_url: str) -> None:
        self._owner_url, self._app = owner_url, parse_url(app_url)

    def run(self) -> Migrated:
        """Run what is missing; a second time there is nothing to do.

        The app's role is made by the first revision, without a password; if the app's URL has one, the role is given
        it. Raises RuntimeError for a server that is too old, else the database's own error; then the revision that
        failed has left nothing.
        """
        engine = make_engine(self._owner_url)
        try:
            before = current(engine)
            upgrade(engine)
            return Migrated(before, current(engine), self._set_password(engine))
        finally:
            engine.dispose()

    def _set_password(self, engine: Engine) -> bool:
        role, password = self._app.username, self._app.password
        if not role or password is None or role == parse_url(self._owner_url).username:
            return False
        alter = text("select format('alter role %I login password %L', cast(:role as text), cast(:verifier as text))")
        with engine.begin() as connection:
            statement = connection.scalar(alter, {"role": role, "verifier": verifier(str(password))})
            connection.exec_driver_sql(str(statement).replace("%", "%%"))
        return True


def verifier(password: str) -> str:
    """What Postgres keeps in place of a password (RFC 5803): so the password itself is in no log of the server."""
    salt, stored, server, iterations = ScramMechanism("SCRAM-SHA-256").make_auth_info(password)
    salt64, stored64, server64 = (b64encode(part).decode("ascii") for part in (salt, stored, server))
    return f"SCRAM-SHA-256${iterations}:{salt64}${stored64}:{server64}"
