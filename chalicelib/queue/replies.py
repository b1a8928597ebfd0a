"""What the queue's verbs answer, where a bool or a Job would not say enough."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.job_state import JobState


@dataclass(frozen=True, slots=True)
class Enqueued:
    """The job that a request led to: a new one (`created`), or the one that its Idempotency-Key made before.

    `submitted_at` is in µs and strictly growing for a tenant; `total` counts records. `ring` says whether the caller
    should wake a consumer of this `shard` now; when False, somebody did so a moment ago.
    """

    id: str
    created: bool
    state: JobState
    submitted_at: int
    total: int
    ring: bool
    shard: int = 0


class FailOutcome(StrEnum):
    """What became of a failed attempt."""

    DELAYED = "delayed"
    """It will be tried again after its backoff."""
    FAILED = "failed"
    """That was the last attempt; the job is among the dead until somebody redrives it."""
    LOST = "lost"
    """The token does not hold the job any more, so nothing was changed."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many jobs are in which state; of the failed, those that are not forgotten yet."""

    waiting: int
    active: int
    delayed: int
    failed: int

    @property
    def depth(self) -> int:
        """The jobs that are not finished, which is what the bounds count."""
        return self.waiting + self.active + self.delayed


@dataclass(frozen=True, slots=True)
class Load(Counts):
    """The jobs of a tenant, or of all, and how they are getting on.

    `oldest_ms` is the age, from its submission, of the oldest job that is next on a list; None if none waits. `paused`
    says that nothing is claimed, because the tenant or because all are paused.
    """

    oldest_ms: int | None
    paused: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """The queue at a glance. `paused` names all paused tenants, and holds `*` while all are.

    `by_tenant` leaves out tenants without any job that are not paused. With more than a hundred busy tenants it holds
    the hundred with the most unfinished jobs, the hundred to be served next, those of the hundred latest failures, and
    a hundred paused ones; `all.oldest_ms` is then the oldest among these. The other figures are exact.
    """

    all: Load
    by_tenant: dict[str, Load]
    paused: frozenset[str]


@dataclass(frozen=True, slots=True)
class ShardCounts:
    """The jobs of a shard. `strangers` counts the tenants that have unfinished or dead jobs in it while their new jobs
    go to another."""

    counts: Counts
    strangers: int
