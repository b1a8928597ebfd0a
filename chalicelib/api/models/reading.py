"""What is told of marks and their changes, and how to ask."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.api.models.fields import Id, Instant, IsoDate, Sent, Text255, Told
from chalicelib.api.models.marks import StatusName, TimeOfDay

Limit = Annotated[int, Field(ge=1, le=500)]
Cursor = Annotated[str, Field(max_length=4_000)]  # it holds names, and 255 characters of them may be 1,020 bytes


class PageQuery(Sent):
    """Which page."""

    cursor: Cursor | None = None
    limit: Limit = 100


class _DatedQuery(PageQuery):
    from_: IsoDate | None = Field(default=None, alias="from")
    to: IsoDate | None = None


class RecordQuery(_DatedQuery):
    """Which marks; `date` is short for the same `from` and `to`."""

    date: IsoDate | None = None
    section_id: Id | None = None
    student_id: Id | None = None
    status: StatusName | None = None


class StaffRecordQuery(_DatedQuery):
    """Which staff marks."""

    date: IsoDate | None = None
    staff_id: Id | None = None
    status: StatusName | None = None


class AuditQuery(_DatedQuery):
    """Which changes; the dates are those of the marks."""

    student_id: Id | None = None
    staff_id: Id | None = None
    actor: Text255 | None = None


class Mark(Told):
    """A mark as it stands."""

    status: StatusName
    late_minutes: int | None
    remarks: str | None
    marked_by: str
    marked_at: Instant
    job_id: Id
    version: int


class Record(Mark):
    """A student's mark."""

    student_id: Id
    section_id: Id | None
    date: IsoDate
    period_id: Id | None
    reason: str | None


class StaffRecord(Mark):
    """A staff member's mark."""

    staff_id: Id
    date: IsoDate
    check_in: TimeOfDay | None
    check_out: TimeOfDay | None
    reason: str | None


class Said(Told):
    """What a mark said; `check_in` and `check_out` of staff only."""

    status: StatusName
    late_minutes: int | None
    remarks: str | None
    check_in: TimeOfDay | None = None
    check_out: TimeOfDay | None = None


class Marking(Said):
    """What a mark said, with who had marked, when, and by which job."""

    marked_by: str
    marked_at: Instant
    job_id: Id


class AuditEntry(Told):
    """One change of a mark; `after` is null for a deleted row."""

    id: Id
    student_id: Id | None
    staff_id: Id | None
    date: IsoDate
    period_id: Id | None
    before: Marking
    after: Said | None
    reason: str | None
    actor_id: str
    actor_role: str
    at: Instant
    job_id: Id | None


class HistoryItem(Record):
    """A mark with its first marking and every change after it, oldest first."""

    first: Marking
    changes: list[AuditEntry]


class RecordPage(Told):
    """Marks, newest date first."""

    items: list[Record]
    next_cursor: str | None


class StaffRecordPage(Told):
    """Staff marks, newest date first."""

    items: list[StaffRecord]
    next_cursor: str | None


class AuditPage(Told):
    """Changes, newest first."""

    items: list[AuditEntry]
    next_cursor: str | None


class History(Told):
    """A student's marks with their changes, newest date first."""

    student_id: Id
    items: list[HistoryItem]
    next_cursor: str | None
