"""Look after the database by the day: the months that marks are going to fall into are made ahead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from chalicelib.db.partitions import ensure_partitions
from chalicelib.db.session import Database

BEFORE, AHEAD = timedelta(days=31), timedelta(days=550)
"""A month back, for a tenant whose today is yesterday in UTC; a year and a half ahead, as the first migration made."""

PATIENCE_MS = 5_000
"""A new month waits for the marks that are being written, and everybody's next marks wait behind it."""


@dataclass(frozen=True, slots=True)
class Maintained:
    """What a round did: how many months were new, and the last day (ISO 8601) that is provided for."""

    partitions_made: int
    provided_until: str

    def to_json(self) -> dict[str, Any]:
        """For the log and for whoever asked."""
        return asdict(self)


class Maintenance:
    """One round a day is plenty; any number does no harm, and two at once make each month once.

    There is nothing else to sweep: what Redis holds expires by itself, leases that ran out are returned by the claims
    of the drain, and the ledger is kept.
    """

    def __init__(self, database: Database, now: Callable[[], datetime], *, patience_ms: int = PATIENCE_MS) -> None:
        self._database, self._now, self._patience_ms = database, now, patience_ms

    def run(self) -> Maintained:
        """Make the months that are missing.

        Raises Unavailable when Postgres is away, and the database's error when marks that are being written hold a new
        month up for longer than the patience: the next round tries again, long before anybody needs the month.
        """
        today = self._now().date()
        last = today + AHEAD
        with self._database.transaction() as connection:
            patience = {"patience": f"{self._patience_ms}ms"}
            connection.execute(text("select set_config('lock_timeout', :patience, true)"), patience)
            made = ensure_partitions(connection, [(today - BEFORE, last)])
        return Maintained(made, last.isoformat())
