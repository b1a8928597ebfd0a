"""Progress: only by whoever holds the job, and kept when the job is interrupted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from redis import Redis

from chalicelib.queue import FailOutcome, Job, JobQueue
from tests.queue.steps import claim_one, enqueue, leases_run_out, retries_fall_due, see


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


def interrupt_by_expiry(queue: JobQueue, redis: Redis, job: Job) -> None:
    """The consumer dies."""
    leases_run_out(redis)


def interrupt_by_release(queue: JobQueue, redis: Redis, job: Job) -> None:
    """The consumer has no time left."""
    assert queue.release([job]) == [True]


def interrupt_by_failure(queue: JobQueue, redis: Redis, job: Job) -> None:
    """A later chunk cannot be written now."""
    assert queue.fail(job, "{}") is FailOutcome.DELAYED
    retries_fall_due(redis)


def interrupt_for_good(queue: JobQueue, redis: Redis, job: Job) -> None:
    """A later chunk cannot be written, until somebody has mended what was wrong."""
    queue.fail(job, "{}")
    retries_fall_due(redis)
    assert queue.fail(claim_one(queue), "{}") is FailOutcome.FAILED
    assert queue.redrive("oak", job.id).processed == 200


@pytest.mark.parametrize(
    "interrupt", [interrupt_by_expiry, interrupt_by_release, interrupt_by_failure, interrupt_for_good]
)
def test_an_interrupted_job_comes_back_where_it_stood(
    queue: JobQueue, redis: Redis, interrupt: Callable[[JobQueue, Redis, Job], None]
) -> None:
    """Its first chunks are committed, so the next consumer goes on behind them, as often as it takes."""
    [job_id] = enqueue(queue, size=500, max_attempts=2)
    first = claim_one(queue)
    assert queue.progress(first, 100)
    assert queue.progress(first, 200)
    interrupt(queue, redis, first)
    assert see(queue, job_id).processed == 200
    second = claim_one(queue)
    assert (second.id, second.processed) == (job_id, 200)
    assert not queue.progress(first, 300), "the first consumer is told that it goes on for nothing"
    assert queue.progress(second, 400)
    assert queue.release([second]) == [True]
    third = claim_one(queue)
    assert third.processed == 400
    assert queue.ack([(third, "{}")]) == [True]
    assert see(queue, job_id).processed == 500
