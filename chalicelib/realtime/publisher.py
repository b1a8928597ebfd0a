"""The fan-out: tells followers of moved jobs from a thread of its own, so that the drain never waits for a client.

What is noted is only that a job moved; what is told is the state it is in when its turn comes. So twenty moves in a
second become one or two messages, none of them stale, and the last state is always among them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.domain.job_state import JobState
from chalicelib.queue import Job, JobQueue
from chalicelib.realtime.connections import TURN_MS, Connections
from chalicelib.realtime.messages import job_event
from chalicelib.realtime.posting import Message, Posted, Poster
from chalicelib.services.events import SETTLE_S
from chalicelib.services.jobs import view_of

SWEEP_S = 10.0
"""Followers who heard nothing for so long are told the present state: of events lost with a killed process, say."""

_SWEPT = 100

LAST = frozenset({JobState.COMPLETED, JobState.CANCELLED})
"""States that a job never leaves; a failed one may be sent again."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Telling:
    """A job as it stood, and the connections to tell."""

    job: Job
    connections: frozenset[str]


class Publisher:
    """Events for those who are connected. The thread lives only while there is something to tell."""

    def __init__(
        self, connections: Connections, queue: JobQueue, poster: Poster, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._connections, self._queue, self._poster, self._clock = connections, queue, poster, clock
        self._state = threading.Condition()
        self._moved: dict[str, str] = {}  # job id → tenant
        self._later: dict[str, tuple[float, str]] = {}  # job id → when its turn comes, tenant
        self._sweep_at = 0.0
        self._sweeping = False
        self._thread: threading.Thread | None = None

    def changed(self, jobs: Sequence[Job]) -> None:
        """Note that these jobs have moved."""
        if jobs:
            with self._state:
                self._moved.update((job.id, job.tenant) for job in jobs)
                self._wake()

    def settle(self, within_s: float = SETTLE_S) -> None:
        """Wait until all is told. Now and then the followers of quiet jobs are told again before."""
        deadline = self._clock() + within_s
        with self._state:
            if self._clock() >= self._sweep_at:
                self._sweep_at = self._clock() + SWEEP_S
                self._sweeping = True
                self._wake()
            while self._thread is not None and (left := deadline - self._clock()) > 0:
                self._state.wait(left)

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="live-events", daemon=True)
            self._thread.start()
        self._state.notify_all()

    def _work(self) -> None:
        while True:
            with self._state:
                while not (self._moved or self._sweeping or self._due()):
                    if not self._later:
                        self._thread = None
                        self._state.notify_all()
                        return
                    self._state.wait(min(when for when, _ in self._later.values()) - self._clock())
                due = self._due()
                self._later = {job_id: later for job_id, later in self._later.items() if job_id not in due}
                moved, self._moved = self._moved | due, {}
                sweep, self._sweeping = self._sweeping, False
            try:
                if sweep:
                    moved |= self._quiet()
                self._tell(moved)
            except Exception:  # the drain that this thread serves must live; the sweep will tell what was left
                log.warning("live events of %d jobs were not told", len(moved), exc_info=True)

    def _due(self) -> dict[str, str]:
        now = self._clock()
        return {job_id: tenant for job_id, (when, tenant) in self._later.items() if when <= now}

    def _quiet(self) -> dict[str, str]:
        silent = self._connections.silent(SWEEP_S, _SWEPT)
        followed = self._connections.followers(silent) if silent else {}
        self._connections.unwatch({job_id: tenant for job_id, tenant in silent.items() if job_id not in followed})
        return {job_id: tenant for job_id, tenant in silent.items() if job_id in followed}

    def _tell(self, moved: dict[str, str]) -> None:
        """Tell the followers of these jobs how they stand."""
        followers = self._connections.followers(moved) if moved else {}
        tellings = []
        for job_id, connections in followers.items():
            job = self._queue.get(job_id, tenant=moved[job_id])
            if job is None:
                self._connections.unwatch({job_id: moved[job_id]})
            else:
                tellings.append(_Telling(job, connections))
        tellings = self._in_turn(tellings)
        texts = {telling.job.id: job_event(view_of(telling.job)) for telling in tellings}
        messages: list[Message] = [
            (connection, texts[telling.job.id]) for telling in tellings for connection in telling.connections
        ]
        posted = self._poster.post(messages)
        for connection in posted.gone:
            self._connections.close(connection)
        for telling in tellings:
            self._note(telling, posted)

    def _in_turn(self, tellings: Sequence[_Telling]) -> list[_Telling]:
        """What may go out now: a finished state always, another if the connection was last told a while ago."""
        asked = [(t, connection) for t in tellings if not t.job.state.finished for connection in t.connections]
        turns = self._connections.take_turns([(t.job.tenant, t.job.id, connection) for t, connection in asked])
        allowed: dict[str, set[str]] = {}
        refused: dict[str, str] = {}
        for (telling, connection), may in zip(asked, turns, strict=True):
            if may:
                allowed.setdefault(telling.job.id, set()).add(connection)
            else:
                refused[telling.job.id] = telling.job.tenant
        with self._state:
            next_turn = self._clock() + TURN_MS / 1000
            told = {telling.job.id for telling in tellings} - refused.keys()
            later = {job_id: (next_turn, tenant) for job_id, tenant in refused.items()} | self._later
            self._later = {job_id: when for job_id, when in later.items() if job_id not in told}
        finished = [telling for telling in tellings if telling.job.state.finished]
        rest = [_Telling(t.job, frozenset(allowed[t.job.id])) for t in tellings if t.job.id in allowed]
        return finished + rest

    def _note(self, telling: _Telling, posted: Posted) -> None:
        """Write down what was told; what could not be delivered stays as it was, for the sweep."""
        job = telling.job
        if job.state not in LAST:
            # Another process may have told of a later move before this message went out.
            now = self._queue.get(job.id, tenant=job.tenant)
            if now is not None and now.state in LAST:
                text = job_event(view_of(now))  # to those we misled: an ended job has no followers any more
                self._poster.post([(connection, text) for connection in telling.connections])
            elif now is not None and now != job:
                self.changed([now])
        if telling.connections & posted.failed:
            return
        if job.state in LAST:
            self._connections.end(job.tenant, job.id)
        elif job.state.finished:
            self._connections.unwatch({job.id: job.tenant})
        else:
            self._connections.watch({job.id: job.tenant})
