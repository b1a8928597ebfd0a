"""Claim: a batch under a lease, in order, each job to one consumer."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import pytest
from redis import Redis

from chalicelib.domain.job_state import JobState
from chalicelib.queue import Job, JobQueue, Lane, new_job_id
from chalicelib.queue.claiming import Claims
from tests.queue.steps import KEYS, claim, claim_one, enqueue, now_us, see


def test_a_claimed_job_is_active_and_leased_under_a_token(queue: JobQueue, redis: Redis) -> None:
    [job_id] = enqueue(queue)
    before = now_us(redis)
    [job] = claim(queue, lease_ms=60_000)
    assert (job.id, job.state, job.processed) == (job_id, JobState.ACTIVE, 0)
    assert job.token
    assert job.started_at is not None
    assert before <= job.started_at <= now_us(redis)
    expires = redis.zscore(KEYS.leases, job.ref.encode())
    assert before // 1_000 + 60_000 <= int(str(expires)[:13]) <= now_us(redis) // 1_000 + 60_000


def test_jobs_of_a_tenant_leave_in_the_order_they_came(queue: JobQueue) -> None:
    ids = enqueue(queue, 10)
    assert [job.id for job in claim(queue, 4) + claim(queue, 4) + claim(queue, 4)] == ids


def test_an_empty_queue_gives_nothing_and_writes_nothing(queue: JobQueue, redis: Redis) -> None:
    assert claim(queue) == []
    assert redis.dbsize() == 0


def test_a_claim_takes_no_more_than_it_asked_for(queue: JobQueue) -> None:
    enqueue(queue, 5, size=30)
    assert len(claim(queue, 2)) == 2
    assert len(claim(queue, 5, max_records=60)) == 2


def test_one_job_is_taken_however_large(queue: JobQueue) -> None:
    enqueue(queue, size=5_000)
    assert len(claim(queue, max_records=100)) == 1


def test_a_claim_that_makes_no_sense_is_refused(queue: JobQueue) -> None:
    for max_jobs, lease_ms in ((0, 1), (501, 1), (1, 0)):
        with pytest.raises(ValueError, match="500"):
            claim(queue, max_jobs, lease_ms=lease_ms)


def test_the_largest_claim_of_the_most_tenants_is_taken(queue: JobQueue) -> None:
    ids = {enqueue(queue, tenant=f"t{at}")[0] for at in range(500)}
    assert {job.id for job in claim(queue, 500)} == ids


def test_two_consumers_at_once_never_get_the_same_job(queue: JobQueue) -> None:
    ids = [job_id for tenant in ("oak", "elm", "ash") for job_id in enqueue(queue, 60, tenant)]
    start = threading.Barrier(6)

    def consume(_: int) -> list[Job]:
        start.wait()
        taken: list[Job] = []
        while batch := claim(queue, 7):
            taken += batch
        return taken

    with ThreadPoolExecutor(6) as threads:
        taken = [job for jobs in threads.map(consume, range(6)) for job in jobs]
    # A consumer that lost every race may give up, but what it left is still there for the next.
    taken += [job for _ in range(30) for job in claim(queue, 50)]
    assert sorted(job.id for job in taken) == sorted(ids)
    assert queue.counts().active == len(ids)


def test_a_consumer_that_came_second_takes_what_is_left_of_its_plan(queue: JobQueue) -> None:
    """Between a look at the lists and the claim, another consumer takes the first two jobs."""
    ids = enqueue(queue, 4)
    read = Claims._tidy_and_read

    def overtaken(self: Claims, *seen: object) -> object:
        with patch.object(Claims, "_tidy_and_read", read):
            heads = read(self, *seen)  # type: ignore[arg-type]  # passed on as they came
            assert [job.id for job in claim(queue, 2)] == ids[:2]
        return heads

    with patch.object(Claims, "_tidy_and_read", overtaken):
        assert [job.id for job in claim(queue, 4)] == ids[2:]


def test_a_claim_whose_reply_was_lost_gets_the_same_jobs_when_it_is_sent_again(queue: JobQueue) -> None:
    """The client repeats a call by itself when a connection breaks; no lease must run out for that."""
    ids = enqueue(queue, 3)
    send = queue._shards[0]._wire.send

    def lose_a_reply(*commands: tuple[object, ...]) -> list[object]:
        replies: list[object] = send(*commands)  # type: ignore[arg-type]  # passed on as they came
        return send(*commands) if len(commands) == 1 else replies  # type: ignore[arg-type]

    with patch.object(queue._shards[0]._wire, "send", lose_a_reply):
        assert [job.id for job in claim(queue)] == ids
    assert queue.counts().active == 3


def test_a_tenant_on_the_ring_without_jobs_is_taken_off(queue: JobQueue, redis: Redis) -> None:
    redis.rpush(KEYS.ring, "ghost")
    [job_id] = enqueue(queue)
    assert [job.id for job in claim(queue)] == [job_id]
    assert redis.llen(KEYS.ring) == 0


def test_a_ref_whose_job_is_gone_is_passed_over(queue: JobQueue, redis: Redis) -> None:
    gone, there = enqueue(queue, 2)
    redis.delete(KEYS.job(gone))
    assert [job.id for job in claim(queue)] == [there]
    assert not redis.exists(KEYS.job(gone))


def test_started_at_is_that_of_the_first_claim(queue: JobQueue) -> None:
    enqueue(queue)
    first = claim_one(queue)
    queue.release([first])
    assert claim_one(queue).started_at == first.started_at


def test_scripts_that_the_server_forgot_are_loaded_again(queue: JobQueue, redis: Redis) -> None:
    """A failover or SCRIPT FLUSH empties its cache, also in the middle of a pipeline of several scripts."""
    redis.script_flush()
    [job_id] = enqueue(queue)
    redis.script_flush()
    job = claim_one(queue)
    redis.script_flush()
    assert queue.ack([(job, "{}")]) == [True]
    assert see(queue, job_id).state is JobState.COMPLETED
    redis.script_flush()
    enqueue(queue, 3, lane=Lane.BULK)
    jobs = claim(queue)
    redis.script_flush()
    assert queue.release(jobs) == [True] * 3


def test_two_queues_of_one_redis_do_not_meet(redis: Redis) -> None:
    one, other = JobQueue(redis, name="one"), JobQueue(redis, name="other")
    [job_id] = enqueue(one)
    assert claim(other) == []
    assert other.get(job_id) is None
    assert one.get(new_job_id()) is None
    assert claim_one(one).id == job_id
