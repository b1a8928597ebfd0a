"""The marks of a batch: staged, judged once more, written in waves; all counts come from the server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row

from chalicelib.db.writer.model import JobRow, Kind, Outcome
from chalicelib.db.writer.statements import statement

FEW = 200
"""So many rows are joined quickly in whatever way: a register need not wait for statistics."""


def staging_of(connection: Connection) -> set[Kind]:
    """The kinds whose temporary table this session has for certain, since a transaction that made it has committed."""
    kinds: set[Kind] = connection.info.setdefault("staging", set())
    return kinds


def write_marks(connection: Connection, kind: Kind, jobs: Sequence[JobRow]) -> dict[str, Outcome]:
    """Stage the marks of `jobs`, turn away those that no longer hold, write the rest."""
    if kind not in staging_of(connection):
        connection.execute(statement(f"{kind}/create"))
    survey = connection.execute(
        statement(f"{kind}/stage"), {"jobs": f"[{','.join(job.staged() for job in jobs)}]"}
    ).one()
    if sum(job.total for job in jobs) > FEW:
        # A temporary table has no statistics: without them the joins below become nested loops. A sample of 3,000 rows
        # is enough for that, and costs a fifth of the usual 30,000.
        connection.exec_driver_sql(f"set local default_statistics_target = 10; analyze staged_{kind}")

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
