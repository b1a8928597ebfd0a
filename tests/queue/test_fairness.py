"""Fairness: nobody waits behind another school's import, nor for ever behind their own registers."""

from __future__ import annotations

from typing import Any

from redis import Redis

from chalicelib.queue import JobQueue, Lane
from chalicelib.queue.ref import JobRef
from tests.queue.steps import KEYS, claim, enqueue


def test_ten_thousand_jobs_of_one_tenant_delay_another_by_one_batch_at_most(redis: Redis) -> None:
    queue = JobQueue(redis)
    with redis.pipeline(transaction=False) as pipeline:  # the lists as 10,000 calls would leave them, but sooner
        enqueue(queue, tenant="crowd")
        for at in range(9_999):
            pipeline.rpush(
                KEYS.waiting("crowd", Lane.INTERACTIVE), JobRef(Lane.INTERACTIVE, 30, "crowd", f"{at}").encode()
            )
            pipeline.hset(KEYS.job(str(at)), mapping=_hash(at))
        pipeline.execute()
    assert len(claim(queue, 50)) == 50
    [late] = enqueue(queue, tenant="latecomer")
    assert late in {job.id for job in claim(queue, 50)}


def _hash(at: int) -> dict[Any, Any]:
    return {
        "id": str(at), "tenant": "crowd", "kind": "mark", "lane": "interactive", "size": 30, "meta": "",
        "submitted_by": "ann", "submitted_at": at, "attempts_made": 0, "max_attempts": 3, "stalls": 0, "processed": 0,
        "state": "waiting", "backoff_ms": 1, "backoff_type": "fixed", "jitter": 0, "data": b"",
    }  # fmt: skip


def test_a_batch_is_shared_evenly(queue: JobQueue) -> None:
    for tenant in ("oak", "elm", "ash"):
        enqueue(queue, 20, tenant)
    assert [[job.tenant for job in claim(queue, 9)].count(tenant) for tenant in ("oak", "elm", "ash")] == [3, 3, 3]


def test_more_tenants_than_a_batch_holds_are_served_in_turn(queue: JobQueue) -> None:
    for at in range(10):
        enqueue(queue, 3, f"t{at}")
    served = [job.tenant for _ in range(5) for job in claim(queue, 4)]
    assert [served.count(f"t{at}") for at in range(10)] == [2] * 10


def test_a_batch_is_filled_by_those_who_have_more(queue: JobQueue) -> None:
    enqueue(queue, 30, "oak")
    enqueue(queue, 1, "elm")
    assert len(claim(queue, 20)) == 20


def test_an_import_too_large_for_the_batch_comes_first_in_the_next(queue: JobQueue) -> None:
    enqueue(queue, 5, "oak", size=30)
    [large] = enqueue(queue, 1, "elm", size=5_000)
    assert large not in {job.id for job in claim(queue, 3, max_records=4_000)}
    assert claim(queue, 3, max_records=4_000)[0].id == large


def test_a_register_goes_before_an_import(queue: JobQueue) -> None:
    enqueue(queue, 5, lane=Lane.BULK)
    [register] = enqueue(queue, lane=Lane.INTERACTIVE)
    assert claim(queue, 1)[0].id == register


def test_an_import_is_not_starved_by_an_endless_row_of_registers(queue: JobQueue) -> None:
    [bulk] = enqueue(queue, lane=Lane.BULK)
    taken = []
    for _ in range(4):
        enqueue(queue, 2)
        taken += [job.id for job in claim(queue, 1)]
    assert bulk in taken
