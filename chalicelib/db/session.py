"""Tenant-scoped transactions: inside one, row-level security shows only the tenants that it names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pg8000.native import literal
from sqlalchemy import Connection, Engine, text

from chalicelib.db.faults import is_outage
from chalicelib.errors import Unavailable

_SCOPE = "select set_config('app.tenant_ids', {}, true)"


class Database:
    """The app's door to Postgres."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def transaction(self, *tenants: str) -> Iterator[Connection]:
        """One transaction that sees only `tenants` (UUIDs); it commits at the end, rolls back on any error.

        Raises Unavailable when Postgres is away or failing over.
        """
        try:
            with self._engine.begin() as connection:
                # With the tenants as a literal it is a simple query: one round trip, where a parameter makes it three.
                connection.exec_driver_sql(_SCOPE.format(literal("{" + ",".join(tenants) + "}")))
                yield connection
        except Exception as error:
            if is_outage(error):
                raise Unavailable("Postgres does not answer.", headers={"Retry-After": "2"}) from error
            raise

    def ping(self) -> None:
        """Ask for one row. Raises Unavailable when there is no answer."""
        with self.transaction() as connection:
            connection.execute(text("select 1"))

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()
