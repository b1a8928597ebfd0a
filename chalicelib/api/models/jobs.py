"""A job as GET /jobs tells it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from chalicelib.api.models.fields import Id, Instant, Sent, Told
from chalicelib.domain.job_state import JobState
from chalicelib.services.jobs import JobView

# The camelCase names are Bull's: the first frontends expect them.


class Progress(Told):
    """How far a job is, in records."""

    processed: int
    total: int
    percent: int


class JobResult(Told):
    """What became of the records; the four add up to the job's total."""

    applied: int
    unchanged: int
    superseded: int
    rejected: list[dict[str, Any]] = Field(description="student_id or staff_id, and a code, for each rejected record")


class JobError(Told):
    """Why the last attempt failed."""

    code: str
    detail: str = ""


class JobStatus(Told):
    """A job."""

    jobId: Id  # noqa: N815
    kind: str
    state: JobState
    progress: Progress
    attemptsMade: int  # noqa: N815
    maxAttempts: int  # noqa: N815
    submittedBy: str  # noqa: N815
    submittedAt: Instant  # noqa: N815
    startedAt: Instant | None  # noqa: N815
    finishedAt: Instant | None  # noqa: N815
    result: JobResult | None
    error: JobError | None

    @classmethod
    def of(cls, view: JobView) -> JobStatus:
        """The status that tells `view`."""
        percent = 100 * view.processed // view.total if view.total else 100
        return cls(
            jobId=view.id,
            kind=view.kind,
            state=view.state,
            progress=Progress(processed=view.processed, total=view.total, percent=percent),
            attemptsMade=view.attempts_made,
            maxAttempts=view.max_attempts,
            submittedBy=view.submitted_by,
            submittedAt=view.submitted_at,
            startedAt=view.started_at,
            finishedAt=view.finished_at,
            result=JobResult.model_validate(view.result) if view.result else None,
            error=JobError.model_validate(view.error) if view.error else None,
        )


class JobPage(Told):
    """Jobs, newest first."""

    items: list[JobStatus]
    next_cursor: Id | None


class JobQuery(Sent):
    """How long to wait for the end of the job."""

    wait: Annotated[float, Field(ge=0, le=20, allow_inf_nan=False)] = 0


class JobListQuery(Sent):
    """Which jobs."""

    state: JobState | None = None
    cursor: Id | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100
