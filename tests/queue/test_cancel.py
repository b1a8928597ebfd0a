"""Cancel: only what does not run, and only one's own."""

from __future__ import annotations

import pytest
from redis import Redis

from chalicelib.domain.job_state import JobState
from chalicelib.errors import Conflict, NotFound
from chalicelib.queue import JobQueue, new_job_id
from tests.queue.steps import KEYS, claim, claim_one, enqueue, retries_fall_due, see


def test_a_waiting_job_is_cancelled_and_never_runs(queue: JobQueue, redis: Redis) -> None:
    first, second, third = enqueue(queue, 3)
    job = queue.cancel("oak", second)
    assert (job.id, job.state) == (second, JobState.CANCELLED)
    assert job.finished_at is not None
    assert not redis.hexists(KEYS.job(second), "data")
    assert 86_390 < int(str(redis.ttl(KEYS.job(second)))) <= 86_400
    assert queue.counts().depth == 2
    assert [job.id for job in claim(queue)] == [first, third]


def test_a_delayed_job_is_cancelled_and_never_runs(queue: JobQueue, redis: Redis) -> None:
    [job_id] = enqueue(queue)
    queue.fail(claim_one(queue), "{}")
    assert queue.cancel("oak", job_id).state is JobState.CANCELLED
    retries_fall_due(redis)
    assert claim(queue) == []
    assert queue.counts().depth == 0


def test_a_tenant_whose_last_job_was_cancelled_leaves_the_ring(queue: JobQueue, redis: Redis) -> None:
    [job_id] = enqueue(queue)
    queue.cancel("oak", job_id)
    assert not redis.exists(KEYS.ring)
    enqueue(queue)
    assert redis.lrange(KEYS.ring, 0, -1) == [b"oak"]


def test_a_job_that_runs_or_has_ended_cannot_be_cancelled(queue: JobQueue) -> None:
    [job_id] = enqueue(queue)
    job = claim_one(queue)
    with pytest.raises(Conflict, match="active"):
        queue.cancel("oak", job_id)
    assert queue.ack([(job, "{}")]) == [True], "the refusal left the lease alone"
    with pytest.raises(Conflict, match="completed"):
        queue.cancel("oak", job_id)
    assert see(queue, job_id).state is JobState.COMPLETED


def test_a_cancelled_job_stays_cancelled(queue: JobQueue) -> None:
    [job_id] = enqueue(queue)
    first = queue.cancel("oak", job_id)
    assert queue.cancel("oak", job_id) == first
    assert queue.counts().depth == 0


def test_a_job_of_another_tenant_or_of_nobody_is_not_found(queue: JobQueue) -> None:
    [job_id] = enqueue(queue, tenant="oak")
    for tenant, wanted in (("elm", job_id), ("oak", new_job_id())):
        with pytest.raises(NotFound):
            queue.cancel(tenant, wanted)
    assert see(queue, job_id).state is JobState.WAITING
