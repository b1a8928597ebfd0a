"""One batch, one transaction: ledger, marks and audit commit together, so a redelivered job changes nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row

from chalicelib.db.session import Database
from chalicelib.db.writer.model import JobRow, Kind, Outcome
from chalicelib.db.writer.statements import statement


class BatchWriter:
    """Writes batches of jobs, each in one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, jobs: Sequence[JobRow]) -> dict[str, Outcome]:
        """Apply `jobs` and return the outcome of each by job id; those applied before give the outcome they had then.

        All of it commits or none. Raises what the database raises; `faults.blame` tells what it means.
        """
        tenants = sorted({job.tenant_id for job in jobs})
        with self._database.transaction(*tenants) as connection:
            opened = _open_ledger(connection, jobs)
            fresh = [job for job in jobs if job.job_id in opened]
            done = _read_ledger(connection, [job for job in jobs if job.job_id not in opened], tenants)
            written: dict[str, Outcome] = {}
            by_kind = sorted(fresh, key=lambda job: job.kind)
            for kind, group in groupby(by_kind, key=lambda job: job.kind):
                written |= _write_kind(connection, kind, list(group))
            _close_ledger(connection, fresh, written)
        return done | written

    def bury(self, job: JobRow, error: str) -> None:
        """Note in the ledger that `job` is dead, with its `error` (a JSON object)."""
        with self._database.transaction(job.tenant_id) as connection:
            connection.execute(statement("bury"), {**job.ledger(), "error": error})


def _open_ledger(connection: Connection, jobs: Sequence[JobRow]) -> set[str]:
    rows = connection.execute(statement("open_ledger"), {"jobs": json.dumps([job.ledger() for job in jobs])})
    return {str(row.job_id) for row in rows}


def _read_ledger(connection: Connection, jobs: Sequence[JobRow], tenants: Sequence[str]) -> dict[str, Outcome]:
    if not jobs:
        return {}
    rows = connection.execute(statement("read_ledger"), {"jobs": [job.job_id for job in jobs], "tenants": tenants})
    return {str(row.job_id): Outcome(row.applied, row.unchanged, row.superseded, tuple(row.rejected)) for row in rows}


def _close_ledger(connection: Connection, jobs: Sequence[JobRow], outcomes: dict[str, Outcome]) -> None:
    """Correct the rows of jobs that were not applied whole, which is how the ledger was opened."""
    told = [(job, outcomes[job.job_id]) for job in jobs if outcomes[job.job_id].applied != job.total]
    rows = [{"tenant_id": job.tenant_id, "job_id": job.job_id, **outcome.to_json()} for job, outcome in told]
    if rows:
        connection.execute(statement("close_ledger"), {"outcomes": json.dumps(rows)})


def _write_kind(connection: Connection, kind: Kind, jobs: Sequence[JobRow]) -> dict[str, Outcome]:
    """Stage the marks of `jobs`, turn away those that no longer hold, write the rest."""
    connection.execute(statement(f"{kind}/create"))
    connection.execute(statement(f"{kind}/stage"), {"jobs": f"[{','.join(job.staged() for job in jobs)}]"})
    # A temporary table has no statistics: without them the joins below become nested loops. A sample of 3,000 rows is
    # enough for that, and costs a fifth of the usual 30,000.
    connection.exec_driver_sql(f"set local default_statistics_target = 10; analyze staged_{kind}")
    survey = connection.execute(statement(f"{kind}/survey")).one()

    rejected: dict[str, list[tuple[int, dict[str, str]]]] = {}
    applied: Counter[str] = Counter()
    unchanged: Counter[str] = Counter()
    for job_id, ordinal, fault in _reject(connection, kind, survey.across_sections):
        rejected.setdefault(job_id, []).append((ordinal, fault))
    for wave in range(1, survey.waves + 1):
        if survey.reason_may_be_missing:
            found = connection.execute(statement(f"{kind}/reject_without_reason"), {"wave": wave})
            for row in found:
                rejected.setdefault(str(row.job_id), []).append((row.ordinal, _rejection(kind, row)))
        _count(connection, f"{kind}/upsert", wave, applied)
        if sum(applied.values()) < sum(job.total for job in jobs):
            _count(connection, f"{kind}/confirm", wave, unchanged)
    outcomes = {}
    for job in jobs:
        faults = tuple(fault for _, fault in sorted(rejected.get(job.job_id, []), key=lambda pair: pair[0]))
        rest = job.total - applied[job.job_id] - unchanged[job.job_id] - len(faults)
        outcomes[job.job_id] = Outcome(applied[job.job_id], unchanged[job.job_id], rest, faults)
    return outcomes


def _reject(connection: Connection, kind: Kind, across_sections: bool) -> Iterator[tuple[str, int, dict[str, str]]]:
    names = [f"{kind}/reject_not_enrolled"] + ([f"{kind}/reject_not_enrolled_anywhere"] if across_sections else [])
    for name in names:
        for row in connection.execute(statement(name)):
            yield str(row.job_id), row.ordinal, _rejection(kind, row)


def _rejection(kind: Kind, row: Row[Any]) -> dict[str, str]:
    return {f"{kind}_id": str(row.person_id), "code": str(row.code)}


def _count(connection: Connection, name: str, wave: int, into: Counter[str]) -> None:
    for row in connection.execute(statement(name), {"wave": wave}):
        into[str(row.job_id)] += row.marks
