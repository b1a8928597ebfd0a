"""What a drain tells those who watch: a line and a part of its trace for each job that ends, figures for each round."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from chalicelib.errors import Unavailable
from chalicelib.queue import Job, JobQueue
from chalicelib.watch.metrics import Meter
from chalicelib.watch.traces import Span, Trace, XRay

if TYPE_CHECKING:
    from chalicelib.services.applying import Report

LOOK_S = 50.0
"""A drain that goes on for minutes tells of the queue so often: the alarms look at each minute."""

COUNTED = {
    "completed": "JobsDrained", "records": "MarksDrained", "applied": "MarksApplied", "unchanged": "MarksUnchanged",
    "superseded": "MarksSuperseded", "rejected": "MarksRejected", "delayed": "JobsRetried", "stalled": "JobsStalled",
    "died": "JobsDied", "released": "JobsReleased", "lost": "LeasesLost",
}  # fmt: skip
"""The figures of a Report, and what they are called as metrics."""

log = logging.getLogger(__name__)


class Witness(Protocol):
    """Told by the drain how it goes. None of it raises."""

    def ended(self, job: Job, how: str) -> None:
        """An attempt at a job has ended: `completed`, `delayed` or `failed`."""
        ...

    def meanwhile(self) -> None:
        """The drain goes on."""
        ...

    def drained(self, report: Report) -> None:
        """The drain is over."""
        ...


class NoWitness:
    """For drains that nobody watches."""

    def ended(self, job: Job, how: str) -> None:
        """Not told."""

    def meanwhile(self) -> None:
        """Not told."""

    def drained(self, report: Report) -> None:
        """Not told."""


class DrainWitness:
    """Tells it all to CloudWatch and X-Ray, or to whoever reads the words on a laptop."""

    def __init__(self, queue: JobQueue, meter: Meter, xray: XRay, clock: Callable[[], float] = time.monotonic) -> None:
        self._queue, self._meter, self._xray, self._clock = queue, meter, xray, clock
        self._looked = clock()

    def ended(self, job: Job, how: str) -> None:
        """With ids alone: what the job was about is in the database."""
        trace = Trace.read(job.trace)
        ids = {"job": job.id, "tenant": job.tenant, **({"trace": trace.root} if trace else {})}
        log.info("job %s: %s", job.id, how, extra={**ids, "marks": job.size, "attempts": job.attempts_made + 1})
        if trace is not None:
            self._xray.tell(trace, _span(job), {"job": job.id, "tenant": job.tenant, "how": how}, fault=how == "failed")

    def meanwhile(self) -> None:
        """Tells how the queue stands, about once a minute."""
        if self._meter.is_on and self._clock() - self._looked >= LOOK_S:
            self._meter.tell("draining", self._standing())

    def drained(self, report: Report) -> None:
        """Tells what was done, and how the queue stands."""
        if self._meter.is_on:
            counted = {metric: getattr(report, name) for name, metric in COUNTED.items()}
            self._meter.tell("drained", counted | self._standing(), stopped=report.stopped)

    def _standing(self) -> dict[str, float]:
        """Nothing while Redis is away, which is told by the drain's own failure."""
        self._looked = self._clock()
        with suppress(Unavailable):
            load = self._queue.figures(None).all
            age = (load.oldest_ms or 0) / 1000
            return {"Depth": load.waiting, "OldestWaitingAge": age, "DeadJobs": load.failed}
        return {}


def _span(job: Job) -> Span:
    submitted, now = job.submitted_at / 1e6, time.time()
    started = (job.started_at or job.submitted_at) / 1e6
    waited, written = Span("on the list", submitted, started), Span("written", started, max(started, now))
    return Span("rollcall-drain", submitted, max(started, now), (waited, written))
