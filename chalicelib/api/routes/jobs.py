"""Jobs: follow one to its result, list them, cancel what has not begun, send the dead again."""

from __future__ import annotations

from chalicelib.api.doors import BASE
from chalicelib.api.models.jobs import JobListQuery, JobPage, JobQuery, JobStatus
from chalicelib.api.operations import EVERYONE, Call, Operations, Reply
from chalicelib.domain.attendance import OFFICE_ROLES
from chalicelib.errors import BadInput, Conflict, NotFound, Unavailable

operations = Operations("Jobs")


@operations.add(
    "Follow a job to its result", roles=EVERYONE, query=JobQuery, answer=JobStatus,
    raises=(NotFound, BadInput, Unavailable),
)  # fmt: skip
def get_job(call: Call) -> Reply:
    """To the submitter and the office; `wait` holds the answer back until the job has ended."""
    view = call.container.jobs.find(call.actor, call.path["job_id"], wait_s=call.query.wait)
    return Reply(JobStatus.of(view))


@operations.add(
    "List jobs, newest first", roles=OFFICE_ROLES, query=JobListQuery, answer=JobPage,
    raises=(BadInput, Unavailable),
)  # fmt: skip
def list_jobs(call: Call) -> Reply:
    """Those in Redis and those that only the ledger still has."""
    query = call.query
    views, cursor = call.container.jobs.list(call.actor, state=query.state, before=query.cursor, limit=query.limit)
    return Reply(JobPage(items=[JobStatus.of(view) for view in views], next_cursor=cursor))


@operations.add(
    "Cancel a job that waits", roles=OFFICE_ROLES, answer=JobStatus,
    raises=(NotFound, Conflict, Unavailable),
)  # fmt: skip
def cancel_job(call: Call) -> Reply:
    """A job that a consumer has begun, or that has ended, stays as it is: 409."""
    return Reply(JobStatus.of(call.container.jobs.cancel(call.actor, call.path["job_id"])))


@operations.add(
    "Send a dead job again", roles=OFFICE_ROLES, answer=JobStatus, status=202,
    raises=(NotFound, Conflict, Unavailable),
)  # fmt: skip
def retry_job(call: Call) -> Reply:
    """With fresh attempts, at the end of the list; a job that is not dead stays as it is: 409."""
    view = call.container.jobs.retry(call.actor, call.path["job_id"])
    return Reply(JobStatus.of(view), 202, {"Location": f"{BASE}/jobs/{view.id}"})
