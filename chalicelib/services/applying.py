"""Apply claimed jobs: together, halved until a poison job stands alone, or part by part; then tell the queue."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from threading import Event
from typing import Protocol, TypeVar

from chalicelib.db.faults import Blame, blame, sqlstate
from chalicelib.db.writer import JobRow, Outcome
from chalicelib.db.writer.model import Kind
from chalicelib.errors import Unavailable
from chalicelib.queue import FailOutcome, Job, JobQueue
from chalicelib.services.events import Events
from chalicelib.services.witness import NoWitness, Witness

log = logging.getLogger(__name__)

KINDS: dict[str, Kind] = {"student": "student", "staff": "staff"}

RACE_TRIES = 3

_Written = TypeVar("_Written")


class UnwritableJob(Exception):
    """The job is of a kind that this drain does not know."""


class Writer(Protocol):
    """Where marks go (db.writer.BatchWriter)."""

    def write(self, jobs: Sequence[JobRow]) -> dict[str, Outcome]:
        """Apply jobs in one transaction."""
        ...

    def write_part(self, job: JobRow, size: int) -> tuple[int, Outcome | None]:
        """Apply the next records of a large job; how many are written, and the outcome with the last."""
        ...

    def bury(self, job: JobRow, error: str) -> None:
        """Note that a job is dead."""
        ...


@dataclass(slots=True)
class Report:
    """What a drain did: jobs by how they ended, what became of their records, and why it stopped.

    `stalled` counts jobs that were claimed once more since a consumer had ended with them; `died`, those that the
    ledger was told of as dead, whoever saw them die. `stopped` is `empty`, `time` or `outage`.
    """

    completed: int = 0
    delayed: int = 0
    failed: int = 0
    lost: int = 0
    released: int = 0
    records: int = 0
    applied: int = 0
    unchanged: int = 0
    superseded: int = 0
    rejected: int = 0
    stalled: int = 0
    died: int = 0
    stopped: str = "empty"

    def add(self, batch: Report) -> None:
        """Count what a batch did, too. An outage that it met is everybody's."""
        for name in (one.name for one in fields(self) if one.name != "stopped"):
            setattr(self, name, getattr(self, name) + getattr(batch, name))
        if batch.stopped == "outage":
            self.stopped = "outage"

    def count(self, outcome: Outcome) -> None:
        """Count what became of the records of a job."""
        self.applied += outcome.applied
        self.unchanged += outcome.unchanged
        self.superseded += outcome.superseded
        self.rejected += len(outcome.rejected)

    def to_json(self) -> dict[str, int | str]:
        """The report as a Lambda answers it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Applier:
    """Writes jobs that this process holds, and ends their leases one way or the other. Threads may share it.

    `outage` is set before jobs are given back for want of Postgres, so that who claims meanwhile can tell.
    """

    queue: JobQueue
    writer: Writer
    events: Events
    outage: Event = field(default_factory=Event)
    witness: Witness = field(default_factory=NoWitness)

    def apply(self, jobs: Sequence[Job], report: Report) -> None:
        """Write `jobs` together; if the data of one is at fault, halve until it stands alone."""
        try:
            outcomes = self._trying(lambda: self.writer.write([row_of(job) for job in jobs]))
        except Exception as error:
            if not _is_data(error):
                log.warning("postgres is away, releasing %d jobs", len(jobs), exc_info=True)
                self.outage.set()
                self._release(jobs, report)
                raise Unavailable("Postgres does not answer.") from error
            if len(jobs) == 1:
                self._fail(jobs[0], error, report)
                return
            middle = len(jobs) // 2
            rest = jobs[middle:]
            try:
                self.apply(jobs[:middle], report)
            except Unavailable:
                self._release(rest, report)
                raise
            self.apply(rest, report)
            return
        self._ack([(job, outcomes[job.id]) for job in jobs], report)

    def apply_in_parts(self, job: Job, size: int, in_time: Callable[[], bool], report: Report) -> None:
        """Write a large job, `size` records at a time. If time or the lease runs out, the rest is for another drain."""
        while in_time():
            try:
                processed, outcome = self._trying(lambda: self.writer.write_part(row_of(job), size))
            except Exception as error:
                if not _is_data(error):
                    log.warning("postgres is away, releasing job %s", job.id, exc_info=True)
                    self.outage.set()
                    self._release([job], report)
                    raise Unavailable("Postgres does not answer.") from error
                self._fail(job, error, report)
                return
            if outcome is not None:
                self._ack([(job, outcome)], report)
                return
            if not self.queue.progress(job, processed):
                report.lost += 1
                return
            self.events.changed([job])
        self._release([job], report)

    def _ack(self, done: Sequence[tuple[Job, Outcome]], report: Report) -> None:
        told = [(job, json.dumps(outcome.to_json())) for job, outcome in done]
        for (job, outcome), held in zip(done, self.queue.ack(told), strict=True):
            report.completed += held
            report.lost += not held
            report.records += job.size
            if held:
                report.count(outcome)
                self.witness.ended(job, "completed")
        self.events.changed([job for job, _ in done])

    def _release(self, jobs: Sequence[Job], report: Report) -> None:
        """Give jobs back unharmed."""
        report.released += sum(self.queue.release(jobs))
        self.events.changed(jobs)

    def _trying(self, write: Callable[[], _Written]) -> _Written:
        """Write. Two drains that met in a deadlock simply try again; no attempt is charged."""
        for _ in range(RACE_TRIES - 1):
            try:
                return write()
            except Exception as error:
                if blame(error) is not Blame.RACE:
                    raise
        return write()

    def _fail(self, job: Job, error: Exception, report: Report) -> None:
        """Charge the poison job one attempt; the queue tells of it if that was its last."""
        detail = str(error) if isinstance(error, UnwritableJob) else "The database refused the data."
        reason = json.dumps({"code": "not_writable", "detail": detail, "sqlstate": sqlstate(error)})
        # Not the error itself: Postgres quotes the row, and a child's illness has no place in a log.
        log.error("job %s cannot be written: %s", job.id, reason, extra={"job": job.id, "tenant": job.tenant})
        outcome = self.queue.fail(job, reason)
        self.events.changed([job])
        if outcome is FailOutcome.FAILED:
            report.failed += 1
            self.witness.ended(job, "failed")
        elif outcome is FailOutcome.DELAYED:
            report.delayed += 1
            self.witness.ended(job, "delayed")
        else:
            report.lost += 1


def _is_data(error: Exception) -> bool:
    return isinstance(error, UnwritableJob) or blame(error) is Blame.DATA


def row_of(job: Job, attempts: int | None = None) -> JobRow:
    """The job as the writer takes it, by default with one attempt more than it was charged with: the one going on."""
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
