"""The unburied: jobs that failed for good, until their consumer has noted it wherever it keeps its own books."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.job_state import JobState
from chalicelib.queue.job import SHOWN, Job, job_from_values
from chalicelib.queue.keys import Keys
from chalicelib.queue.ref import JobRef
from chalicelib.queue.wire import Command, Wire


def unburied(wire: Wire, keys: Keys, limit: int) -> list[Job]:
    """Up to `limit` failed jobs that nobody buried, without their data; refs of forgotten jobs are dropped."""
    [refs] = wire.send(("SRANDMEMBER", keys.unburied, limit))
    reads: list[Command] = [("HMGET", keys.job(JobRef.parse(ref).id), *SHOWN) for ref in refs]
    jobs = [job_from_values(values, keys.shard) for values in wire.send(*reads)]
    gone = [ref for ref, job in zip(refs, jobs, strict=True) if job is None]
    if gone:
        wire.send(("SREM", keys.unburied, *gone))
    return [job for job in jobs if job is not None and job.state is JobState.FAILED]


def bury(wire: Wire, keys: Keys, jobs: Sequence[Job]) -> None:
    """These need no longer be told of."""
    if jobs:
        wire.send(("SREM", keys.unburied, *(job.ref.encode() for job in jobs)))
