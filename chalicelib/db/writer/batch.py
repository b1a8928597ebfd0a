"""One batch, one transaction: ledger, marks and audit commit together, so a redelivered job changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from sqlalchemy import Connection

from chalicelib.db.session import Database
from chalicelib.db.writer.ledger import Entry, close_part, correct_rows, open_part, open_rows, read_rows
from chalicelib.db.writer.marks import staging_of, write_marks
from chalicelib.db.writer.model import JobRow, Outcome
from chalicelib.db.writer.statements import statement


class BatchWriter:
    """Writes batches of jobs, each in one transaction, and single large jobs part by part."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, jobs: Sequence[JobRow]) -> dict[str, Outcome]:
        """Apply `jobs` and return the outcome of each by job id; those applied before give the outcome they had then.

        All of it commits or none. Raises what the database raises; `faults.blame` tells what it means.
        """
        tenants = sorted({job.tenant_id for job in jobs})
        with self._database.transaction(*tenants) as connection:
            opened = open_rows(connection, jobs)
            fresh = [job for job in jobs if job.job_id in opened]
            known = [job for job in jobs if job.job_id not in opened]
            entries = read_rows(connection, known, tenants)
            written = {job.job_id: _rest(connection, job, entries[job.job_id]) for job in known}
            by_kind = sorted(fresh, key=lambda job: job.kind)
            for kind, group in groupby(by_kind, key=lambda job: job.kind):
                written |= write_marks(connection, kind, list(group))
            correct_rows(connection, fresh, written)
            staging = staging_of(connection)
        staging.update(job.kind for job in fresh)
        return written

    def write_part(self, job: JobRow, size: int) -> tuple[int, Outcome | None]:
        """Apply the next `size` records of `job` after those that the ledger has, in a transaction of their own.

        Returns how many records are written by now and, with the last of them, the outcome of the whole job.
        """
        with self._database.transaction(job.tenant_id) as connection:
            entry = _part(connection, job, open_part(connection, job), size)
        return entry.processed, entry.outcome if entry.completed else None

    def bury(self, job: JobRow, error: str) -> None:
        """Note in the ledger that `job` is dead, with its `error` (a JSON object)."""
        with self._database.transaction(job.tenant_id) as connection:
            connection.execute(statement("bury"), {**job.ledger(), "error": error})


def _rest(connection: Connection, job: JobRow, entry: Entry) -> Outcome:
    """The outcome of a job that the ledger has already, after writing what an interrupted drain had left."""
    return entry.outcome if entry.completed else _part(connection, job, entry, job.total).outcome


def _part(connection: Connection, job: JobRow, entry: Entry, size: int) -> Entry:
    if entry.completed:
        return entry
    part = replace(job, after=entry.processed, total=min(size, job.total - entry.processed))
    outcome = entry.outcome + write_marks(connection, job.kind, [part])[job.job_id]
    processed = part.after + part.total
    now = Entry(processed, outcome, completed=processed >= job.total)
    close_part(connection, job, now)
    return now
