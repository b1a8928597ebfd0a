"""Progress: only by whoever holds the job."""

from __future__ import annotations

from dataclasses import replace

from redis import Redis

from chalicelib.domain.job_state import JobState
from chalicelib.queue import JobQueue
from tests.queue.steps import claim_one, enqueue, leases_run_out, see


def test_progress_is_seen_at_once(queue: JobQueue) -> None:
    [job_id] = enqueue(queue, size=500)
    assert queue.progress(claim_one(queue), 120)
    assert (see(queue, job_id).processed, see(queue, job_id).total) == (120, 500)


def test_a_stranger_moves_no_progress(queue: JobQueue) -> None:
    [job_id] = enqueue(queue)
    job = claim_one(queue)
    assert not queue.progress(replace(job, token="somebody else's"), 5)
    assert not queue.progress(replace(job, token=""), 5)
    assert see(queue, job_id).processed == 0


def test_a_finished_or_forgotten_job_takes_no_progress(queue: JobQueue, redis: Redis) -> None:
    [job_id] = enqueue(queue, size=30)
    job = claim_one(queue)
    queue.ack([(job, "{}")])
    assert not queue.progress(job, 5)
    assert see(queue, job_id).processed == 30
    redis.flushdb()
    assert not queue.progress(job, 5)
    assert redis.dbsize() == 0


def test_a_new_attempt_starts_from_nothing(queue: JobQueue, redis: Redis) -> None:
    [job_id] = enqueue(queue)
    queue.progress(claim_one(queue), 20)
    leases_run_out(redis)
    assert claim_one(queue).processed == 0
    assert see(queue, job_id).state is JobState.ACTIVE
