"""Import a roster: read the bundle, compare it with what is there, write the difference in one transaction."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from chalicelib.db import roster_writer
from chalicelib.db.ids import tenant_id
from chalicelib.db.partitions import ensure_partitions
from chalicelib.db.session import Database
from chalicelib.services.roster_import.changes import Counts, compare
from chalicelib.services.roster_import.current import as_roster, lay_over
from chalicelib.services.roster_import.desired import desired
from chalicelib.services.roster_import.problems import ImportRefused, RowProblem
from chalicelib.services.roster_import.reading import read_bundle
from chalicelib.services.roster_import.references import check
from chalicelib.services.roster_import.roster import Roster

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. `changed` says whether anything, so whether caches of the tenant are stale."""

    tenant_id: str
    changed: bool
    counts: Mapping[str, Counts]
    problems: tuple[RowProblem, ...]
    warnings: tuple[RowProblem, ...]
    seconds: float

    def summary(self, limit: int = 20) -> str:
        """A line a table, then the first `limit` problems and warnings each, for a person to read."""
        lines = [
            f"{table}: {c.created} created, {c.updated} updated, {c.closed} closed, {c.unchanged} unchanged"
            for table, c in self.counts.items()
        ]
        for title, found in (("left out", self.problems), ("warnings", self.warnings)):
            if found:
                lines.append(f"{title}: {len(found)}")
                lines += [f"  {problem}" for problem in found[:limit]]
            if len(found) > limit:
                lines.append(f"  … and {len(found) - limit} more")
        return "\n".join([*lines, f"{self.seconds:.1f} s"])


class RosterImporter:
    """Imports OneRoster bundles into a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def run(self, path: Path, *, tenant: str, strict: bool = False, today: date, timezone: str = "UTC") -> ImportReport:
        """Import the folder or zip at `path` for the tenant with the slug `tenant`, which is made if it is new.

        `today` is the local date as of which those close who have left. `timezone` is only used for a new tenant.
        Raises ImportRefused when the bundle cannot be read, or when `strict` and any row is bad; then nothing has
        changed. Raises Unavailable when Postgres is away.
        """
        started = time.monotonic()
        _check_names(tenant, timezone)
        bundle = read_bundle(path)
        key = tenant_id(tenant)
        _refuse_problems(bundle, strict)
        with self._database.transaction(key) as connection:
            created = roster_writer.open_tenant(
                connection, key, name=tenant, title=_title(bundle, tenant), timezone=timezone
            )
            state = roster_writer.read_state(connection, key)
            current = as_roster(state, today)
            roster = check(lay_over(bundle, current), current)
            _refuse_problems(roster, strict)
            names = {row["name"]: row["sequence"] for row in state.things["period"].values()}
            wanted = desired(key, roster, {} if bundle.classes.complete else names)
            changes = compare(key, state, wanted, today)
            roster_writer.write(connection, changes.things, changes.removed, changes.added)
            changed = created or any(counts.changed for counts in changes.counts.values())
            if changed:
                roster_writer.bump_revision(connection, key)
            # Last, since a new month holds up everybody who marks until this transaction ends.
            terms = wanted.things["academic_session"].values()
            ensure_partitions(connection, [(row["start_date"], row["end_date"]) for row in terms])
        return ImportReport(
            key,
            changed,
            changes.counts,
            tuple(sorted(set(roster.problems))),
            tuple(sorted({*roster.warnings, *wanted.warnings})),
            time.monotonic() - started,
        )


def _refuse_problems(roster: Roster, strict: bool) -> None:
    if strict and roster.problems:
        problems = sorted(set(roster.problems))
        raise ImportRefused(f"{len(problems)} rows are bad, the first: {problems[0]}", problems)


def _check_names(tenant: str, timezone: str) -> None:
    if not _SLUG.fullmatch(tenant):
        raise ImportRefused(f"{tenant!r} is no name of a tenant: use a-z, 0-9 and -, 63 characters at most.")
    try:
        ZoneInfo(timezone)
    except (ValueError, OSError, KeyError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise ImportRefused(f"{timezone!r} is no time zone such as Europe/London.") from error


def _title(bundle: Roster, name: str) -> str:
    """The district's name, else the first school's, else the tenant's."""
    orgs = sorted(bundle.orgs.rows, key=lambda org: (org.kind != "district", org.kind != "school"))
    return orgs[0].name if orgs and orgs[0].kind in {"district", "school"} else name
