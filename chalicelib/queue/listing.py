"""A tenant's recent jobs, newest first."""

from __future__ import annotations

from chalicelib.domain.job_state import JobState
from chalicelib.queue.job import SHOWN, Job, job_from_values
from chalicelib.queue.keys import Keys
from chalicelib.queue.wire import Command, Wire

_CHUNK = 200


def recent_jobs(
    wire: Wire, keys: Keys, tenant: str, state: JobState | None, before: str | None, limit: int
) -> list[Job]:
    """Up to `limit` jobs older than the job `before`, in `state` if one is given; without their data.

    Failed jobs have a list of their own, which holds each until it is redriven or forgotten, however long ago it was
    submitted. Ids whose job was forgotten are taken off a list on the way, so that a rare state is not looked for among
    thousands of them twice.
    """
    dead = state is JobState.FAILED
    recent, found = keys.failed(tenant) if dead else keys.recent(tenant), list[Job]()
    start = "+" if before is None else f"({before}"
    while len(found) < limit:
        chunk = _CHUNK if state and not dead else limit - len(found)
        [members] = wire.send(("ZRANGE", recent, start, "-", "BYLEX", "REV", "LIMIT", 0, chunk))
        if not members:
            break
        ids: list[str] = [member.decode() for member in members]
        reads: list[Command] = [("HMGET", keys.job(job_id), *SHOWN) for job_id in ids]
        jobs = [job_from_values(values, keys.shard) for values in wire.send(*reads)]
        found += [job for job in jobs if job and state in {None, job.state}][: limit - len(found)]
        forgotten = [job_id for job_id, job in zip(ids, jobs, strict=True) if job is None]
        if forgotten:
            wire.send(("ZREM", recent, *forgotten))
        start = f"({ids[-1]}"
    return found
