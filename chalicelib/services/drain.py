"""Drain the queue into Postgres: one function for the scheduled Lambda, the rung one and the local consumer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from chalicelib.errors import Unavailable
from chalicelib.queue import Job, JobQueue, UnsafeServer
from chalicelib.services.applying import RACE_TRIES, Applier, Report, UnwritableJob, Writer
from chalicelib.services.burying import bury_dead
from chalicelib.services.events import Events, NoEvents
from chalicelib.services.pulse import NoPulse, Pulse

__all__ = ["RACE_TRIES", "Drain", "Pace", "Report", "UnwritableJob", "Writer"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a drain takes at once and how long it stays. A lease outlives the drain by `lease_margin_ms`.

    A job of more than `max_records` is written in parts of that size, with its progress told after each.
    """

    max_jobs: int = 100
    max_records: int = 20_000
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
    _checked: bool = field(default=False, init=False)

    def run(self, remaining_ms: Callable[[], int], *, linger_s: float | None = None) -> Report:
        """Claim and write batches. `remaining_ms` tells how long this process may still live, as Lambda's context does.

        Returns why it stopped. Raises Unavailable only if Redis is away; Postgres away releases the jobs unharmed.
        """
        self._check_server()
        if self.pulse.holds_back():
            return Report(stopped="outage")
        try:
            return self._drain(remaining_ms, linger_s)
        finally:
            self.events.settle()

    def _drain(self, remaining_ms: Callable[[], int], linger_s: float | None) -> Report:
        report = Report()
        applier = Applier(self.queue, self.writer, self.events)
        patience = self.pace.linger_s if linger_s is None else linger_s
        while (left := remaining_ms()) > self.pace.stop_below_ms:
            jobs = self.queue.claim(
                max_jobs=self.pace.max_jobs,
                max_records=self.pace.max_records,
                lease_ms=left + self.pace.lease_margin_ms,
            )
            try:
                if jobs:
                    self._apply(applier, jobs, remaining_ms, report)
                buried = bury_dead(self.queue, self.writer, self.events)
            except Unavailable:
                self.pulse.met_outage()
                report.stopped = "outage"
                return report
            if jobs or buried:
                self.pulse.worked()
            elif not self.queue.wait_for_work(min(patience, max(0.0, (left - self.pace.stop_below_ms) / 1000))):
                return report
        report.stopped = "time"
        return report

    def _apply(self, applier: Applier, jobs: Sequence[Job], remaining_ms: Callable[[], int], report: Report) -> None:
        self.events.changed(jobs)
        if jobs[0].size > self.pace.max_records:
            applier.apply_in_parts(
                jobs[0], self.pace.max_records, lambda: remaining_ms() > self.pace.stop_below_ms, report
            )
        else:
            applier.apply(jobs, report)

    def _check_server(self) -> None:
        """Once a process: say in the log that Redis may drop jobs. To drain them is the best that can be done then."""
        if not self._checked:
            try:
                self.queue.check_server()
            except UnsafeServer as danger:
                log.error("%s", danger)  # noqa: TRY400 - there is nothing to trace
            self._checked = True
