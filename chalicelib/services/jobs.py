"""Report a job: from Redis while it is fresh, from the ledger when Redis has forgotten; list, cancel and retry jobs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from chalicelib.domain.job_state import JobState
from chalicelib.errors import Conflict, Forbidden, NotFound, Unavailable
from chalicelib.queue import Job, JobQueue
from chalicelib.services.actor import Actor
from chalicelib.services.doorbell import Doorbell, SilentDoorbell
from chalicelib.services.events import Events, NoEvents

POLL_FIRST_S, POLL_MOST_S = 0.01, 0.25
EVENTS_S = 1.0


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as it is told: instants are aware, `result` and `error` are parsed."""

    id: str
    kind: str
    state: JobState
    processed: int
    total: int
    attempts_made: int
    max_attempts: int
    submitted_by: str
    submitted_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    result: dict[str, Any] | None
    error: dict[str, Any] | None


class Ledger(Protocol):
    """The jobs that Postgres knows."""

    def find(self, tenant: str, job_id: str) -> dict[str, Any] | None:
        """The ledger's row of a job."""
        ...

    def older(self, tenant: str, *, state: str | None, before: str | None, limit: int) -> list[dict[str, Any]]:
        """Rows newest first."""
        ...


@dataclass(frozen=True, slots=True)
class JobReporter:
    """Tells of jobs, to their submitters and to the office."""

    queue: JobQueue
    ledger: Callable[[], Ledger]
    sleep: Callable[[float], None] = time.sleep
    events: Events = field(default_factory=NoEvents)
    doorbell: Doorbell = field(default_factory=SilentDoorbell)

    def find(self, actor: Actor, job_id: str, *, wait_s: float = 0) -> JobView:
        """The job, after at most `wait_s` seconds of waiting for its end. Raises NotFound, Forbidden, Unavailable."""
        deadline = time.monotonic() + wait_s
        pause = POLL_FIRST_S
        while True:
            view = self._find_now(actor, job_id)
            left = deadline - time.monotonic()
            if view.state.finished or left <= 0:
                return view
            self.sleep(min(pause, left))
            pause = min(pause * 1.5, POLL_MOST_S)

    def list(
        self, actor: Actor, *, state: JobState | None, before: str | None, limit: int
    ) -> tuple[list[JobView], str | None]:
        """Jobs newest first, Redis' and the ledger's together, and the id to go on from (None: the end)."""
        recent = self._recent(actor, state=None, before=before, limit=limit)
        shown = recent if state is None else self._recent(actor, state=state, before=before, limit=limit)
        merged = self._kept(actor, state, before, limit, recent) | shown
        newest = sorted(merged.values(), key=lambda view: view.id, reverse=True)
        page = newest[:limit]
        return page, page[-1].id if len(newest) > limit else None

    def cancel(self, actor: Actor, job_id: str) -> JobView:
        """Take a job off the queue that no consumer has begun. Raises NotFound, Conflict."""
        return view_of(self._move(actor, job_id, self.queue.cancel, "cancelled"))

    def retry(self, actor: Actor, job_id: str) -> JobView:
        """Send a dead job again, with fresh attempts. Raises NotFound, Conflict."""
        job = self._move(actor, job_id, self.queue.redrive, "retried")
        if self.queue.ring(job.shard):
            self.doorbell.ring(job.shard)
        return view_of(job)

    def _move(self, actor: Actor, job_id: str, verb: Callable[[str, str], Job], moved: str) -> Job:
        try:
            job = verb(actor.tenant, job_id)
        except NotFound:
            view = self._find_now(actor, job_id)
            raise Conflict(f"The job is {view.state} and long done, so it cannot be {moved}.") from None
        self.events.changed([job])
        self.events.settle(EVENTS_S)
        return job

    def _recent(self, actor: Actor, *, state: JobState | None, before: str | None, limit: int) -> dict[str, JobView]:
        jobs = self.queue.list(actor.tenant, state=state, before=before, limit=limit + 1)
        return {job.id: view_of(job) for job in jobs}

    def _kept(
        self, actor: Actor, state: JobState | None, before: str | None, limit: int, recent: dict[str, JobView]
    ) -> dict[str, JobView]:
        """The first `limit + 1` jobs of the ledger that are in `state` still.

        A dead job that was sent again is waiting in Redis while the ledger has it as failed: Redis knows better.
        """
        kept: dict[str, JobView] = {}
        while len(kept) <= limit:
            rows = self.ledger().older(actor.tenant, state=state, before=before, limit=limit + 1)
            for view in map(_from_ledger, rows):
                now = recent.get(view.id)
                if now is None and state is JobState.FAILED:
                    job = self.queue.get(view.id, tenant=actor.tenant)
                    now = view_of(job) if job is not None else None
                if state is None or now is None or now.state is state:
                    kept[view.id] = view
            if len(rows) <= limit:
                break
            before = str(rows[-1]["job_id"])
        return kept

    def _find_now(self, actor: Actor, job_id: str) -> JobView:
        away: Unavailable | None = None
        try:
            job = self.queue.get(job_id, tenant=actor.tenant)
        except Unavailable as error:
            job, away = None, error
        if job is not None and job.tenant == actor.tenant:
            view = view_of(job)
        else:
            row = self.ledger().find(actor.tenant, job_id)
            if row is None:
                raise away or NotFound("There is no such job.")
            view = _from_ledger(row)
        if not actor.is_office and view.submitted_by != actor.subject:
            raise Forbidden("A job is shown to its submitter and to the office.")
        return view


def view_of(job: Job) -> JobView:
    """A job of the queue as it is told."""
    return JobView(
        id=job.id,
        kind=job.kind,
        state=job.state,
        processed=job.total if job.state is JobState.COMPLETED else job.processed,
        total=job.total,
        attempts_made=job.attempts_made,
        max_attempts=job.max_attempts,
        submitted_by=job.submitted_by,
        submitted_at=_instant(job.submitted_at),
        started_at=_instant(job.started_at) if job.started_at is not None else None,
        finished_at=_instant(job.finished_at) if job.finished_at is not None else None,
        result=json.loads(job.result) if job.result else None,
        error=json.loads(job.error) if job.error else None,
    )


def _from_ledger(row: dict[str, Any]) -> JobView:
    done = row["state"] == JobState.COMPLETED
    result = {name: row[name] for name in ("applied", "unchanged", "superseded", "rejected")}
    return JobView(
        id=str(row["job_id"]),
        kind=row["kind"],
        state=JobState(row["state"]),
        processed=row["processed"],
        total=row["total"],
        attempts_made=row["attempts_made"],
        max_attempts=row["max_attempts"],
        submitted_by=row["submitted_by"],
        submitted_at=row["submitted_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        result=result if done else None,
        error=row["error"],
    )


def _instant(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC)
