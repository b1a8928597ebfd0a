"""Crashes: what an ended consumer held comes back; what ends every consumer does not come back for ever."""

from __future__ import annotations

import json
import time

from redis import Redis

from chalicelib.domain.job_state import JobState
from chalicelib.queue import FailOutcome, JobQueue, Limits
from tests.queue.steps import KEYS, claim, claim_one, enqueue, leases_run_out, see


def test_a_job_whose_consumer_crashed_is_claimed_again_when_its_lease_is_over(queue: JobQueue) -> None:
    """The consumer died before it could use the claim's reply; nobody touches Redis but the next consumer."""
    [job_id] = enqueue(queue, data=b"still here")
    claimed_at = time.monotonic()
    [dead] = claim(queue, lease_ms=80)
    while not (jobs := claim(queue)):
        assert time.monotonic() < claimed_at + 30
    assert time.monotonic() - claimed_at >= 0.079, "not while the lease lasts"
    [job] = jobs
    assert (job.id, job.data, job.stalls, job.attempts_made) == (job_id, b"still here", 1, 0)
    assert job.token != dead.token


def test_a_job_that_stalls_twice_fails_with_the_code_stalled(queue: JobQueue, redis: Redis) -> None:
    [job_id] = enqueue(queue)
    for _ in range(2):
        claim_one(queue)
        leases_run_out(redis)
    assert claim(queue) == []
    job = see(queue, job_id)
    assert (job.state, job.stalls, job.attempts_made) == (JobState.FAILED, 2, 0)
    assert json.loads(job.error or "")["code"] == "stalled"
    assert job.finished_at is not None
    assert redis.hget(KEYS.job(job_id), "data") == b"the marks"
    assert int(str(redis.ttl(KEYS.job(job_id)))) > 6 * 86_400
    assert (queue.counts().failed, queue.counts().depth) == (1, 0)


def test_how_many_stalls_are_forgiven_is_a_setting(redis: Redis) -> None:
    queue = JobQueue(redis, limits=Limits(max_stalls=0))
    [job_id] = enqueue(queue)
    claim_one(queue)
    leases_run_out(redis)
    assert claim(queue) == []
    assert see(queue, job_id).state is JobState.FAILED


def test_jobs_of_a_crashed_consumer_return_to_the_front_in_their_old_order(queue: JobQueue, redis: Redis) -> None:
    ids = enqueue(queue, 6)
    claim(queue, 4)
    leases_run_out(redis)
    assert [job.id for job in claim(queue)] == ids


def test_more_expired_leases_than_one_claim_tidies_all_come_back(queue: JobQueue, redis: Redis) -> None:
    ids = enqueue(queue, 230)
    assert len(claim(queue, 230)) == 230
    leases_run_out(redis)
    taken = [job.id for _ in range(5) for job in claim(queue, 100)]
    assert sorted(taken) == ids


def test_a_late_ack_by_the_holder_counts_while_nobody_else_took_the_job(queue: JobQueue, redis: Redis) -> None:
    """What was committed need not be done again only because a lease ran out a moment before the ack."""
    [job_id] = enqueue(queue)
    job = claim_one(queue)
    leases_run_out(redis)
    assert queue.ack([(job, "{}")]) == [True]
    assert claim(queue) == []
    assert see(queue, job_id).state is JobState.COMPLETED


def test_a_job_that_failed_for_stalling_is_lost_to_its_old_consumer(queue: JobQueue, redis: Redis) -> None:
    [job_id] = enqueue(queue)
    for _ in range(2):
        job = claim_one(queue)
        leases_run_out(redis)
    claim(queue)
    assert queue.ack([(job, "{}")]) == [False]
    assert not queue.progress(job, 1)
    assert queue.fail(job, "{}") is FailOutcome.LOST
    assert see(queue, job_id).state is JobState.FAILED
