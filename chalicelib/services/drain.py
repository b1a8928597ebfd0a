"""Drain the queue into Postgres: one function for the scheduled Lambda, the rung one and the local consumer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field

from chalicelib.errors import Unavailable
from chalicelib.queue import Job, JobQueue, UnsafeServer
from chalicelib.services.applying import RACE_TRIES, Applier, Report, UnwritableJob, Writer
from chalicelib.services.burying import bury_dead
from chalicelib.services.events import Events, NoEvents
from chalicelib.services.pulse import NoPulse, Pulse
from chalicelib.services.witness import NoWitness, Witness

__all__ = ["RACE_TRIES", "Drain", "Pace", "Report", "UnwritableJob", "Writer"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a drain takes at once and how long it stays. A lease outlives the drain by `lease_margin_ms`.

    It has `hands` batches at work at once, each on a connection of its own: while Postgres commits one, it writes
    another. A job of more than `max_records` is written in parts of that size, with its progress told after each.
    """

    max_jobs: int = 100
    max_records: int = 10_000
    hands: int = 2
    stop_below_ms: int = 5_000
    lease_margin_ms: int = 5_000
    linger_s: float = 2.0


@dataclass(slots=True)
class Drain:
    """Works until the queue stays empty for a moment, or the time is short."""

    queue: JobQueue
    writer: Writer
    pace: Pace = field(default_factory=Pace)
    events: Events = field(default_factory=NoEvents)
    pulse: Pulse = field(default_factory=NoPulse)
    witness: Witness = field(default_factory=NoWitness)
    _checked: bool = field(default=False, init=False)

    def run(
        self, remaining_ms: Callable[[], int], *, linger_s: float | None = None, shard: int | None = None
    ) -> Report:
        """Claim and write batches. `remaining_ms` tells how long this process may still live, as Lambda's context does.

        Works at one shard of the queue, or at all by turns (None), going on where this process left off the last time.
        Returns why it stopped. Raises Unavailable only if Redis is away; Postgres away releases the jobs unharmed.
        """
        self._check_server()
        if self.pulse.holds_back():
            report = Report(stopped="outage")
        else:
            queue = self.queue if shard is None else self.queue.at(shard)
            try:
                # Whatever comes, batches that were begun are ended before this returns.
                with ThreadPoolExecutor(self.pace.hands, "drain") as pool:
                    patience = self.pace.linger_s if linger_s is None else linger_s
                    report = self._drain(queue, pool, remaining_ms, patience)
            finally:
                self.events.settle()
        self.witness.drained(report)
        return report

    def _drain(
        self, queue: JobQueue, pool: ThreadPoolExecutor, remaining_ms: Callable[[], int], patience: float
    ) -> Report:
        report = Report(stopped="time")
        applier = Applier(queue, self.writer, self.events, witness=self.witness)
        at_work: set[Future[Report]] = set()
        while (left := remaining_ms()) > self.pace.stop_below_ms and report.stopped != "outage":
            self.witness.meanwhile()
            jobs = queue.claim(
                max_jobs=self.pace.max_jobs,
                max_records=self.pace.max_records,
                lease_ms=left + self.pace.lease_margin_ms,
            )
            if applier.outage.is_set():
                report.released += sum(queue.release(jobs))
                report.stopped = "outage"
                break
            if jobs:
                self.events.changed(jobs)
                report.stalled += sum(job.stalls > 0 for job in jobs)
                if not at_work and self._small(jobs):
                    self._count(self._apply(applier, jobs, remaining_ms), report)
                    continue
                at_work.add(pool.submit(copy_context().run, self._apply, applier, jobs, remaining_ms))
                if len(at_work) < self.pace.hands:
                    continue
            if at_work:
                at_work = self._ended(at_work, report)
            elif not self._bury(queue, report) and not queue.wait_for_work(
                min(patience, max(0.0, (left - self.pace.stop_below_ms) / 1000))
            ):
                report.stopped = "empty"
                break
        while at_work:
            at_work = self._ended(at_work, report)
        if report.stopped == "outage":
            self.pulse.met_outage()
        return report

    def _apply(self, applier: Applier, jobs: Sequence[Job], remaining_ms: Callable[[], int]) -> Report:
        report = Report()
        with _outage_told(report):
            if jobs[0].size > self.pace.max_records:
                applier.apply_in_parts(
                    jobs[0], self.pace.max_records, lambda: remaining_ms() > self.pace.stop_below_ms, report
                )
            else:
                applier.apply(jobs, report)
        return report

    def _ended(self, at_work: set[Future[Report]], report: Report) -> set[Future[Report]]:
        """Wait for a batch to end and count what it did; the batches that are still at work."""
        done, rest = wait(at_work, return_when=FIRST_COMPLETED)
        for batch in done:
            self._count(batch.result(), report)
        return rest

    def _count(self, batch: Report, report: Report) -> None:
        report.add(batch)
        if report.stopped != "outage":
            self.pulse.worked()

    def _small(self, jobs: Sequence[Job]) -> bool:
        """Whether this was likely all that waited: a register at noon need not be handed to another thread."""
        return len(jobs) < self.pace.max_jobs and sum(job.size for job in jobs) < self.pace.max_records // 4

    def _bury(self, queue: JobQueue, report: Report) -> bool:
        with _outage_told(report):
            if buried := bury_dead(queue, self.writer, self.events):
                report.died += buried
                self.pulse.worked()
                return True
        return report.stopped == "outage"

    def _check_server(self) -> None:
        """Once a process: say in the log that Redis may drop jobs. To drain them is the best that can be done then."""
        if not self._checked:
            try:
                self.queue.check_server()
            except UnsafeServer as danger:
                log.error("%s", danger)  # noqa: TRY400 - there is nothing to trace
            self._checked = True


@contextmanager
def _outage_told(report: Report) -> Iterator[None]:
    try:
        yield
    except Unavailable:
        report.stopped = "outage"
