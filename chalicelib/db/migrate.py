"""Bring a database to the newest schema, as its owner (a laptop's stack, a test, the migrate Lambda)."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

MIGRATIONS = Path(__file__).parent / "migrations"

OLDEST_SERVER = 18
"""RETURNING old.* and temporal keys came with PostgreSQL 18."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


def head() -> str:
    """The newest revision that this code knows."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def current(engine: Engine) -> str | None:
    """The revision at which the database is; None before the first."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Run what is missing up to `revision`, one transaction a revision.

    `engine` connects as the role that owns the schema. Raises RuntimeError for a server older than PostgreSQL 18.
    """
    with engine.connect() as connection:
        version = int(connection.scalar(text("show server_version_num")) or 0) // 10_000
        if version < OLDEST_SERVER:
            raise RuntimeError(f"Rollcall needs PostgreSQL {OLDEST_SERVER} or newer; this server is {version}.")
        # Two deployments at once: the second waits and then finds nothing to do.
        connection.execute(text("select pg_advisory_lock(hashtext('rollcall-migrations'))"))
        connection.commit()
        try:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(text("select pg_advisory_unlock(hashtext('rollcall-migrations'))"))
            connection.commit()
