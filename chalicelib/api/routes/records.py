"""Marks and their changes: records, staff records, audit, a student's history."""

from __future__ import annotations

from typing import Any

from chalicelib.api.models.reading import (
    AuditPage,
    AuditQuery,
    History,
    PageQuery,
    RecordPage,
    RecordQuery,
    StaffRecordPage,
    StaffRecordQuery,
)
from chalicelib.api.operations import Call, Operations, Reply
from chalicelib.domain.attendance import OFFICE_ROLES, READING_ROLES
from chalicelib.domain.questions import AuditFilter, MarkFilter, Window
from chalicelib.errors import BadInput, NotFound, Unavailable

operations = Operations("Records")


@operations.add(
    "Marks of students", roles=READING_ROLES, query=RecordQuery, answer=RecordPage,
    raises=(NotFound, BadInput, Unavailable),
)  # fmt: skip
def list_records(call: Call) -> Reply:
    """A teacher sees those of own sections."""
    query = call.query
    wanted = MarkFilter(
        from_date=_first(query), to_date=_last(query), person_id=query.student_id, section_id=query.section_id,
        status=query.status,
    )  # fmt: skip
    page = call.container.reader.records(call.actor, wanted, _window(query))
    return Reply(RecordPage.model_validate(page))


@operations.add(
    "Marks of staff", roles=OFFICE_ROLES, query=StaffRecordQuery, answer=StaffRecordPage,
    raises=(BadInput, Unavailable),
)  # fmt: skip
def list_staff_records(call: Call) -> Reply:
    """For the office."""
    query = call.query
    wanted = MarkFilter(
        from_date=_first(query), to_date=_last(query), person_id=query.staff_id, status=query.status
    )  # fmt: skip
    page = call.container.reader.staff_records(call.actor, wanted, _window(query))
    return Reply(StaffRecordPage.model_validate(page))


@operations.add(
    "Who changed which mark, when and why", roles=OFFICE_ROLES, query=AuditQuery, answer=AuditPage,
    raises=(BadInput, Unavailable),
)  # fmt: skip
def list_audit(call: Call) -> Reply:
    """Changes of marks, newest first."""
    query = call.query
    wanted = AuditFilter(
        student_id=query.student_id, staff_id=query.staff_id, from_date=query.from_, to_date=query.to,
        actor=query.actor,
    )  # fmt: skip
    return Reply(AuditPage.model_validate(call.container.reader.audit(call.actor, wanted, _window(query))))


@operations.add(
    "A student's marks, each with every change", roles=READING_ROLES,
    query=PageQuery, answer=History, raises=(NotFound, BadInput, Unavailable),
)  # fmt: skip
def student_history(call: Call) -> Reply:
    """For the office, and for teachers of the student."""
    student = call.path["student_id"]
    page = call.container.reader.student_history(call.actor, student, _window(call.query))
    return Reply(History.model_validate({"student_id": student, "items": page.items, "next_cursor": page.next_cursor}))


def _window(query: Any) -> Window:
    return Window(query.limit, query.cursor)


def _first(query: Any) -> Any:
    return max((day for day in (query.date, query.from_) if day is not None), default=None)


def _last(query: Any) -> Any:
    return min((day for day in (query.date, query.to) if day is not None), default=None)
