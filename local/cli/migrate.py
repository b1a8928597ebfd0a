"""`migrate`: bring a database to the newest schema."""

from __future__ import annotations

import os

import typer

from local.cli.ending import fail, plain_errors


def migrate() -> None:
    """Migrate DATABASE_URL, as the role that owns the database."""
    from chalicelib.db.migrate import head
    from local.postgres_in_use import migrate as migrate_database

    url = os.environ.get("DATABASE_URL")
    if not url:
        fail("set DATABASE_URL to the database's owner; `make dev` migrates its own.", 2)
    with plain_errors():
        migrate_database(url)
    typer.echo(f"The database is at revision {head()}.")
