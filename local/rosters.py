"""Give a tenant its roster: by the normal import, with the cache in Redis dropped before and filled after it."""

from __future__ import annotations

import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from chalicelib.container import Container
from chalicelib.db.ids import tenant_id
from chalicelib.errors import NotFound
from chalicelib.services.roster_import import ImportReport
from local.demo_school import School, write_school


def import_roster(
    container: Container, path: Path, tenant: str, *, strict: bool = False, timezone: str = "UTC"
) -> ImportReport:
    """Import the folder or zip at `path`. Raises ImportRefused, Unavailable.

    Should the import die between its commit and the filling, nothing old is left in the cache.
    """
    key = tenant_id(tenant)
    today = _today(container, key, timezone)
    container.rosters.forget(key)
    report = container.importer.run(path, tenant=tenant, strict=strict, today=today, timezone=timezone)
    container.rosters.refresh(key)
    return report


def import_school(container: Container, school: School, tenant: str) -> ImportReport:
    """Make a school up, with a year around today, and import it."""
    with tempfile.TemporaryDirectory(prefix="rollcall-school-") as folder:
        write_school(school, Path(folder), datetime.now(UTC).date())
        return import_roster(container, Path(folder), tenant, strict=True)


def _today(container: Container, key: str, timezone: str) -> date:
    """The local date at the tenant, or where a new tenant is going to be."""
    now = container.now()
    try:
        return container.rosters.rules(key).today(now)
    except NotFound:
        pass
    try:
        return now.astimezone(ZoneInfo(timezone)).date()
    except (ValueError, OSError, KeyError):  # the import refuses such a zone, and says so
        return now.date()
