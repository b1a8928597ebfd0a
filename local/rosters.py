"""Give a tenant of the local stack its roster: one of its own, or one that is made up."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from chalicelib.container import Container
from chalicelib.services.roster_import import ImportReport
from local.demo_school import School, write_school


def import_roster(
    container: Container, path: Path, tenant: str, *, strict: bool = False, timezone: str = "UTC"
) -> ImportReport:
    """Import the folder or zip at `path`. Raises ImportRefused, Unavailable."""
    return container.intake.run(path, tenant, strict=strict, timezone=timezone)


def import_school(container: Container, school: School, tenant: str) -> ImportReport:
    """Make a school up, with a year around today, and import it."""
    with tempfile.TemporaryDirectory(prefix="rollcall-school-") as folder:
        write_school(school, Path(folder), datetime.now(UTC).date())
        return import_roster(container, Path(folder), tenant, strict=True)
