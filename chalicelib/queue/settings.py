"""How much the queue holds, and for how long it remembers."""

from __future__ import annotations

from dataclasses import dataclass

_HOUR = 3_600
_DAY = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds in unfinished jobs (waiting, delayed and active), and how many crashes a job is forgiven."""

    per_tenant: int = 10_000
    total: int = 100_000
    max_stalls: int = 1


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things are kept, in seconds; of a finished job from its end, of the others from the submission.

    A job is kept at least as long as the Idempotency-Key that leads to it. `listed` bounds a tenant's list of recent
    jobs: one that took no longer than `listed - failed` stays listed until it is forgotten.
    """

    completed: int = _DAY
    cancelled: int = _DAY
    failed: int = 7 * _DAY
    idempotency: int = _DAY
    listed: int = 14 * _DAY

    def __post_init__(self) -> None:
        """Refuses an Idempotency-Key that would lead to a job already forgotten."""
        if not 0 < self.idempotency <= min(self.completed, self.cancelled, self.failed):
            raise ValueError("an Idempotency-Key may not be kept longer than a finished job")
