"""What may be asked of marks and their history: filters, and the window of one page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class Window:
    """Which page is asked for: at most `limit` items after `cursor`."""

    limit: int = 100
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Items in order, and the cursor of the next page (None: this was the last)."""

    items: list[dict[str, Any]]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class MarkFilter:
    """Which marks: each part that is None does not narrow. `from_date` and `to_date` are both included."""

    from_date: date | None = None
    to_date: date | None = None
    person_id: str | None = None
    section_id: str | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which changes: dates are those of the marks, both included; `actor` is who made the change."""

    student_id: str | None = None
    staff_id: str | None = None
    from_date: date | None = None
    to_date: date | None = None
    actor: str | None = None
