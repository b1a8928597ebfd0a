"""The unburied: failed jobs are told of until their consumer says that it has noted them."""

from __future__ import annotations

import pytest
from redis import Redis

from chalicelib.queue import FailOutcome, JobQueue
from tests.queue.steps import DAY_MS, KEYS, claim, claim_one, enqueue, leases_run_out, retries_fall_due, time_passes


def dies(queue: JobQueue, tenant: str = "oak") -> str:
    """The id of a job that failed for good."""
    [job_id] = enqueue(queue, tenant=tenant, max_attempts=1)
    assert queue.fail(claim_one(queue), '{"code":"x"}') is FailOutcome.FAILED
    return job_id


def told(queue: JobQueue) -> set[str]:
    """The ids of the unburied."""
    return {job.id for job in queue.unburied()}


def test_a_job_is_told_of_when_it_failed_for_good_and_not_before(queue: JobQueue, redis: Redis) -> None:
    [job_id] = enqueue(queue, max_attempts=2)
    assert queue.fail(claim_one(queue), '{"code":"x"}') is FailOutcome.DELAYED
    assert told(queue) == set()
    retries_fall_due(redis)
    queue.fail(claim_one(queue), '{"code":"x"}')
    [job] = queue.unburied()
    assert (job.id, job.attempts_made, job.error) == (job_id, 2, '{"code":"x"}')


def test_a_job_that_stalled_too_often_is_told_of(queue: JobQueue, redis: Redis) -> None:
    """Nobody fails it but the claim that found its lease run out, and that one is given no job."""
    [job_id] = enqueue(queue)
    for _ in range(2):
        claim_one(queue)
        leases_run_out(redis)
    assert claim(queue) == []
    [job] = queue.unburied()
    assert (job.id, job.stalls) == (job_id, 2)
    assert "stalled" in (job.error or "")


def test_it_is_told_of_again_until_it_is_buried(queue: JobQueue) -> None:
    """And stays among the dead then, to be retried."""
    one, other = dies(queue), dies(queue, "elm")
    assert told(queue) == told(queue) == {one, other}
    queue.bury([job for job in queue.unburied() if job.id == one])
    assert told(queue) == {other}
    assert queue.counts().failed == 2


def test_what_is_redriven_is_no_longer_told_of_until_it_fails_again(queue: JobQueue, redis: Redis) -> None:
    job_id = dies(queue)
    queue.redrive("oak", job_id)
    assert told(queue) == set()
    assert not redis.exists(KEYS.unburied)
    queue.fail(claim_one(queue), "{}")
    assert told(queue) == {job_id}


@pytest.mark.parametrize("days", [7, 8])
def test_what_is_forgotten_is_dropped(queue: JobQueue, redis: Redis, days: int) -> None:
    """Also if later failures keep the set alive."""
    dies(queue)
    time_passes(redis, 4 * DAY_MS)
    later = dies(queue)
    time_passes(redis, (days - 4) * DAY_MS)
    assert told(queue) == {later}
    assert redis.scard(KEYS.unburied) == 1
    time_passes(redis, 7 * DAY_MS)
    assert not redis.exists(KEYS.unburied)


def test_so_many_are_told_of_at_once_as_are_asked_for(queue: JobQueue) -> None:
    for _ in range(3):
        dies(queue)
    assert len(queue.unburied(2)) == 2
    queue.bury([])
    assert len(queue.unburied()) == 3
