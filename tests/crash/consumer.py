"""A real drain in a process of its own that kills or stops itself at a chosen point: python -m tests.crash.consumer.

Nothing in the production code helps with that: the queue is a subclass, and SQLAlchemy tells of its statements.
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

POINTS = {
    "never": "the healthy consumer",
    "claimed": "the claim's reply has arrived and was not used",
    "opened": "the job's row in the ledger is written, no mark is",
    "staged": "the marks are in the staging table, where a batch needs it",
    "writing": "the marks are about to be written",
    "committing": "all is written, COMMIT has not been sent",
    "part": "a part of a large job has been committed, the queue has not been told",
    "committed": "Postgres has committed, the queue has not been told",
    "acked": "the queue has been told",
    "failed": "the queue has been told that an attempt failed, the ledger has not",
}

LIFE_S = 60
"""After this a consumer that was forgotten ends itself."""


@dataclass
class Fate:
    """At the `nth` time that the work comes to `point`, the process sends itself `signal`."""

    point: str
    nth: int
    signal: signal.Signals

    def reach(self, point: str) -> None:
        """The work has come to `point`."""
        if point == self.point:
            self.nth -= 1
            if self.nth == 0:
                # To this thread: sent to the process, another one may take it while this one goes on.
                signal.pthread_kill(threading.get_ident(), self.signal)


def main(arguments: Sequence[str] | None = None) -> None:
    """Drain until no job is unfinished, telling one report a line (JSON)."""
    options = _options(arguments)
    if options.clock_s:
        _turn_clocks(options.clock_s)
    signal.alarm(LIFE_S)

    from chalicelib.config import Settings
    from chalicelib.container import Container
    from chalicelib.queue import FailOutcome, Job, JobQueue
    from chalicelib.services.drain import Pace

    fate = Fate(options.point, options.nth, signal.Signals[f"SIG{options.signal}"])

    class FatedQueue(JobQueue):
        def claim(self, *, max_jobs: int, max_records: int, lease_ms: int) -> list[Job]:
            jobs = super().claim(max_jobs=max_jobs, max_records=max_records, lease_ms=lease_ms)
            if jobs:
                fate.reach("claimed")
            return jobs

        def ack(self, done: Sequence[tuple[Job, str]]) -> list[bool]:
            fate.reach("committed")
            held = super().ack(done)
            fate.reach("acked")
            return held

        def progress(self, job: Job, processed: int) -> bool:
            fate.reach("part")
            return super().progress(job, processed)

        def fail(self, job: Job, error: str) -> FailOutcome:
            outcome = super().fail(job, error)
            fate.reach("failed")
            return outcome

    _follow_statements(fate)
    container = Container(Settings.from_environment())
    container.queue = FatedQueue(container.redis, name=container.settings.queue_name)
    limits = {"max_jobs": options.max_jobs, "max_records": options.max_records}
    pace = Pace(**limits, hands=options.hands, stop_below_ms=0, lease_margin_ms=0, linger_s=0.2)
    drain = replace(container.drain, pace=pace)
    unfinished = True
    while unfinished:
        report = drain.run(lambda: int(options.lease_ms))
        print(json.dumps(report.to_json()), flush=True)
        unfinished = not options.once and container.queue.counts().depth > 0
    container.close()


def _follow_statements(fate: Fate) -> None:
    from sqlalchemy import Engine, event

    def before(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "insert into student_attendance" in statement:
            fate.reach("writing")

    def after(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "insert into attendance_job" in statement:
            fate.reach("opened")
        if "insert into staged_student" in statement:
            fate.reach("staged")

    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "after_cursor_execute", after)
    event.listen(Engine, "commit", lambda _: fate.reach("committing"))


def _turn_clocks(seconds: float) -> None:
    """From now on this process believes that it is so much later."""
    now, now_ns = time.time, time.time_ns
    time.time = lambda: now() + seconds
    time.time_ns = lambda: now_ns() + int(seconds * 1e9)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("point", choices=list(POINTS))
    parser.add_argument("--nth", type=int, default=1)
    parser.add_argument("--signal", choices=["KILL", "STOP"], default="KILL")
    parser.add_argument("--lease-ms", type=int, default=30_000)
    parser.add_argument("--max-jobs", type=int, default=100)
    parser.add_argument("--max-records", type=int, default=20_000)
    parser.add_argument("--hands", type=int, default=1, help="batches at work at once")
    parser.add_argument("--once", action="store_true", help="one drain, however many jobs are unfinished")
    parser.add_argument("--clock-s", type=float, default=0.0)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
