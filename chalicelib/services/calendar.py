"""Set a tenant's school days and holidays from a CSV file: all of its rows, or none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chalicelib.cache import RosterCache
from chalicelib.db import calendar as table
from chalicelib.db.ids import tenant_id
from chalicelib.db.roster_writer import bump_revision
from chalicelib.db.session import Database
from chalicelib.db.tables import NIL
from chalicelib.errors import NotFound
from chalicelib.services.roster_import.problems import ImportRefused, RowProblem, refused
from chalicelib.services.roster_import.sheet import Row, read_rows

COLUMNS = ("date", "is_school_day", "title")
"""The columns that must be there; `school_source_id` may be: a blank one stands for every school."""

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class CalendarReport:
    """How many dates were new, different, or as they stood already."""

    created: int
    updated: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class CalendarImporter:
    """Imports calendars into a database, and tells the cache."""

    database: Database
    rosters: RosterCache

    def run(self, path: Path, *, tenant: str) -> CalendarReport:
        """Upsert the rows of the file for the tenant with that name; dates that it leaves out stay as they are.

        Raises ImportRefused with each bad row by line and column, NotFound for an unknown tenant, Unavailable.
        """
        key = tenant_id(tenant)
        rows = list(read_rows(path.name, _text(path), COLUMNS))
        with self.database.transaction(key) as connection:
            if not table.lock_tenant(connection, key):
                raise NotFound(f"There is no tenant {tenant!r}: import its roster first.")
            days = _days(path.name, rows, table.schools(connection, key))
            created, updated = table.put(connection, key, days)
            if created or updated:
                bump_revision(connection, key)
        self.rosters.refresh_rules(key)
        return CalendarReport(created, updated, len(days) - created - updated)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise refused(path.name, f"cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise refused(path.name, f"is not UTF-8 (byte {error.start} of the file).") from error


def _days(file: str, rows: list[Row], schools: dict[str, str]) -> list[dict[str, Any]]:
    """The rows as they stand in the table. Raises ImportRefused."""
    days: dict[tuple[str, str], dict[str, Any]] = {}
    problems: list[RowProblem] = []
    for row in rows:
        day = _day(row, schools)
        if (day["school_id"], day["date"]) in days:
            row.problem("date", "is in this file already.")
        problems += row.problems
        days[day["school_id"], day["date"]] = day
    if problems:
        first, *others = sorted(set(problems))
        raise ImportRefused(str(first) if not others else f"{len(others) + 1} rows of {file} are bad.", problems)
    return list(days.values())


def _day(row: Row, schools: dict[str, str]) -> dict[str, Any]:
    word = row.text("is_school_day").lower()
    if word and word not in _WORDS:
        row.problem("is_school_day", f"{word!r} is not true or false.")
    school = row.optional("school_source_id")
    if school is not None and school not in schools:
        row.problem("school_source_id", f"the school {school!r} is unknown.")
    return {
        "school_id": NIL if school is None else schools.get(school, school),
        "date": row.day("date").isoformat(),
        "is_school_day": _WORDS.get(word, False),
        "title": row.optional("title") or "",
    }
