"""Whom a reader may see: a teacher's own sections, by the dates of the teaching."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, and_, cast, exists, or_, select

from chalicelib.db.queries.paging import Query
from chalicelib.db.tables import enrollment, section, staff_member, student, teaching


def staff_id_of(connection: Connection, tenant: str, subject: str) -> str | None:
    """The staff member whom a token's `sub` names, by our id or by the source's."""
    found = connection.scalar(
        select(staff_member.c.id).where(
            staff_member.c.tenant_id == tenant,
            or_(cast(staff_member.c.id, Text) == subject, staff_member.c.source_id == subject),
        )
    )
    return str(found) if found is not None else None


def taught_by(staff_id: str, tenant: str) -> Query:
    """The ids of the sections that `staff_id` teaches or has taught."""
    return select(teaching.c.section_id).where(teaching.c.tenant_id == tenant, teaching.c.staff_id == staff_id)


def teaches_student(staff_id: str, tenant: str, student_id: ColumnElement[Any], day: ColumnElement[Any]) -> Any:
    """Whether the student was enrolled, on `day`, in a section that `staff_id` taught on that day."""
    return exists().where(
        and_(
            enrollment.c.tenant_id == tenant,
            enrollment.c.student_id == student_id,
            enrollment.c.valid.contains(day),
            teaching.c.tenant_id == tenant,
            teaching.c.section_id == enrollment.c.section_id,
            teaching.c.staff_id == staff_id,
            teaching.c.valid.contains(day),
        )
    )


def teaches_ever(connection: Connection, tenant: str, staff_id: str, student_id: str) -> bool:
    """Whether `staff_id` taught the student at some time."""
    query = exists().where(
        enrollment.c.tenant_id == tenant,
        enrollment.c.student_id == student_id,
        teaching.c.tenant_id == tenant,
        teaching.c.section_id == enrollment.c.section_id,
        teaching.c.staff_id == staff_id,
        teaching.c.valid.overlaps(enrollment.c.valid),
    )
    return bool(connection.scalar(select(query)))


def section_exists(connection: Connection, tenant: str, section_id: str) -> bool:
    """Whether the tenant has this section, taught still or not."""
    return bool(connection.scalar(select(exists().where(section.c.tenant_id == tenant, section.c.id == section_id))))


def student_exists(connection: Connection, tenant: str, student_id: str) -> bool:
    """Whether the tenant has this student, enrolled still or not."""
    return bool(connection.scalar(select(exists().where(student.c.tenant_id == tenant, student.c.id == student_id))))


def teaches_section(
    connection: Connection, tenant: str, staff_id: str, section_id: str, day: date | None = None
) -> bool:
    """Whether `staff_id` teaches the section on `day`, or on any day if none is named."""
    query = taught_by(staff_id, tenant).where(teaching.c.section_id == section_id)
    if day is not None:
        query = query.where(teaching.c.valid.contains(day))
    return connection.execute(query).first() is not None
