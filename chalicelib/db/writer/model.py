"""What goes into the batch writer, a `JobRow` a job, and what comes out, an `Outcome` a job."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Kind = Literal["student", "staff"]


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job as the ledger knows it, with its marks as they were accepted.

    `data` is the JSON object that was accepted: `date`, `section_id`, `session_id`, `period_id`, `reason`,
    `reason_required`, `actor` {`id`, `role`} and `records`. It goes to Postgres as it is: nobody parses it on the way.
    Of the records, the `total` ones after the first `after` are meant: a large job is written part by part.
    """

    tenant_id: str
    job_id: str
    kind: Kind
    total: int
    data: bytes
    submitted_by: str
    submitted_at: datetime
    started_at: datetime | None
    attempts_made: int
    max_attempts: int
    after: int = 0

    def ledger(self) -> dict[str, Any]:
        """The columns of the ledger that are known before the marks are written."""
        return {
            "tenant_id": self.tenant_id,
            "job_id": self.job_id,
            "kind": self.kind,
            "total": self.total,
            "submitted_by": self.submitted_by,
            "submitted_at": self.submitted_at.isoformat(),
            "started_at": self.started_at.isoformat() if self.started_at else None,
            "attempts_made": self.attempts_made,
            "max_attempts": self.max_attempts,
        }

    def staged(self) -> str:
        """One element of the JSON array that the staging statement takes."""
        head = json.dumps(
            {
                "tenant_id": self.tenant_id,
                "job_id": self.job_id,
                "submitted_at": self.submitted_at.isoformat(),
                "after": self.after,
                "upto": self.after + self.total,
            }
        )
        return f'{head[:-1]}, "data": {self.data.decode()}}}'


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job's records: `applied + unchanged + superseded + len(rejected)` is the job's total.

    `rejected` holds `{"student_id": …, "code": …}` (or `staff_id`) for each record that no longer could be written.
    """

    applied: int
    unchanged: int
    superseded: int
    rejected: tuple[dict[str, str], ...] = ()

    def __add__(self, more: Outcome) -> Outcome:
        """The outcome of two parts of a job."""
        return Outcome(
            self.applied + more.applied,
            self.unchanged + more.unchanged,
            self.superseded + more.superseded,
            self.rejected + more.rejected,
        )

    def to_json(self) -> dict[str, Any]:
        """The `result` of a job in the API."""
        return {
            "applied": self.applied,
            "unchanged": self.unchanged,
            "superseded": self.superseded,
            "rejected": list(self.rejected),
        }
