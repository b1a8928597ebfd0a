"""Redrive: a dead job gets fresh attempts."""

from __future__ import annotations

import pytest
from redis import Redis

from chalicelib.domain.job_state import JobState
from chalicelib.errors import Conflict, NotFound
from chalicelib.queue import FailOutcome, JobQueue, Lane
from tests.queue.steps import KEYS, claim, claim_one, enqueue, leases_run_out, see


def a_dead_job(queue: JobQueue) -> str:
    """The id of a job that failed for good."""
    [job_id] = enqueue(queue, max_attempts=1, lane=Lane.BULK)
    assert queue.fail(claim_one(queue), '{"code":"x"}') is FailOutcome.FAILED
    return job_id


def test_a_dead_job_waits_again_as_if_it_were_new(queue: JobQueue, redis: Redis) -> None:
    job_id = a_dead_job(queue)
    submitted_at = see(queue, job_id).submitted_at
    job = queue.redrive("oak", job_id)
    assert (job.state, job.attempts_made, job.stalls, job.processed) == (JobState.WAITING, 0, 0, 0)
    assert (job.error, job.started_at, job.finished_at) == (None, None, None)
    assert job.submitted_at == submitted_at, "it does not overtake a correction that came after it"
    assert redis.ttl(KEYS.job(job_id)) == -1
    assert (queue.counts().waiting, queue.counts().failed) == (1, 0)
    again = claim_one(queue)
    assert (again.id, again.data, again.lane) == (job_id, b"the marks", Lane.BULK)


def test_a_stalled_job_is_forgiven_its_stalls(queue: JobQueue, redis: Redis) -> None:
    [job_id] = enqueue(queue)
    for _ in range(2):
        claim_one(queue)
        leases_run_out(redis)
    claim(queue)
    queue.redrive("oak", job_id)
    claim_one(queue)
    leases_run_out(redis)
    assert claim_one(queue).stalls == 1


def test_only_a_failed_job_can_be_redriven(queue: JobQueue) -> None:
    [job_id] = enqueue(queue)
    with pytest.raises(Conflict, match="waiting"):
        queue.redrive("oak", job_id)
    queue.ack([(claim_one(queue), "{}")])
    with pytest.raises(Conflict, match="completed"):
        queue.redrive("oak", job_id)
    assert queue.counts().depth == 0


def test_a_job_is_redriven_once(queue: JobQueue) -> None:
    job_id = a_dead_job(queue)
    queue.redrive("oak", job_id)
    with pytest.raises(Conflict):
        queue.redrive("oak", job_id)
    assert len(claim(queue)) == 1


def test_the_old_token_of_a_redriven_job_is_worth_nothing(queue: JobQueue) -> None:
    [job_id] = enqueue(queue, max_attempts=1)
    old = claim_one(queue)
    queue.fail(old, "{}")
    queue.redrive("oak", job_id)
    assert queue.fail(old, "{}") is FailOutcome.LOST
    assert see(queue, job_id).state is JobState.WAITING


def test_a_job_of_another_tenant_is_not_found(queue: JobQueue) -> None:
    job_id = a_dead_job(queue)
    with pytest.raises(NotFound):
        queue.redrive("elm", job_id)
    assert see(queue, job_id).state is JobState.FAILED
