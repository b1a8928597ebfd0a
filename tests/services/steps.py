"""The steps that the tests of the services are told in: jobs as accepting makes them, drains, and who asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.attendance import Role
from chalicelib.queue import JobQueue, Lane, NewJob, new_job_id
from chalicelib.services.actor import Actor
from chalicelib.services.drain import Drain, Report
from tests.db.steps import a_job
from tests.school import School


def submit(
    queue: JobQueue,
    school: School,
    marks: Mapping[str, str | Mapping[str, Any]],
    *,
    data: bytes | None = None,
    kind: str = "student",
    lane: Lane = Lane.INTERACTIVE,
    submitted_by: str = "ann",
    trace: str = "",
    **about: Any,
) -> str:
    """Enqueues a job that marks people, and gives its id. `data` takes the place of what the job would say."""
    row = a_job(school, marks, kind="staff" if kind == "staff" else "student", actor=submitted_by, **about)
    return queue.enqueue(
        NewJob(
            id=new_job_id(),
            tenant=school.tenant,
            kind=kind,
            lane=lane,
            size=row.total,
            data=row.data if data is None else data,
            meta="{}",
            submitted_by=submitted_by,
            trace=trace,
        )
    ).id


def drained(drain: Drain) -> Report:
    """What a drain did that stays no longer than there is work."""
    return drain.run(lambda: 60_000, linger_s=0)


def actor(school: School, *roles: Role, subject: str = "ann") -> Actor:
    """Somebody of the school."""
    return Actor(subject, school.tenant, frozenset(roles))
