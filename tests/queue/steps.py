"""The steps that the queue's tests are told in."""

from __future__ import annotations

from typing import Any

from redis import Redis

from chalicelib.queue import Job, JobQueue, Lane, NewJob, new_job_id
from chalicelib.queue.keys import Keys

KEYS = Keys("rollcall")
OF_SHARDS = [KEYS, *(Keys("rollcall", shard) for shard in (1, 2, 3))]
DAY_MS = 24 * 3_600_000


def a_job(tenant: str = "oak", **fields: Any) -> NewJob:
    """A register of 30, unless told otherwise."""
    usual: dict[str, Any] = {
        "id": new_job_id(), "tenant": tenant, "kind": "mark", "lane": Lane.INTERACTIVE, "size": 30,
        "data": b"the marks", "meta": '{"section_id":"7b"}', "submitted_by": "ann",
    }  # fmt: skip
    return NewJob(**(usual | fields))


def enqueue(queue: JobQueue, count: int = 1, tenant: str = "oak", **fields: Any) -> list[str]:
    """Enqueues jobs and gives their ids, in order."""
    return [queue.enqueue(a_job(tenant, **fields)).id for _ in range(count)]


def claim(queue: JobQueue, max_jobs: int = 50, *, max_records: int = 100_000, lease_ms: int = 60_000) -> list[Job]:
    """Claims a batch."""
    return queue.claim(max_jobs=max_jobs, max_records=max_records, lease_ms=lease_ms)


def claim_one(queue: JobQueue) -> Job:
    """Claims one job, which must be there."""
    [job] = claim(queue, 1)
    return job


def see(queue: JobQueue, job_id: str) -> Job:
    """The job as it stands now; it must be there."""
    job = queue.get(job_id)
    assert job is not None
    return job


def leases_run_out(redis: Redis) -> None:
    """All consumers that hold a lease have been silent for too long."""
    for keys in OF_SHARDS:
        _rewrite_scores(redis, keys.leases)


def retries_fall_due(redis: Redis) -> None:
    """The backoff of all delayed jobs is over."""
    for keys in OF_SHARDS:
        _rewrite_scores(redis, keys.delayed)


def due_in_ms(redis: Redis, job: Job) -> float:
    """How long a delayed job still has to wait."""
    score = redis.zscore(OF_SHARDS[job.shard].delayed, job.ref.encode())
    assert isinstance(score, float)
    return score - now_us(redis) / 1_000


def now_us(redis: Redis) -> int:
    """The time by the clock of Redis, µs."""
    reply: Any = redis.time()
    return int(reply[0]) * 1_000_000 + int(reply[1])


def key_names(redis: Redis) -> set[str]:
    """All keys, as text."""
    names: Any = redis.keys("*")
    return {name.decode() for name in names}


def time_passes(redis: Redis, ms: int) -> None:
    """All that Redis measures has come nearer by `ms`, as if its clock had gone on: it cannot be turned itself."""
    for name in key_names(redis):
        if name in {KEYS.leases, KEYS.delayed, KEYS.dead} or name.startswith(KEYS.dead_of("")):
            members: Any = redis.zrange(name, 0, -1)
            for member in members:
                redis.zincrby(name, -ms, member)
        left: Any = redis.pttl(name)
        if left >= 0:
            redis.pexpire(name, left - ms)  # a key whose time is over is gone at once


def _rewrite_scores(redis: Redis, key: str) -> None:
    members: Any = redis.zrange(key, 0, -1)
    for member in members:
        redis.zadd(key, {member: 1.0})
