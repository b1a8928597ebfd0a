"""What the queue has promised, kept beside it: the oracle of test_histories, which knows nothing of Redis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from chalicelib.domain.job_state import ARROWS, JobState
from chalicelib.queue import Backoff, Job, NewJob
from tests.queue.steps import DAY_MS

T = TypeVar("T")

UNFINISHED = {JobState.WAITING, JobState.ACTIVE, JobState.DELAYED}
MAX_STALLS = 1


@dataclass(slots=True)
class Known:
    """A job that was accepted, and all that was done to it.

    `ms_left` is until its lease ends, its retry is due or it is forgotten, as its state has it. `fresh` jobs never
    returned to a list: they leave it in the order in which they came.
    """

    new: NewJob
    place: int
    state: JobState = JobState.WAITING
    attempts: int = 0
    stalls: int = 0
    processed: int = 0
    token: str = ""
    ms_left: int = 0
    fresh: bool = True
    result: str = ""

    def move(self, to: JobState, ms_left: int = 0) -> None:
        """Along an arrow, or not at all."""
        assert to in ARROWS[self.state], f"{self.state} → {to}"
        self.state, self.ms_left = to, ms_left
        self.fresh &= to is not JobState.WAITING

    def is_held_by(self, job: Job) -> bool:
        """Whether the job's current token is this one."""
        return self.state is JobState.ACTIVE and self.token == job.token


@dataclass(slots=True)
class Model:
    """All jobs that are not forgotten, the Idempotency-Keys that are not, and who is paused."""

    jobs: dict[str, Known] = field(default_factory=dict)
    keys: dict[tuple[str, str], tuple[str, str, int]] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)
    accepted: int = 0

    def within(self, *states: JobState, tenant: str | None = None) -> list[Known]:
        """The jobs in these states, in the order in which they were accepted."""
        return [job for job in self.jobs.values() if job.state in states and tenant in {None, job.new.tenant}]

    def depths(self) -> dict[str, int]:
        """Unfinished jobs by tenant, and `*`."""
        depths = Counter(job.new.tenant for job in self.within(*UNFINISHED))
        return {**depths, "*": depths.total()} if depths else {}

    def on_ring(self) -> set[str]:
        """Who must be on the ring: whoever has waiting jobs and is not paused by name."""
        return {job.new.tenant for job in self.within(JobState.WAITING)} - self.paused

    def claimable(self) -> bool:
        """Whether a claim must find something."""
        return "*" not in self.paused and bool(self.on_ring())

    def to_tidy(self) -> bool:
        """Whether a lease has run out or a retry is due."""
        return any(job.ms_left <= 0 for job in self.within(JobState.ACTIVE, JobState.DELAYED))

    def accept(self, job: NewJob) -> None:
        """A new job."""
        self.accepted += 1
        self.jobs[job.id] = Known(job, self.accepted)
        if job.idempotency:
            self.keys[job.tenant, job.idempotency.key] = (job.id, job.idempotency.body, DAY_MS)

    def tidy(self) -> None:
        """What a claim does first."""
        for job in self.within(JobState.ACTIVE, JobState.DELAYED):
            if job.ms_left > 0:
                continue
            if job.state is JobState.ACTIVE:
                job.stalls, job.token = job.stalls + 1, ""
                if job.stalls > MAX_STALLS:
                    job.move(JobState.FAILED, 7 * DAY_MS)
                    continue
            job.move(JobState.WAITING)

    def take(self, claimed: list[Job], lease_ms: int) -> None:
        """What a claim gave: waiting jobs of nobody who is paused, in turn, as they were left, under a new token."""
        tokens = {known.token for known in self.jobs.values()}
        assert len({job.id for job in claimed}) == len(claimed)
        for lane in {(job.tenant, job.lane) for job in claimed}:
            waiting = [job for job in self.within(JobState.WAITING) if (job.new.tenant, job.new.lane) == lane]
            in_turn = [job.new.id for job in waiting if job.fresh]
            taken = [job.id for job in claimed if (job.tenant, job.lane) == lane and self.jobs[job.id].fresh]
            assert taken == in_turn[: len(taken)], "first in, first out"
        for job in claimed:
            known = self.jobs[job.id]
            assert not {job.tenant, "*"} & self.paused
            assert job.token
            assert job.token not in tokens
            assert (job.data, job.processed, job.attempts_made, job.stalls) == (
                known.new.data, known.processed, known.attempts, known.stalls,
            )  # fmt: skip
            known.move(JobState.ACTIVE, lease_ms)
            known.token = job.token

    def complete(self, job: Job, result: str) -> bool:
        """Whether an ack must be answered yes: by the holder, and again if it asks again."""
        known = self.jobs.get(job.id)
        if known and known.is_held_by(job):
            known.attempts += 1
            known.processed, known.result = known.new.size, result
            known.move(JobState.COMPLETED, DAY_MS)
            return True
        return bool(known and known.state is JobState.COMPLETED and known.token == job.token)

    def fail(self, job: Job) -> str:
        """What a failure must be answered."""
        known = self.jobs.get(job.id)
        if known and known.is_held_by(job):
            known.attempts += 1
            if known.attempts < known.new.max_attempts:
                known.move(JobState.DELAYED, _pause(known.new.backoff, known.attempts))
            else:
                known.move(JobState.FAILED, 7 * DAY_MS)
            return known.state.value
        if known and known.state in {JobState.DELAYED, JobState.FAILED} and known.token == job.token:
            return known.state.value
        return "lost"

    def holds(self, job: Job) -> Known | None:
        """The job, if this token holds it."""
        known = self.jobs.get(job.id)
        return known if known and known.is_held_by(job) else None

    def is_now_anothers(self, job: Job) -> bool:
        """Whether the job was claimed again since."""
        known = self.jobs.get(job.id)
        return known is not None and known.state is JobState.ACTIVE and not known.is_held_by(job)

    def redrive(self, known: Known) -> None:
        """A dead job waits again."""
        known.move(JobState.WAITING)
        known.attempts = known.stalls = 0

    def pass_time(self, ms: int) -> None:
        """Leases and backoffs run, and what has ended long ago is forgotten."""
        for known in self.jobs.values():
            known.ms_left -= ms
        self.jobs = {id_: job for id_, job in self.jobs.items() if job.state in UNFINISHED or job.ms_left > 0}
        self.keys = {key: (id_, body, left - ms) for key, (id_, body, left) in self.keys.items() if left > ms}


def one_of(things: list[T], pick: int) -> T:
    """Counted from the latest, round and round."""
    return things[-1 - pick % len(things)]


def ids(jobs: Iterable[Known]) -> set[str]:
    """The ids of jobs."""
    return {job.new.id for job in jobs}


def _pause(backoff: Backoff, attempts: int) -> int:
    return backoff.ms * 2 ** (attempts - 1) if backoff.type == "exponential" else backoff.ms
