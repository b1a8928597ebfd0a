"""The steps that the writer's tests are told in: jobs as the queue delivers them, and the marks that stand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from chalicelib.db.writer import JobRow, Outcome
from chalicelib.db.writer.model import Kind
from tests.school import TODAY, School, new_id

NOON = datetime.combine(TODAY, time(12), UTC)
"""When submissions begin; `at` counts seconds from here."""


def a_job(
    school: School,
    marks: Mapping[str, str | Mapping[str, Any]],
    at: float = 0,
    *,
    section: str | None = None,
    day: date = TODAY,
    kind: Kind = "student",
    actor: str = "ann",
    role: str = "teacher",
    **data: Any,
) -> JobRow:
    """A job that marks people, by id, with a status or with all the fields of a record; `data` adds to its head."""
    records = [
        {f"{kind}_id": person, **({"status": said} if isinstance(said, str) else said)}
        for person, said in marks.items()
    ]
    head = {"date": str(day), "section_id": section, "actor": {"id": actor, "role": role}, "records": records}
    return JobRow(
        tenant_id=school.tenant,
        job_id=new_id(),
        kind=kind,
        total=len(records),
        data=json.dumps(head | data).encode(),
        submitted_by=actor,
        submitted_at=NOON + timedelta(seconds=at),
        started_at=NOON + timedelta(seconds=at + 1),
        attempts_made=1,
        max_attempts=3,
    )


def counts(outcome: Outcome) -> tuple[int, int, int, int]:
    """Applied, unchanged, superseded, rejected."""
    return outcome.applied, outcome.unchanged, outcome.superseded, len(outcome.rejected)


def standing(school: School) -> dict[str, str]:
    """The status of each marked student of the tenant, whatever the date and period."""
    return {str(row.student_id): row.status for row in school.run("select student_id, status from student_attendance")}


def mark_of(school: School, student: str) -> Any:
    """The one mark of a student, the whole row."""
    [row] = school.run("select * from student_attendance where student_id = :student", student=student)
    return row


def history(school: School, student: str) -> list[tuple[str, str]]:
    """A student's changes in the audit log, oldest first, as (status before, status after)."""
    return [(entry.before["status"], entry.after["status"]) for entry in audit_entries(school, student)]


def audit_entries(school: School, student: str | None = None) -> list[Any]:
    """The tenant's audit log, or a student's part of it, oldest first; `before` and `after` are dicts."""
    return school.run(
        "select id, student_id, staff_id, date, to_jsonb(before) as before, to_jsonb(after) as after, reason,"
        " actor_id, actor_role, at, job_id from attendance_audit_log"
        " where cast(:student as uuid) is null or student_id = :student order by id",
        student=student,
    )


def audit_count(school: School) -> int:
    """The entries of the tenant's audit log."""
    [(count,)] = school.run("select count(*) from attendance_audit_log")
    return int(count)
