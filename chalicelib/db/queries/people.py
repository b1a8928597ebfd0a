"""Sections, their rosters, staff, academic sessions and periods."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Connection, and_, select

from chalicelib.db.queries.paging import fetch
from chalicelib.db.queries.scope import taught_by
from chalicelib.db.tables import (
    NIL,
    academic_session,
    enrollment,
    period,
    section,
    staff_member,
    student,
    student_attendance,
)
from chalicelib.domain.questions import Page, Window


def sections(connection: Connection, tenant: str, window: Window, *, teacher: str | None) -> Page:
    """Sections that are taught at present; with `teacher` (a staff id) only those of that teacher."""
    s = section.c
    query = select(
        s.id, s.name, s.kind, s.school_id, s.session_ids, s.period_ids, s.code, s.course
    ).where(s.tenant_id == tenant, s.active)  # fmt: skip
    if teacher is not None:
        query = query.where(s.id.in_(taught_by(teacher, tenant)))
    page = fetch(connection, query, [s.name, s.id], window)
    for item in page.items:
        item["session_id"] = item["session_ids"][0] if item["session_ids"] else None
    return page


def roster(
    connection: Connection, tenant: str, section_id: str, day: date, period_id: str | None
) -> list[dict[str, Any]]:
    """The students enrolled in a section on `day`, by family name, each with the mark that stands (None: not taken)."""
    mark = student_attendance.c
    query = (
        select(
            student.c.id, student.c.given_name, student.c.family_name, mark.status, mark.late_minutes, mark.remarks,
            mark.marked_by, mark.marked_at, mark.job_id, mark.version,
        )
        .select_from(
            enrollment.join(
                student, and_(student.c.tenant_id == enrollment.c.tenant_id, student.c.id == enrollment.c.student_id)
            ).outerjoin(
                student_attendance,
                and_(
                    mark.tenant_id == tenant,
                    mark.date == day,
                    mark.student_id == student.c.id,
                    mark.period_id == (period_id or NIL),
                ),
            )
        )
        .where(
            enrollment.c.tenant_id == tenant,
            enrollment.c.section_id == section_id,
            enrollment.c.valid.contains(day),
        )
        .order_by(student.c.family_name, student.c.given_name, student.c.id)
    )  # fmt: skip
    students = []
    for row in connection.execute(query).mappings():
        person = {key: row[key] for key in ("id", "given_name", "family_name")}
        standing = {key: value for key, value in row.items() if key not in person}
        students.append({**person, "mark": standing if row["status"] is not None else None})
    return students


def staff(connection: Connection, tenant: str, window: Window, *, only: str | None, everyone: bool) -> Page:
    """Staff who are there at present; unless `everyone`, just the staff member `only` (None: nobody)."""
    c = staff_member.c
    query = select(c.id, c.source_id, c.given_name, c.family_name, c.email, c.job, c.school_id).where(
        c.tenant_id == tenant, c.active
    )
    if not everyone:
        query = query.where(c.id == only)
    return fetch(connection, query, [c.family_name, c.given_name, c.id], window)


def sessions(connection: Connection, tenant: str, window: Window) -> Page:
    """Academic sessions in use, by their first day."""
    c = academic_session.c
    query = select(c.id, c.title, c.kind, c.start_date, c.end_date, c.parent_id, c.school_year).where(
        c.tenant_id == tenant, c.active
    )
    return fetch(connection, query, [c.start_date, c.id], window)


def periods(connection: Connection, tenant: str, window: Window) -> Page:
    """Periods in use, in the order of the day."""
    c = period.c
    query = select(c.id, c.name, c.sequence).where(c.tenant_id == tenant, c.active)
    return fetch(connection, query, [c.sequence, c.id], window)
