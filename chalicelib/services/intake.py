"""Give a tenant its roster: by the normal import, with the cache in Redis dropped before and filled after it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from chalicelib.cache import RosterCache
from chalicelib.db.ids import tenant_id
from chalicelib.errors import NotFound
from chalicelib.services.roster_import import ImportReport, RosterImporter


class Intake:
    """Imports a bundle and leaves nothing old in the cache."""

    def __init__(self, importer: RosterImporter, rosters: RosterCache, now: Callable[[], datetime]) -> None:
        self._importer, self._rosters, self._now = importer, rosters, now

    def run(self, path: Path, tenant: str, *, strict: bool = False, timezone: str = "UTC") -> ImportReport:
        """Import the folder or zip at `path`. Raises ImportRefused, Unavailable.

        Should the import die between its commit and the filling, nothing old is left in the cache.
        """
        key = tenant_id(tenant)
        today = self._today(key, timezone)
        self._rosters.forget(key)
        report = self._importer.run(path, tenant=tenant, strict=strict, today=today, timezone=timezone)
        self._rosters.refresh(key)
        return report

    def _today(self, key: str, timezone: str) -> date:
        """The local date at the tenant, or where a new tenant is going to be."""
        now = self._now()
        try:
            return self._rosters.rules(key).today(now)
        except NotFound:
            pass
        try:
            return now.astimezone(ZoneInfo(timezone)).date()
        except (ValueError, OSError, KeyError):  # the import refuses such a zone, and says so
            return now.date()
