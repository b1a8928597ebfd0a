"""The states of a job and the arrows between them (Bull's states, plus cancelled)."""

from __future__ import annotations

from enum import StrEnum


class JobState(StrEnum):
    """Where a job is on its way.

    waiting ──claim──▶ active ──ack──▶ completed
       ▲  ▲               ├──fail, attempts left──▶ delayed ──due──▶ waiting
       │  └──release, lease expired──┤
       │                  └──fail, none left──▶ failed ──retry──▶ waiting
       └ waiting, delayed ──cancel──▶ cancelled
    """

    WAITING = "waiting"
    ACTIVE = "active"
    DELAYED = "delayed"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def finished(self) -> bool:
        """Whether the job will not move again by itself."""
        return self in {JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED}


ARROWS: dict[JobState, frozenset[JobState]] = {
    JobState.WAITING: frozenset({JobState.ACTIVE, JobState.CANCELLED}),
    JobState.ACTIVE: frozenset({JobState.COMPLETED, JobState.DELAYED, JobState.FAILED, JobState.WAITING}),
    JobState.DELAYED: frozenset({JobState.WAITING, JobState.CANCELLED}),
    JobState.FAILED: frozenset({JobState.WAITING}),
    JobState.COMPLETED: frozenset(),
    JobState.CANCELLED: frozenset(),
}
"""The moves a job may make; anything else is a defect of the queue."""
