"""One batch, one transaction: ledger, marks and audit commit together, so a redelivered job changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TypeVar

from sqlalchemy import Connection

from chalicelib.db.session import Database
from chalicelib.db.writer.ledger import Entry, close_part, correct_rows, open_part, open_rows, read_rows
from chalicelib.db.writer.marks import Repeated, write_marks
from chalicelib.db.writer.model import JobRow, Outcome
from chalicelib.db.writer.statements import statement

_Written = TypeVar("_Written")


class BatchWriter:
    """Writes batches of jobs, each in one transaction, and single large jobs part by part."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, jobs: Sequence[JobRow]) -> dict[str, Outcome]:
        """Apply `jobs` and return the outcome of each by job id; those applied before give the outcome they had then.

        All of it commits or none. Raises what the database raises; `faults.blame` tells what it means.
        """
        return _at_once_or_by_steps(lambda at_once: self._write(jobs, at_once))

    def _write(self, jobs: Sequence[JobRow], at_once: bool) -> dict[str, Outcome]:
        tenants = sorted({job.tenant_id for job in jobs})
        with self._database.transaction(*tenants) as connection:
            opened = open_rows(connection, jobs)
            fresh = [job for job in jobs if job.job_id in opened]
            known = [job for job in jobs if job.job_id not in opened]
            entries = read_rows(connection, known, tenants)
            written = {job.job_id: _rest(connection, job, entries[job.job_id], at_once) for job in known}
            by_kind = sorted(fresh, key=lambda job: job.kind)
            for kind, group in groupby(by_kind, key=lambda job: job.kind):
                written |= write_marks(connection, kind, list(group), at_once=at_once)
            correct_rows(connection, fresh, written)
        return written

    def write_part(self, job: JobRow, size: int) -> tuple[int, Outcome | None]:
        """Apply the next `size` records of `job` after those that the ledger has, in a transaction of their own.

        Returns how many records are written by now and, with the last of them, the outcome of the whole job.
        """

        def write(at_once: bool) -> Entry:
            with self._database.transaction(job.tenant_id) as connection:
                return _part(connection, job, open_part(connection, job), size, at_once)

        entry = _at_once_or_by_steps(write)
        return entry.processed, entry.outcome if entry.completed else None

    def bury(self, job: JobRow, error: str) -> None:
        """Note in the ledger that `job` is dead, with its `error` (a JSON object)."""
        with self._database.transaction(job.tenant_id) as connection:
            connection.execute(statement("bury"), {**job.ledger(), "error": error})


def _at_once_or_by_steps(write: Callable[[bool], _Written]) -> _Written:
    """What nearly every batch allows is tried first, and the transaction begun anew for one that does not."""
    try:
        return write(True)
    except Repeated:
        return write(False)


def _rest(connection: Connection, job: JobRow, entry: Entry, at_once: bool) -> Outcome:
    """The outcome of a job that the ledger has already, after writing what an interrupted drain had left."""
    return entry.outcome if entry.completed else _part(connection, job, entry, job.total, at_once).outcome


def _part(connection: Connection, job: JobRow, entry: Entry, size: int, at_once: bool) -> Entry:
    if entry.completed:
        return entry
    part = replace(job, after=entry.processed, total=min(size, job.total - entry.processed))
    outcome = entry.outcome + write_marks(connection, job.kind, [part], at_once=at_once)[job.job_id]
    processed = part.after + part.total
    now = Entry(processed, outcome, completed=processed >= job.total)
    close_part(connection, job, now)
    return now
