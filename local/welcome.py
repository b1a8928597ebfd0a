"""What `dev` prints when it is up: where it is, a token for each role, and requests to paste."""

from __future__ import annotations

import json
import shlex
from datetime import date
from typing import Any

from local.client import Client
from local.faults import StackFault
from local.school_day import open_school_day
from local.stack import Stack

_SHOWN = 3

_TEXT = r"""
Rollcall is up at {base} (base {path}). Stop it with Ctrl-C.

The tokens of the tenant demo hold for thirty days. For the other tenant: make -s token ROLE=office TENANT=other

{tokens}
API={url}

# The teacher marks three students of {section} …
JOB=$(curl -s -H "Authorization: Bearer $TEACHER" -H 'Content-Type: application/json' "$API/mark" \
  -d {body} | sed 's/.*"jobId": *"\([^"]*\)".*/\1/')
# … follows the job to its end …
curl -s -H "Authorization: Bearer $TEACHER" "$API/jobs/$JOB?wait=10"; echo
# … reads the marks of the date …
curl -s -H "Authorization: Bearer $TEACHER" "$API/records?date={day}&limit=5"; echo
# … and the history of a student.
curl -s -H "Authorization: Bearer $TEACHER" "$API/students/{student}/history"; echo
# The settings of the tenant.
curl -s -H "Authorization: Bearer $ADMIN" "$API/settings"; echo
"""


def welcome(stack: Stack) -> str:
    """The text. Each line of it that is code can be pasted into a shell as it is."""
    with (
        Client(stack.base, stack.token("admin")) as admin,
        Client(stack.base, stack.token("teacher")) as teacher,
    ):
        day = open_school_day(admin)
        section, students = _register(teacher, f"{day}")
    tokens = "\n".join(f"{role.upper()}={stack.token(role)}" for role in stack.tenants["demo"])
    return _TEXT.format(
        base=stack.base,
        path=stack.url.removeprefix(stack.base),
        tokens=tokens,
        url=stack.url,
        section=section["name"],
        body=shlex.quote(json.dumps(_body(day, section, students[:_SHOWN]))),
        day=day,
        student=students[0]["id"],
    )


def _body(day: date, section: dict[str, Any], students: list[dict[str, Any]]) -> dict[str, Any]:
    """A register on which the first student is missing."""
    statuses = ["ABSENT", *["PRESENT"] * len(students)]
    records = [{"student_id": one["id"], "status": status} for one, status in zip(students, statuses, strict=False)]
    return {"date": f"{day}", "section_id": section["id"], "records": records}


def _register(teacher: Client, day: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A section that the teacher teaches, with those enrolled on the day: a homeroom if there is one."""
    sections = sorted(teacher.items("/sections"), key=lambda one: (one["kind"] != "homeroom", one["name"]))
    for section in sections:
        students = teacher.get(f"/sections/{section['id']}/roster", date=day)["students"]
        if students:
            return section, students
    raise StackFault(f"Nobody is enrolled in a section of the teacher on {day}.")
