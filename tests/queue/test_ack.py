"""Ack: completed, once, with its result; the data of students does not linger."""

from __future__ import annotations

from dataclasses import replace

from redis import Redis

from chalicelib.domain.job_state import JobState
from chalicelib.queue import JobQueue, Retention
from tests.queue.steps import KEYS, claim, claim_one, enqueue, key_names, leases_run_out, now_us, retries_fall_due, see


def test_an_acked_job_is_completed_with_its_result(queue: JobQueue, redis: Redis) -> None:
    [job_id] = enqueue(queue, size=30)
    before = now_us(redis)
    assert queue.ack([(claim_one(queue), '{"applied":30}')]) == [True]
    job = see(queue, job_id)
    assert (job.state, job.result, job.processed, job.attempts_made) == (
        JobState.COMPLETED, '{"applied":30}', 30, 1,
    )  # fmt: skip
    assert job.finished_at is not None
    assert before <= job.finished_at <= now_us(redis)
    assert queue.counts().depth == 0
    assert claim(queue) == []


def test_nothing_of_the_payload_is_left_in_redis(queue: JobQueue, redis: Redis) -> None:
    enqueue(queue, data=b"Jane Doe ABSENT")
    queue.ack([(claim_one(queue), "{}")])
    assert not any(b"Jane" in (redis.dump(name) or b"") for name in key_names(redis))
    assert not redis.hexists(KEYS.job(queue.list("oak", state=None, before=None, limit=1)[0].id), "data")


def test_a_completed_job_is_kept_for_its_retention_from_now_on(redis: Redis) -> None:
    queue = JobQueue(redis, retention=Retention(completed=5_000, idempotency=5_000))
    [job_id] = enqueue(queue)
    assert redis.ttl(KEYS.job(job_id)) == -1
    queue.ack([(claim_one(queue), "{}")])
    assert 4_990 < int(str(redis.ttl(KEYS.job(job_id)))) <= 5_000


def test_many_jobs_are_acked_together_each_with_its_own_answer(queue: JobQueue) -> None:
    enqueue(queue, 3)
    first, second, third = claim(queue)
    lost = replace(second, token="somebody else's")
    assert queue.ack([(first, '"a"'), (lost, '"b"'), (third, '"c"')]) == [True, False, True]
    assert [see(queue, job.id).result for job in (first, second, third)] == ['"a"', None, '"c"']
    assert see(queue, second.id).state is JobState.ACTIVE
    assert queue.ack([]) == []


def test_an_ack_sent_again_after_its_reply_was_lost_is_still_true(queue: JobQueue) -> None:
    enqueue(queue)
    job = claim_one(queue)
    assert queue.ack([(job, '"first"')]) == queue.ack([(job, '"again"')]) == [True]
    assert (see(queue, job.id).result, see(queue, job.id).attempts_made) == ('"first"', 1)
    assert queue.counts().depth == 0


def test_a_consumer_whose_job_was_given_to_another_cannot_ack_it(queue: JobQueue, redis: Redis) -> None:
    enqueue(queue)
    slow = claim_one(queue)
    leases_run_out(redis)
    quick = claim_one(queue)
    assert quick.id == slow.id
    assert queue.ack([(slow, '"slow"')]) == [False]
    assert see(queue, slow.id).state is JobState.ACTIVE
    assert queue.ack([(quick, '"quick"')]) == [True]
    assert queue.ack([(slow, '"slow"')]) == [False]
    assert see(queue, slow.id).result == '"quick"'


def test_the_error_of_an_earlier_attempt_is_gone_from_a_completed_job(queue: JobQueue, redis: Redis) -> None:
    [job_id] = enqueue(queue)
    queue.fail(claim_one(queue), '{"code":"x"}')
    retries_fall_due(redis)
    queue.ack([(claim_one(queue), "{}")])
    assert (see(queue, job_id).error, see(queue, job_id).attempts_made) == (None, 2)


def test_an_ack_of_a_job_that_redis_lost_changes_nothing(queue: JobQueue, redis: Redis) -> None:
    enqueue(queue)
    job = claim_one(queue)
    redis.flushdb()
    assert queue.ack([(job, "{}")]) == [False]
    assert redis.dbsize() == 0
