"""Enqueue: once a key, never past a bound, in an order that all can see."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import pytest
from redis import Redis

from chalicelib.domain.job_state import JobState
from chalicelib.errors import Conflict, IdempotencyKeyReused, QueueFull, Unavailable
from chalicelib.queue import Idempotency, JobQueue, Lane, Limits, Retention
from local.servers import EmbeddedRedis
from tests.queue.steps import KEYS, a_job, claim, claim_one, enqueue, key_names, now_us, see

KEY = Idempotency(key="0a" * 32, body="0b" * 32)


def test_a_new_job_waits_with_all_that_was_said_of_it(queue: JobQueue, redis: Redis) -> None:
    before = now_us(redis)
    new = a_job(data=b"\x00\xff raw", meta='{"a":1}')
    answer = queue.enqueue(new)
    assert (answer.id, answer.created, answer.state, answer.total) == (new.id, True, JobState.WAITING, 30)
    assert before <= answer.submitted_at <= now_us(redis)

    job = see(queue, new.id)
    assert (job.tenant, job.kind, job.lane, job.size) == ("oak", "mark", Lane.INTERACTIVE, 30)
    assert (job.meta, job.submitted_by, job.submitted_at) == ('{"a":1}', "ann", answer.submitted_at)
    assert (job.state, job.attempts_made, job.max_attempts, job.stalls) == (JobState.WAITING, 0, 3, 0)
    assert (job.started_at, job.finished_at, job.result, job.error, job.processed) == (None, None, None, None, 0)


def test_the_payload_reaches_the_consumer_byte_for_byte_and_nobody_else(queue: JobQueue) -> None:
    payload = bytes(range(256)) * 4
    [job_id] = enqueue(queue, data=payload)
    assert see(queue, job_id).data == b""
    assert claim_one(queue).data == payload


def test_submitted_at_grows_strictly_even_if_the_clock_of_redis_steps_back(queue: JobQueue, redis: Redis) -> None:
    times = [queue.enqueue(a_job()).submitted_at for _ in range(50)]
    ahead = now_us(redis) + 3_600 * 10**6
    redis.set(KEYS.clock, ahead)  # the clock ran an hour ahead, then was set right
    times += [queue.enqueue(a_job("elm")).submitted_at for _ in range(3)]
    assert all(a < b for a, b in pairwise(times))
    assert times[-3:] == [ahead + 1, ahead + 2, ahead + 3]


def test_the_same_key_and_body_lead_to_the_same_job(queue: JobQueue) -> None:
    first = queue.enqueue(a_job(idempotency=KEY))
    again = queue.enqueue(a_job(idempotency=KEY))
    assert again == replace(first, created=False, ring=False)
    assert queue.counts().depth == 1


def test_a_repeated_key_tells_how_far_its_job_has_come(queue: JobQueue) -> None:
    queue.enqueue(a_job(idempotency=KEY))
    queue.ack([(claim_one(queue), "{}")])
    assert queue.enqueue(a_job(idempotency=KEY)).state is JobState.COMPLETED


def test_the_same_key_with_another_body_is_refused(queue: JobQueue) -> None:
    queue.enqueue(a_job(idempotency=KEY))
    with pytest.raises(IdempotencyKeyReused):
        queue.enqueue(a_job(idempotency=replace(KEY, body="0c")))
    assert queue.counts().depth == 1


def test_keys_of_two_tenants_do_not_meet(queue: JobQueue) -> None:
    assert queue.enqueue(a_job("oak", idempotency=KEY)).created
    assert queue.enqueue(a_job("elm", idempotency=replace(KEY, body="0c"))).created


def test_fifty_at_once_with_one_key_make_one_job(queue: JobQueue) -> None:
    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda _: queue.enqueue(a_job(idempotency=KEY)), range(50)))
    assert len({answer.id for answer in answers}) == 1
    assert [answer.created for answer in answers].count(True) == 1
    assert queue.counts().depth == 1


def test_a_call_sent_again_after_its_reply_was_lost_is_answered_as_the_first_time(queue: JobQueue) -> None:
    """The client repeats a call by itself when a connection breaks."""
    for job in (a_job(), a_job(idempotency=KEY)):
        first, again = queue.enqueue(job), queue.enqueue(job)
        assert again == replace(first, ring=False)
    assert queue.counts().depth == 2


def test_a_key_is_remembered_for_a_day_and_no_longer_than_its_job(queue: JobQueue, redis: Redis) -> None:
    queue.enqueue(a_job(idempotency=KEY))
    ttl = redis.ttl(KEYS.idem("oak", KEY.key))
    assert 86_390 < int(str(ttl)) <= 86_400
    with pytest.raises(ValueError, match="Idempotency-Key"):
        Retention(completed=10, idempotency=11)


def test_a_key_whose_job_was_taken_away_by_hand_is_refused_rather_than_run_again(queue: JobQueue, redis: Redis) -> None:
    answer = queue.enqueue(a_job(idempotency=KEY))
    redis.delete(KEYS.job(answer.id))
    with pytest.raises(Conflict):
        queue.enqueue(a_job(idempotency=KEY))


def test_a_full_tenant_is_refused_and_nothing_of_it_is_kept(redis: Redis) -> None:
    queue = JobQueue(redis, limits=Limits(per_tenant=2, total=10))
    enqueue(queue, 2)
    before = {name: redis.dump(name) for name in key_names(redis)}
    with pytest.raises(QueueFull) as refused:
        queue.enqueue(a_job(idempotency=KEY))
    assert refused.value.headers["Retry-After"].isdigit()
    assert {name: redis.dump(name) for name in key_names(redis)} == before
    assert queue.enqueue(a_job("elm")).created, "one tenant's bound is not another's"


def test_the_bound_of_all_tenants_holds(redis: Redis) -> None:
    queue = JobQueue(redis, limits=Limits(per_tenant=10, total=3))
    for tenant in ("oak", "elm", "ash"):
        enqueue(queue, tenant=tenant)
    with pytest.raises(QueueFull):
        queue.enqueue(a_job("fir"))


def test_the_bound_counts_unfinished_jobs_so_active_and_delayed_ones_too(redis: Redis) -> None:
    queue = JobQueue(redis, limits=Limits(per_tenant=2))
    enqueue(queue, 2)
    delayed, active = claim(queue)
    queue.fail(delayed, "{}")
    with pytest.raises(QueueFull):
        queue.enqueue(a_job())
    queue.ack([(active, "{}")])
    assert queue.enqueue(a_job()).created


def test_a_key_already_used_is_answered_even_when_the_queue_is_full(redis: Redis) -> None:
    queue = JobQueue(redis, limits=Limits(per_tenant=1))
    first = queue.enqueue(a_job(idempotency=KEY))
    assert queue.enqueue(a_job(idempotency=KEY)).id == first.id


def test_many_at_once_never_pass_the_bound(redis: Redis) -> None:
    queue = JobQueue(redis, limits=Limits(per_tenant=20))

    def attempt(_: int) -> bool:
        try:
            return queue.enqueue(a_job()).created
        except QueueFull:
            return False

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(attempt, range(60))) == 20
    assert queue.counts().waiting == 20


def test_the_doorbell_is_rung_once_in_a_while_and_not_for_every_job(redis: Redis) -> None:
    queue = JobQueue(redis, bell_ms=60_000)
    assert [queue.enqueue(a_job()).ring for _ in range(3)] == [True, False, False]
    assert not queue.ring()
    redis.delete(KEYS.bell)  # its time is over
    assert queue.ring()
    assert not queue.enqueue(a_job()).ring


def test_ids_too_old_to_be_listed_are_dropped_a_few_at_a_time(queue: JobQueue, redis: Redis) -> None:
    old = [f"0180{at:04x}-0000-7000-8000-000000000000" for at in range(20)]  # of the year 2022
    redis.zadd(KEYS.recent("oak"), dict.fromkeys(old, 0))
    new = enqueue(queue, 3)
    members = redis.zrange(KEYS.recent("oak"), 0, -1)
    assert members == [one.encode() for one in new]
    assert 0 < int(str(redis.ttl(KEYS.recent("oak")))) <= 14 * 86_400


def test_too_few_replicas_is_no_202_and_the_same_key_may_be_sent_again(redis: Redis) -> None:
    queue = JobQueue(redis, min_replicas=1, wait_ms=20)
    for _ in range(2):
        with pytest.raises(Unavailable, match="Idempotency-Key") as refused:
            queue.enqueue(a_job(idempotency=KEY))
        assert refused.value.headers == {"Retry-After": "1"}
    assert queue.counts().depth == 1


@pytest.fixture
def pair() -> Iterator[tuple[Redis, Redis]]:
    """Clients of a server and of its replica, which has caught up."""
    with EmbeddedRedis() as one, EmbeddedRedis() as other:
        primary, replica = Redis.from_url(one.url()), Redis.from_url(other.url())
        with primary, replica:
            primary.config_set("repl-diskless-sync-delay", "0")
            replica.replicaof("127.0.0.1", str(one.port))
            deadline = time.monotonic() + 20
            while replica.info("replication")["master_link_status"] != "up":
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield primary, replica


def test_a_job_that_a_replica_has_is_accepted_also_when_its_key_comes_again(pair: tuple[Redis, Redis]) -> None:
    primary, replica = pair
    queue = JobQueue(primary, min_replicas=1, wait_ms=4_000)
    first = queue.enqueue(a_job(idempotency=KEY))
    assert replica.exists(KEYS.job(first.id))
    assert queue.enqueue(a_job(idempotency=KEY)).id == first.id


def test_a_repeat_is_not_accepted_while_the_replica_still_lacks_the_job(pair: tuple[Redis, Redis]) -> None:
    """A connection that wrote nothing has nothing to wait for, so a repeat must not be waved through on a new one."""
    primary, replica = pair
    queue = JobQueue(primary, min_replicas=1, wait_ms=50)
    frozen = int(replica.info("server")["process_id"])
    os.kill(frozen, signal.SIGSTOP)
    try:
        for _ in range(2):
            primary.connection_pool.disconnect()
            with pytest.raises(Unavailable):
                queue.enqueue(a_job(idempotency=KEY))
    finally:
        os.kill(frozen, signal.SIGCONT)
