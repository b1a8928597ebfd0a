"""Figures: the queue at a glance, in all and by tenant, in bounded work."""

from __future__ import annotations

import pytest
from redis import Redis

from chalicelib.queue import Figures, JobQueue, Lane, Load
from chalicelib.queue import figures as module
from tests.queue.steps import (
    DAY_MS,
    KEYS,
    claim,
    claim_one,
    enqueue,
    retries_fall_due,
    time_passes,
)


def in_states(load: Load) -> tuple[int, int, int, int]:
    """Waiting, active, delayed, failed."""
    return load.waiting, load.active, load.delayed, load.failed


def test_an_empty_queue_has_nothing_to_tell(queue: JobQueue, redis: Redis) -> None:
    assert queue.figures(None) == Figures(Load(0, 0, 0, 0, None, paused=False), {}, frozenset())
    assert redis.dbsize() == 0


def test_the_figures_of_all_and_of_each_tenant(queue: JobQueue) -> None:
    enqueue(queue, 5, "oak", max_attempts=2)
    enqueue(queue, 3, "elm", max_attempts=1, lane=Lane.BULK)
    jobs = claim(queue, 6)
    queue.fail(next(job for job in jobs if job.tenant == "oak"), "{}")
    queue.fail(next(job for job in jobs if job.tenant == "elm"), "{}")
    told = queue.figures(None)
    assert in_states(told.by_tenant["oak"]) == (2, 2, 1, 0)
    assert in_states(told.by_tenant["elm"]) == (0, 2, 0, 1)
    assert in_states(told.all) == (2, 4, 1, 1)
    assert told.all.depth == 7
    assert queue.counts().failed == 1


def test_the_figures_of_one_tenant_are_its_own(queue: JobQueue) -> None:
    enqueue(queue, 2, "oak")
    enqueue(queue, 9, "elm")
    oak = queue.figures("oak")
    assert in_states(oak.all) == (2, 0, 0, 0)
    assert oak.by_tenant == {"oak": oak.all}
    nobody = queue.figures("nobody")
    assert (in_states(nobody.all), nobody.by_tenant) == ((0, 0, 0, 0), {})


def test_the_age_is_that_of_the_oldest_job_which_waits(queue: JobQueue, redis: Redis) -> None:
    """In whichever lane it stands, and by the clock of Redis, in milliseconds."""
    first, second = (*enqueue(queue, lane=Lane.BULK), *enqueue(queue))
    elm = enqueue(queue, 1, "elm")[0]
    for job_id, minutes in ((first, 7), (second, 3), (elm, 5)):
        redis.hincrby(KEYS.job(job_id), "submitted_at", -minutes * 60_000_000)
    told = queue.figures(None)
    ages = [load.oldest_ms for load in (told.all, told.by_tenant["oak"], told.by_tenant["elm"])]
    assert [(age or 0) // 60_000 for age in ages] == [7, 7, 5]
    claim(queue)
    assert queue.figures(None).all.oldest_ms is None, "a job that is worked on does not wait"


def test_who_is_paused_is_told_also_without_jobs(queue: JobQueue) -> None:
    enqueue(queue, 1, "oak")
    enqueue(queue, 1, "elm")
    queue.pause("oak")
    queue.pause("ash")
    told = queue.figures(None)
    assert told.paused == {"oak", "ash"}
    assert {name: load.paused for name, load in told.by_tenant.items()} == {"oak": True, "elm": False, "ash": True}
    assert not told.all.paused
    queue.pause(None)
    told = queue.figures(None)
    assert (told.all.paused, told.by_tenant["elm"].paused) == (True, True)
    assert queue.figures("elm").all.paused


def test_the_dead_are_counted_until_they_are_forgotten(queue: JobQueue, redis: Redis) -> None:
    """To the day, also if nothing has failed since, and so nothing was cleared away."""
    enqueue(queue, 3, max_attempts=1)
    first, second, last = claim(queue)
    queue.fail(first, "{}")
    queue.fail(second, "{}")
    time_passes(redis, 4 * DAY_MS)
    assert queue.ack([(last, "{}")]) == [True]
    enqueue(queue, max_attempts=1)
    queue.fail(claim_one(queue), "{}")
    assert (queue.counts().failed, queue.figures("oak").all.failed) == (3, 3)
    time_passes(redis, 3 * DAY_MS + 1)
    told = queue.figures(None)
    assert (told.all.failed, told.by_tenant["oak"].failed, queue.counts().failed) == (1, 1, 1)
    time_passes(redis, 4 * DAY_MS)
    assert (queue.figures(None).all.failed, queue.figures(None).by_tenant) == (0, {})


def test_a_cancelled_retry_and_one_that_fell_due_are_no_longer_delayed(queue: JobQueue, redis: Redis) -> None:
    enqueue(queue, 3)
    for job in claim(queue):
        queue.fail(job, "{}")
    queue.cancel("oak", job.id)
    assert in_states(queue.figures("oak").all) == (0, 0, 2, 0)
    retries_fall_due(redis)
    claim_one(queue)
    assert in_states(queue.figures("oak").all) == (1, 1, 0, 0)
    assert not redis.exists(KEYS.retries)


def test_of_very_many_tenants_those_that_stand_out_are_told(
    queue: JobQueue, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deepest, the next in turn, the latest failures and the paused; the sums are still those of all."""
    monkeypatch.setattr(module, "MOST", 2)
    enqueue(queue, 1, "failed", max_attempts=1)
    queue.fail(claim_one(queue), "{}")
    for at in range(40):
        enqueue(queue, 1, f"t{at:02}")
    enqueue(queue, 5, "deep")
    enqueue(queue, 1, "late")
    queue.pause("paused")
    claim(queue, 1)
    before = redis.info("stats")["total_commands_processed"]
    told = queue.figures(None)
    assert {"deep", "t01", "t02", "failed", "paused"} <= set(told.by_tenant)
    assert len(told.by_tenant) <= 8
    assert in_states(told.all) == (45, 1, 0, 1)
    assert redis.info("stats")["total_commands_processed"] - before < 70
