"""A small school for tests: one tenant of its own in the real database, seeded by SQL through the app's own door.

    school = School(database, backdate_days=30)
    maths = school.section(students=3, teachers=["ann"])
    maths.id, maths.students, school.tenant

Everything holds around today: the academic session, enrolments and teachings run from 300 days ago for 600 days, unless
a test says otherwise. The tenant is in DAILY mode, in UTC, with school on every day of the week.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from chalicelib.db.session import Database
from chalicelib.db.tables import NIL

TODAY = datetime.now(UTC).date()
FIRST, PAST = TODAY - timedelta(days=300), TODAY + timedelta(days=300)


@dataclass(frozen=True, slots=True)
class Section:
    """A section with its students' ids in the order of their names; teachers' tokens carry the names given."""

    id: str
    students: list[str]
    teachers: list[str]


class School:
    """One tenant, seeded piece by piece; each call commits."""

    def __init__(self, database: Database, **settings: Any) -> None:
        """A tenant with one school, one academic session and these settings (columns of attendance_settings)."""
        self.database = database
        self.tenant = new_id()
        self.name = f"t-{uuid4().hex[:12]}"
        self.id = new_id()
        self._add("tenant", {"name": self.name, "title": self.name})
        self._add("attendance_settings", settings)
        self._add("school", {"id": self.id, "source_id": "s", "name": "The school"})
        self.session_id = self.session(FIRST, PAST)

    def session(self, first: date, last: date, kind: str = "schoolYear") -> str:
        """An academic session from `first` to `last`, both included."""
        session = new_id()
        row = {"id": session, "source_id": session, "title": kind, "kind": kind, "start_date": first, "end_date": last}
        self._add("academic_session", row)
        return session

    def period(self, sequence: int = 1) -> str:
        """A period of the day."""
        period = new_id()
        self._add("period", {"id": period, "source_id": period, "name": f"Period {sequence}", "sequence": sequence})
        return period

    def section(
        self, students: int | Sequence[str] = 0, teachers: Sequence[str] = (), *, sessions: Sequence[str] | None = None
    ) -> Section:
        """A section with new students (or those named by id) and staff whom tokens call by `teachers`."""
        section = new_id()
        held = [self.session_id] if sessions is None else list(sessions)
        row = {"id": section, "source_id": section, "school_id": self.id, "name": "7b", "kind": "homeroom"}
        self._add("section", row | {"session_ids": held})
        ids = self.students(students) if isinstance(students, int) else list(students)
        self.enroll(section, ids)
        for teacher in teachers:
            self.teach(section, self.staff(teacher))
        return Section(section, ids, list(teachers))

    def students(self, count: int) -> list[str]:
        """New students who are enrolled nowhere yet."""
        ids = [new_id() for _ in range(count)]
        rows = [
            {"id": one, "source_id": one, "given_name": "Kim", "family_name": f"Student {n:05}", "school_id": self.id}
            for n, one in enumerate(ids)
        ]
        self._add("student", *rows)
        return ids

    def staff(self, source_id: str | None = None, job: str = "teacher", *, active: bool = True) -> str:
        """A staff member, whom a token names by `source_id` or by the id."""
        staff = new_id()
        name = {"given_name": "Ann", "family_name": "Staff"}
        self._add("staff_member", {"id": staff, "source_id": source_id or staff, "job": job, "active": active} | name)
        return staff

    def enroll(self, section: str, students: Sequence[str], first: date = FIRST, past: date = PAST) -> None:
        """Enrol students from `first` up to, not including, `past`."""
        rows = [
            {"section_id": section, "student_id": one, "source_id": new_id(), "valid": f"[{first},{past})"}
            for one in students
        ]
        self._add("enrollment", *rows)

    def teach(self, section: str, staff: str, role: str = "teacher", first: date = FIRST, past: date = PAST) -> None:
        """Let a staff member teach from `first` up to, not including, `past`."""
        row = {"section_id": section, "staff_id": staff, "role": role, "source_id": new_id()}
        self._add("teaching", row | {"valid": f"[{first},{past})"})

    def leave(self, student: str) -> None:
        """End all enrolments of a student, as if they had never been."""
        self.run("delete from enrollment where student_id = :student", student=student)

    def day(self, day: date, *, is_school_day: bool, school_id: str = NIL) -> None:
        """An exception in the calendar, for every school unless one is named."""
        self._add("calendar_day", {"school_id": school_id, "date": day, "is_school_day": is_school_day})

    def run(self, sql: str, **parameters: Any) -> list[Any]:
        """One statement as the app's role within this tenant; its rows, if it returns any."""
        with self.database.transaction(self.tenant) as connection:
            result = connection.execute(text(sql), parameters)
            return list(result) if result.returns_rows else []

    def _add(self, table: str, *rows: dict[str, Any]) -> None:
        # By JSON in one statement: 5,000 students come up in the time of one, and columns left out get their defaults.
        if rows:
            columns = ", ".join(["tenant_id", *rows[0]])
            self.run(
                f"insert into {table} ({columns}) select {columns}"
                f" from jsonb_populate_recordset(cast(null as {table}), cast(:rows as jsonb))",
                rows=json.dumps([{"tenant_id": self.tenant, **row} for row in rows], default=str),
            )


def new_id() -> str:
    """A UUID that nobody else has."""
    return str(uuid4())
