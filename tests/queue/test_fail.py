"""Fail: another attempt after a pause, until none is left."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from redis import Redis

from chalicelib.domain.job_state import JobState
from chalicelib.queue import Backoff, FailOutcome, JobQueue
from tests.queue.steps import KEYS, claim, claim_one, due_in_ms, enqueue, leases_run_out, retries_fall_due, see

ERROR = '{"code":"deadlock"}'


def test_a_failed_attempt_is_delayed_and_charged(queue: JobQueue, redis: Redis) -> None:
    [job_id] = enqueue(queue)
    assert queue.fail(claim_one(queue), ERROR) is FailOutcome.DELAYED
    job = see(queue, job_id)
    assert (job.state, job.attempts_made, job.error, job.finished_at) == (JobState.DELAYED, 1, ERROR, None)
    assert 4_000 < due_in_ms(redis, job) <= 5_000, "5,000 ms fixed unless said otherwise"
    assert claim(queue) == []
    assert queue.counts().delayed == 1


def test_a_retry_is_claimed_when_it_is_due_and_not_before(queue: JobQueue) -> None:
    [job_id] = enqueue(queue, backoff=Backoff(80), data=b"again")
    failed_at = time.monotonic()
    queue.fail(claim_one(queue), ERROR)
    while not (jobs := claim(queue)):
        assert time.monotonic() < failed_at + 30
    assert time.monotonic() - failed_at >= 0.079
    assert [(job.id, job.data) for job in jobs] == [(job_id, b"again")]


def test_retries_due_at_once_wait_in_turn_when_a_batch_cannot_hold_them(queue: JobQueue, redis: Redis) -> None:
    ids = [job_id for tenant in ("oak", "elm", "ash") for job_id in enqueue(queue, 2, tenant)]
    for job in claim(queue):
        queue.fail(job, ERROR)
    retries_fall_due(redis)
    assert sorted(job.id for _ in range(3) for job in claim(queue, 2)) == ids


def test_after_its_last_attempt_a_job_is_dead_but_keeps_its_data(queue: JobQueue, redis: Redis) -> None:
    [job_id] = enqueue(queue, max_attempts=3)
    outcomes = []
    for _ in range(3):
        outcomes.append(queue.fail(claim_one(queue), ERROR))
        retries_fall_due(redis)
    assert outcomes == [FailOutcome.DELAYED, FailOutcome.DELAYED, FailOutcome.FAILED]
    job = see(queue, job_id)
    assert (job.state, job.attempts_made, job.error) == (JobState.FAILED, 3, ERROR)
    assert job.finished_at is not None
    assert redis.hget(KEYS.job(job_id), "data") == b"the marks"
    assert 7 * 86_400 - 10 < int(str(redis.ttl(KEYS.job(job_id)))) <= 7 * 86_400
    assert (queue.counts().failed, queue.counts().depth) == (1, 0)
    assert claim(queue) == []


@pytest.mark.parametrize("how", ["fail", "stall"])
def test_the_dead_that_were_forgotten_are_no_longer_counted(queue: JobQueue, redis: Redis, how: str) -> None:
    redis.zadd(KEYS.dead, {"bulk|1|oak|gone": 1_000_000})  # failed in 1970
    enqueue(queue, max_attempts=1)
    for _ in range(2 if how == "stall" else 1):
        job = claim_one(queue)
        leases_run_out(redis)
    if how == "fail":
        queue.fail(job, ERROR)
    claim(queue)
    assert redis.zrange(KEYS.dead, 0, -1) == [job.ref.encode().encode()]


@pytest.mark.parametrize(
    ("backoff", "pauses"),
    [(Backoff(9_000), [9_000] * 4), (Backoff(9_000, "exponential"), [9_000, 18_000, 36_000, 72_000])],
)
def test_the_pauses_are_fixed_or_double(queue: JobQueue, redis: Redis, backoff: Backoff, pauses: list[int]) -> None:
    enqueue(queue, backoff=backoff, max_attempts=9)
    for pause in pauses:
        job = claim_one(queue)
        queue.fail(job, ERROR)
        assert pause - 1_000 < due_in_ms(redis, job) <= pause
        retries_fall_due(redis)


def test_an_exponential_pause_ends_at_a_day(queue: JobQueue, redis: Redis) -> None:
    enqueue(queue, backoff=Backoff(80_000_000, "exponential"), max_attempts=99)
    queue.fail(claim_one(queue), ERROR)
    retries_fall_due(redis)
    job = claim_one(queue)
    queue.fail(job, ERROR)
    assert due_in_ms(redis, job) <= 86_400_000


def test_jitter_draws_its_share_of_the_pause_at_random(queue: JobQueue, redis: Redis) -> None:
    enqueue(queue, 20, backoff=Backoff(100_000, jitter=0.5))
    jobs = claim(queue)
    for job in jobs:
        queue.fail(job, ERROR)
    pauses = [due_in_ms(redis, job) for job in jobs]
    assert all(45_000 < pause <= 100_000 for pause in pauses)
    assert max(pauses) - min(pauses) > 5_000


@pytest.mark.parametrize("wrong", [(-1, 0.0), (1, 1.1), (1, -0.1)])
def test_a_backoff_that_makes_no_sense_is_refused(wrong: tuple[int, float]) -> None:
    with pytest.raises(ValueError, match="backoff"):
        Backoff(wrong[0], jitter=wrong[1])


def test_a_fail_sent_again_after_its_reply_was_lost_is_charged_once(queue: JobQueue) -> None:
    [job_id] = enqueue(queue)
    job = claim_one(queue)
    assert queue.fail(job, ERROR) is queue.fail(job, ERROR) is FailOutcome.DELAYED
    assert see(queue, job_id).attempts_made == 1


def test_a_consumer_whose_job_was_given_to_another_cannot_fail_it(queue: JobQueue, redis: Redis) -> None:
    [job_id] = enqueue(queue, max_attempts=1)
    slow = claim_one(queue)
    leases_run_out(redis)
    claim_one(queue)
    assert queue.fail(slow, ERROR) is FailOutcome.LOST
    assert queue.fail(replace(slow, token=""), ERROR) is FailOutcome.LOST
    assert (see(queue, job_id).state, see(queue, job_id).attempts_made) == (JobState.ACTIVE, 0)


def test_an_old_token_is_worth_nothing_once_the_retry_waits_again(queue: JobQueue, redis: Redis) -> None:
    first, second = enqueue(queue, 2, backoff=Backoff(1))
    job, _ = claim(queue)
    queue.fail(job, ERROR)
    retries_fall_due(redis)
    again = claim_one(queue)
    queue.release([again])
    assert queue.fail(job, ERROR) is FailOutcome.LOST
    assert queue.ack([(job, "{}")]) == [False]
    assert see(queue, first).state is JobState.WAITING
    assert see(queue, second).state is JobState.ACTIVE
