"""Drain the queue into Postgres: one function for the scheduled Lambda, the rung one and the local consumer."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from chalicelib.db.faults import Blame, blame, sqlstate
from chalicelib.db.writer import JobRow, Outcome
from chalicelib.db.writer.model import Kind
from chalicelib.errors import Unavailable
from chalicelib.queue import FailOutcome, Job, JobQueue
from chalicelib.services.events import Events, NoEvents

log = logging.getLogger(__name__)

KINDS: dict[str, Kind] = {"student": "student", "staff": "staff"}

RACE_TRIES = 3


class UnwritableJob(Exception):
    """The job is of a kind that this drain does not know."""


class Writer(Protocol):
    """Where marks go (db.writer.BatchWriter)."""

    def write(self, jobs: Sequence[JobRow]) -> dict[str, Outcome]:
        """Apply jobs in one transaction."""
        ...

    def bury(self, job: JobRow, error: str) -> None:
        """Note that a job is dead."""
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a drain takes at once and how long it stays. A lease outlives the drain by `lease_margin_ms`."""

    max_jobs: int = 100
    max_records: int = 20_000
    stop_below_ms: int = 5_000
    lease_margin_ms: int = 5_000
    linger_s: float = 2.0


@dataclass(slots=True)
class Report:
    """What a drain did: jobs by how they ended, and why it stopped (`empty`, `time` or `outage`)."""

    completed: int = 0
    delayed: int = 0
    failed: int = 0
    lost: int = 0
    released: int = 0
    records: int = 0
    stopped: str = "empty"

    def to_json(self) -> dict[str, int | str]:
        """The report as a Lambda answers it."""
        return asdict(self)


@dataclass(slots=True)
class Drain:
    """Works until the queue stays empty for a moment, or the time is short."""

    queue: JobQueue
    writer: Writer
    pace: Pace = field(default_factory=Pace)
    events: Events = field(default_factory=NoEvents)

    def run(self, remaining_ms: Callable[[], int], *, linger_s: float | None = None) -> Report:
        """Claim and write batches. `remaining_ms` tells how long this process may still live, as Lambda's context does.

        Returns why it stopped. Raises Unavailable only if Redis is away; Postgres away releases the jobs unharmed.
        """
        try:
            return self._drain(remaining_ms, linger_s)
        finally:
            self.events.settle()

    def _drain(self, remaining_ms: Callable[[], int], linger_s: float | None) -> Report:
        report = Report()
        patience = self.pace.linger_s if linger_s is None else linger_s
        while (left := remaining_ms()) > self.pace.stop_below_ms:
            jobs = self.queue.claim(
                max_jobs=self.pace.max_jobs,
                max_records=self.pace.max_records,
                lease_ms=left + self.pace.lease_margin_ms,
            )
            if jobs:
                self.events.changed(jobs)
                try:
                    self._apply(jobs, report)
                except Unavailable:
                    report.stopped = "outage"
                    return report
            elif not self.queue.wait_for_work(min(patience, max(0.0, (left - self.pace.stop_below_ms) / 1000))):
                return report
        report.stopped = "time"
        return report

    def _apply(self, jobs: Sequence[Job], report: Report) -> None:
        """Write `jobs` together; if the data of one is at fault, halve until it stands alone."""
        try:
            outcomes = self._write([_row(job) for job in jobs])
        except Exception as error:
            if not isinstance(error, UnwritableJob) and blame(error) is not Blame.DATA:
                log.warning("postgres is away, releasing %d jobs", len(jobs), exc_info=True)
                self._release(jobs, report)
                raise Unavailable("Postgres does not answer.") from error
            if len(jobs) == 1:
                self._fail(jobs[0], error, report)
                return
            middle = len(jobs) // 2
            rest = jobs[middle:]
            try:
                self._apply(jobs[:middle], report)
            except Unavailable:
                self._release(rest, report)
                raise
            self._apply(rest, report)
            return
        done = [(job, json.dumps(outcomes[job.id].to_json())) for job in jobs]
        for job, held in zip(jobs, self.queue.ack(done), strict=True):
            report.completed += held
            report.lost += not held
            report.records += job.size
        self.events.changed(jobs)

    def _release(self, jobs: Sequence[Job], report: Report) -> None:
        """Give jobs back unharmed."""
        report.released += sum(self.queue.release(jobs))
        self.events.changed(jobs)

    def _write(self, rows: Sequence[JobRow]) -> dict[str, Outcome]:
        """One batch. Two drains that met in a deadlock simply try again; no attempt is charged."""
        for _ in range(RACE_TRIES - 1):
            try:
                return self.writer.write(rows)
            except Exception as error:
                if blame(error) is not Blame.RACE:
                    raise
        return self.writer.write(rows)

    def _fail(self, job: Job, error: Exception, report: Report) -> None:
        """Charge the poison job one attempt; a dead one is told in the ledger too."""
        detail = str(error) if isinstance(error, UnwritableJob) else "The database refused the data."
        reason = json.dumps({"code": "not_writable", "detail": detail, "sqlstate": sqlstate(error)})
        # Not the error itself: Postgres quotes the row, and a child's illness has no place in a log.
        log.error("job %s cannot be written: %s", job.id, reason)
        outcome = self.queue.fail(job, reason)
        self.events.changed([job])
        if outcome is FailOutcome.FAILED:
            report.failed += 1
            if job.kind in KINDS:
                self._bury(_row(job, attempts=job.attempts_made + 1), reason)
        elif outcome is FailOutcome.DELAYED:
            report.delayed += 1
        else:
            report.lost += 1

    def _bury(self, row: JobRow, reason: str) -> None:
        try:
            self.writer.bury(row, reason)
        except Exception as error:
            if blame(error) is not Blame.DATA:
                raise
            # The queue tells of it; the jobs that were claimed beside it are still to be written.
            log.error("job %s cannot be told in the ledger: %s", row.job_id, sqlstate(error))  # noqa: TRY400 - as above


def _row(job: Job, attempts: int | None = None) -> JobRow:
    if job.kind not in KINDS:
        raise UnwritableJob(f"There is no kind of job called {job.kind!r}.")
    return JobRow(
        tenant_id=job.tenant,
        job_id=job.id,
        kind=KINDS[job.kind],
        total=job.size,
        data=job.data,
        submitted_by=job.submitted_by,
        submitted_at=_instant(job.submitted_at),
        started_at=_instant(job.started_at) if job.started_at is not None else None,
        attempts_made=job.attempts_made + 1 if attempts is None else attempts,
        max_attempts=job.max_attempts,
    )


def _instant(microseconds: int) -> datetime:
    """Exact: a float of seconds would round, and the newest submission wins by a microsecond."""
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC).replace(microsecond=microseconds % 1_000_000)
