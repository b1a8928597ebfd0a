"""Marks as they stand: students' and staff's, by page, and those that a request would change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, and_, cast, or_, select, text

from chalicelib.db.queries.paging import Query, fetch
from chalicelib.db.queries.scope import taught_by, teaches_student
from chalicelib.db.tables import NIL, staff_attendance, student_attendance, teaching
from chalicelib.domain.questions import MarkFilter, Page, Window

_S = student_attendance.c


def student_marks(
    connection: Connection, tenant: str, wanted: MarkFilter, window: Window, *, teacher: str | None
) -> Page:
    """Students' marks, newest date first; with `teacher` (a staff id) only those of that teacher's own sections."""
    query: Query = select(
        _S.student_id, _S.section_id, _S.date, _S.period_id, _S.status, _S.late_minutes, _S.remarks, _S.marked_by,
        _S.marked_at, _S.job_id, _S.reason, _S.version,
    ).where(_S.tenant_id == tenant)  # fmt: skip
    query = _narrow(query, _S, wanted, "student_id")
    if wanted.section_id is not None:
        query = query.where(_S.section_id == wanted.section_id)
    if teacher is not None:
        own = taught_by(teacher, tenant).where(teaching.c.valid.contains(_S.date))
        across = and_(_S.section_id.is_(None), teaches_student(teacher, tenant, _S.student_id, _S.date))
        query = query.where(or_(_S.section_id.in_(own), across))
    page = fetch(connection, query, [_S.date, _S.student_id, _S.period_id], window, descending=True)
    for item in page.items:
        item["period_id"] = None if item["period_id"] == NIL else item["period_id"]
    return page


def staff_marks(connection: Connection, tenant: str, wanted: MarkFilter, window: Window) -> Page:
    """Staff marks, newest date first."""
    columns = staff_attendance.c
    query: Query = select(
        columns.staff_id, columns.date, columns.status, columns.late_minutes, columns.check_in, columns.check_out,
        columns.remarks, columns.marked_by, columns.marked_at, columns.job_id, columns.reason, columns.version,
    ).where(columns.tenant_id == tenant)  # fmt: skip
    query = _narrow(query, columns, wanted, "staff_id")
    return fetch(connection, query, [columns.date, columns.staff_id], window, descending=True)


def marks_of_student(connection: Connection, tenant: str, student_id: str, window: Window) -> Page:
    """One student's marks, newest date first."""
    return student_marks(connection, tenant, MarkFilter(person_id=student_id), window, teacher=None)


_CHANGED = {
    "student": text("""
        select r.student_id::text as person_id
        from jsonb_to_recordset(cast(:records as jsonb)) as r (
            student_id uuid, status attendance_status, late_minutes smallint, remarks text)
        join student_attendance as a
          on a.tenant_id = :tenant and a.date = :date and a.student_id = r.student_id and a.period_id = :period
        where (a.status, a.late_minutes, a.remarks) is distinct from (r.status, r.late_minutes, r.remarks)"""),
    "staff": text("""
        select r.staff_id::text as person_id
        from jsonb_to_recordset(cast(:records as jsonb)) as r (
            staff_id uuid, status attendance_status, late_minutes smallint, check_in time, check_out time, remarks text)
        join staff_attendance as a on a.tenant_id = :tenant and a.date = :date and a.staff_id = r.staff_id
        where cast(:period as uuid) is not null and
              (a.status, a.late_minutes, a.check_in, a.check_out, a.remarks)
              is distinct from (r.status, r.late_minutes, r.check_in, r.check_out, r.remarks)"""),
}


def would_change(
    connection: Connection, tenant: str, noun: str, day: date, period_id: str | None, records: bytes
) -> Sequence[str]:
    """The ids of those whose standing mark the JSON array `records` would change. `noun` is student or staff."""
    rows = connection.execute(
        _CHANGED[noun],
        {"tenant": tenant, "date": day, "period": period_id or NIL, "records": records.decode()},
    )
    return [row.person_id for row in rows]


def _narrow(query: Query, columns: Any, wanted: MarkFilter, person: str) -> Query:
    if wanted.from_date is not None:
        query = query.where(columns.date >= wanted.from_date)
    if wanted.to_date is not None:
        query = query.where(columns.date <= wanted.to_date)
    if wanted.person_id is not None:
        query = query.where(columns[person] == wanted.person_id)
    if wanted.status is not None:
        query = query.where(columns.status == cast(wanted.status, columns.status.type))
    return query
