"""The marks of a batch: judged once more and written, at once or step by step; all counts come from the server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row

from chalicelib.db.writer.model import JobRow, Kind, Outcome
from chalicelib.db.writer.statements import statement

FEW = 200
"""So many rows are joined quickly in whatever way: a register need not wait for statistics."""

AT_ONCE: frozenset[Kind] = frozenset({"student"})
"""The kinds whose usual batch is one statement; staff are few."""


class Repeated(Exception):
    """There are two submissions for one mark, which cannot be written at once."""


class Tally:
    """What became of the marks of each job, as the statements tell it."""

    def __init__(self, jobs: Sequence[JobRow]) -> None:
        self._jobs = jobs
        self._applied: Counter[str] = Counter()
        self._unchanged: Counter[str] = Counter()
        self._rejected: dict[str, list[tuple[int, dict[str, str]]]] = {}

    @property
    def open(self) -> bool:
        """Whether there are marks that were neither applied nor rejected."""
        told = self._applied.total() + self._unchanged.total() + sum(map(len, self._rejected.values()))
        return told < sum(job.total for job in self._jobs)

    def applied(self, rows: Iterable[Row[Any]]) -> None:
        """Marks written, by job."""
        self._applied.update({str(row.job_id): row.marks for row in rows})

    def unchanged(self, rows: Iterable[Row[Any]]) -> None:
        """Marks that said what stood already, by job."""
        self._unchanged.update({str(row.job_id): row.marks for row in rows})

    def rejected(self, kind: Kind, rows: Iterable[Row[Any]]) -> None:
        """Marks that no longer hold, one by one."""
        for row in rows:
            fault = {f"{kind}_id": str(row.person_id), "code": str(row.code)}
            self._rejected.setdefault(str(row.job_id), []).append((row.ordinal, fault))

    def outcomes(self) -> dict[str, Outcome]:
        """By job id; what was not told of came too late."""
        return {job.job_id: self._outcome(job) for job in self._jobs}

    def _outcome(self, job: JobRow) -> Outcome:
        applied, unchanged = self._applied[job.job_id], self._unchanged[job.job_id]
        faults = tuple(fault for _, fault in sorted(self._rejected.get(job.job_id, []), key=lambda pair: pair[0]))
        return Outcome(applied, unchanged, job.total - applied - unchanged - len(faults), faults)


def write_marks(connection: Connection, kind: Kind, jobs: Sequence[JobRow], *, at_once: bool) -> dict[str, Outcome]:
    """Write the marks of `jobs` that still hold.

    With `at_once`, raises Repeated if there are two submissions for one mark: the transaction is to be begun anew.
    """
    tally = Tally(jobs)
    written = at_once and kind in AT_ONCE
    if written:
        rows = connection.execute(statement(f"{kind}/write"), {"jobs": _array(jobs)}).all()
        if any(row.code == "repeated" for row in rows):
            raise Repeated
        tally.applied(row for row in rows if row.code is None)
        tally.rejected(kind, (row for row in rows if row.code is not None))
    if tally.open:
        _by_steps(connection, kind, jobs, tally, written=written)
    return tally.outcomes()


def _by_steps(connection: Connection, kind: Kind, jobs: Sequence[JobRow], tally: Tally, *, written: bool) -> None:
    """Stage the marks, turn away those that no longer hold, write the rest in waves.

    If all is `written` and told of already, only the marks that change nothing are left to be told.
    """

    def reject(name: str, **which: int) -> None:
        rows = connection.execute(statement(f"{kind}/{name}"), which)
        if not written:
            tally.rejected(kind, rows)

    connection.execute(statement(f"{kind}/create"))
    survey = connection.execute(statement(f"{kind}/stage"), {"jobs": _array(jobs)}).one()
    if sum(job.total for job in jobs) > FEW:
        # A temporary table has no statistics: without them the joins below become nested loops. A sample of 3,000 rows
        # is enough for that, and costs a fifth of the usual 30,000.
        connection.exec_driver_sql(f"set local default_statistics_target = 10; analyze staged_{kind}")
    reject("reject_not_enrolled")
    if survey.across_sections:
        reject("reject_not_enrolled_anywhere")
    for wave in range(1, survey.waves + 1):
        if survey.reason_may_be_missing:
            reject("reject_without_reason", wave=wave)
        if not written:
            tally.applied(connection.execute(statement(f"{kind}/upsert"), {"wave": wave}))
        if tally.open:
            tally.unchanged(connection.execute(statement(f"{kind}/confirm"), {"wave": wave}))


def _array(jobs: Sequence[JobRow]) -> str:
    return f"[{','.join(job.staged() for job in jobs)}]"
