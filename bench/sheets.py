"""The work of the benchmarks: sheets of marks of a made-up school, as jobs of our queue and as JSON for the peers."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import text

from chalicelib.db.session import Database
from chalicelib.queue import JobQueue, Lane, NewJob, new_job_id
from tests.school import TODAY, Section

ACTOR = {"id": "office-1", "role": "office"}
_STATUSES = ("PRESENT", "ABSENT", "LATE", "EXCUSED")
_COUNT = text("select count(*) from student_attendance where tenant_id = cast(:tenant as uuid) and date = :day")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One job: the marks of a section on a day. `data` is what the accept path puts on the queue."""

    job_id: str
    tenant_id: str
    data: dict[str, Any]

    @property
    def size(self) -> int:
        """How many marks it has."""
        return len(self.data["records"])

    def for_us(self) -> NewJob:
        """The job for our queue."""
        return NewJob(
            id=self.job_id,
            tenant=self.tenant_id,
            kind="student",
            lane=Lane.INTERACTIVE,
            size=self.size,
            data=json.dumps(self.data).encode(),
            meta="{}",
            submitted_by=ACTOR["id"],
        )

    def for_peers(self) -> dict[str, Any]:
        """The same for a peer."""
        return {"job_id": self.job_id, "tenant_id": self.tenant_id, **self.data}


class WrongRows(Exception):
    """A drain left other rows than it was given: its time counts for nothing."""


@dataclass(slots=True)
class Campus:
    """A tenant's sections, and the days that no sheet has used yet."""

    database: Database
    tenant: str
    session_id: str
    sections: Sequence[Section]
    _used: int = field(default=0)

    def new_day(self) -> date:
        """A day without marks: today, then yesterday, and so on for 300 days."""
        self._used += 1
        return TODAY - timedelta(days=self._used - 1)

    def sheets(self, day: date, *, shift: int = 0, jobs: int | None = None) -> list[Sheet]:
        """A sheet for each of the first `jobs` sections; nine in ten present, one in thirty with a remark.

        Another `shift` changes the status of every mark.
        """
        return [self._sheet(section, day, shift) for section in self.sections[:jobs]]

    def _sheet(self, section: Section, day: date, shift: int) -> Sheet:
        draw = random.Random(f"{section.id} {day}")
        records = [_record(draw, student, shift) for student in section.students]
        head = {"date": str(day), "section_id": section.id, "session_id": self.session_id, "period_id": None}
        told = {"reason": "Seen late" if shift else None, "reason_required": False, "actor": ACTOR}
        return Sheet(new_job_id(), self.tenant, {**head, **told, "records": records})

    def require(self, day: date, marks: int) -> None:
        """Raise WrongRows unless `day` has so many marks."""
        with self.database.transaction(self.tenant) as connection:
            found = connection.scalar(_COUNT, {"tenant": self.tenant, "day": day})
        if found != marks:
            raise WrongRows(f"{found} marks where {marks} were drained")


def _record(draw: random.Random, student: str, shift: int) -> dict[str, str]:
    usual = 0 if draw.random() < 0.9 else draw.randrange(1, 4)
    record = {"student_id": student, "status": _STATUSES[(usual + shift) % 4]}
    return record | ({"remarks": "Called by the mother"} if draw.random() < 1 / 30 else {})


def enqueue(queue: JobQueue, sheets: Sequence[Sheet]) -> None:
    """Put the sheets on our queue."""
    for sheet in sheets:
        queue.enqueue(sheet.for_us())
