"""The ledger: which jobs are applied, whole or up to where; its rows are written before any mark of theirs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from chalicelib.db.writer.model import JobRow, Outcome
from chalicelib.db.writer.statements import statement


@dataclass(frozen=True, slots=True)
class Entry:
    """A job's row: `processed` records are written, with `outcome` so far; `completed` when that is all of them."""

    processed: int
    outcome: Outcome
    completed: bool


def open_rows(connection: Connection, jobs: Sequence[JobRow]) -> set[str]:
    """Claim the rows of `jobs`, as applied whole; the ids of those that had none (or a dead one) before."""
    rows = connection.execute(statement("open_ledger"), {"jobs": json.dumps([job.ledger() for job in jobs])})
    return {str(row.job_id) for row in rows}


def read_rows(connection: Connection, jobs: Sequence[JobRow], tenants: Sequence[str]) -> dict[str, Entry]:
    """The rows of `jobs` by job id."""
    if not jobs:
        return {}
    rows = connection.execute(statement("read_ledger"), {"jobs": [job.job_id for job in jobs], "tenants": tenants})
    return {str(row.job_id): _entry(row) for row in rows}


def correct_rows(connection: Connection, jobs: Sequence[JobRow], outcomes: dict[str, Outcome]) -> None:
    """Correct the rows of jobs that were not applied whole, which is how they were opened."""
    told = [(job, outcomes[job.job_id]) for job in jobs if outcomes[job.job_id].applied != job.total]
    rows = [{"tenant_id": job.tenant_id, "job_id": job.job_id, **outcome.to_json()} for job, outcome in told]
    if rows:
        connection.execute(statement("close_ledger"), {"outcomes": json.dumps(rows)})


def open_part(connection: Connection, job: JobRow) -> Entry:
    """Lock the row of a job that is written in parts, making it if there is none, and tell how far it is."""
    return _entry(connection.execute(statement("open_part"), job.ledger()).one())


def close_part(connection: Connection, job: JobRow, entry: Entry) -> None:
    """Write down how far the job is now."""
    outcome = entry.outcome.to_json()
    outcome["rejected"] = json.dumps(outcome["rejected"])
    state = "completed" if entry.completed else "active"
    connection.execute(
        statement("close_part"),
        {"tenant_id": job.tenant_id, "job_id": job.job_id, "processed": entry.processed, "state": state, **outcome},
    )


def _entry(row: Row[Any]) -> Entry:
    outcome = Outcome(row.applied, row.unchanged, row.superseded, tuple(row.rejected))
    return Entry(row.processed, outcome, row.state == "completed")
