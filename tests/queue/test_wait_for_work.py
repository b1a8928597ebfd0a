"""Waiting for work: woken by it, and for nothing else."""

from __future__ import annotations

import threading
import time
from unittest.mock import patch

import pytest
from redis import Redis

from chalicelib.queue import Backoff, JobQueue
from chalicelib.queue.claiming import Claims
from tests.queue.steps import KEYS, claim, claim_one, enqueue


def waited(queue: JobQueue, timeout: float) -> tuple[bool, float]:
    """The answer, and the seconds it took."""
    start = time.monotonic()
    return queue.wait_for_work(timeout), time.monotonic() - start


def test_work_that_is_there_is_told_at_once(queue: JobQueue, redis: Redis) -> None:
    enqueue(queue, 2)
    enqueue(queue, 1, "elm")
    assert waited(queue, 30) < (True, 15.0)
    assert redis.lrange(KEYS.ring, 0, -1) == [b"oak", b"elm"], "waiting moves nothing"
    assert len(claim(queue)) == 3


def test_a_wait_for_nothing_ends_in_time(queue: JobQueue) -> None:
    found, seconds = waited(queue, 0.15)
    assert not found
    assert 0.14 < seconds < 10
    assert waited(queue, 0)[0] is False


def test_a_waiting_consumer_is_woken_by_a_new_job(queue: JobQueue) -> None:
    timer = threading.Timer(0.1, enqueue, [queue])
    timer.start()
    found, seconds = waited(queue, 30)
    timer.join()
    assert found
    assert 0.09 < seconds < 15


def test_a_waiting_consumer_is_woken_by_a_retry_that_falls_due(queue: JobQueue) -> None:
    [job_id] = enqueue(queue, backoff=Backoff(120))
    queue.fail(claim_one(queue), "{}")
    found, seconds = waited(queue, 30)
    assert found
    assert seconds < 15
    assert claim_one(queue).id == job_id


def test_a_waiting_consumer_is_woken_by_a_lease_that_runs_out(queue: JobQueue) -> None:
    [job_id] = enqueue(queue)
    claim(queue, lease_ms=120)
    assert waited(queue, 10)[0]
    assert claim_one(queue).id == job_id


def test_a_lease_far_from_its_end_wakes_nobody(queue: JobQueue) -> None:
    enqueue(queue)
    claim(queue)
    assert not queue.wait_for_work(0.1)


@pytest.mark.parametrize("whose", ["oak", None])
def test_a_consumer_with_only_paused_tenants_naps_and_does_not_spin(queue: JobQueue, whose: str | None) -> None:
    enqueue(queue, 3)
    queue.pause(whose)
    looks = 0
    peek = Claims.peek

    def counted(self: Claims, tenants: int, tidy: int = 1) -> object:
        nonlocal looks
        looks += 1
        return peek(self, tenants, tidy)

    start = time.monotonic()
    with patch.object(Claims, "peek", counted):
        assert not queue.wait_for_work(0.5)
    assert 0.49 < time.monotonic() - start < 10
    assert looks <= 2


@pytest.mark.parametrize("whose", ["oak", None])
def test_a_waiting_consumer_notices_a_resume(queue: JobQueue, whose: str | None) -> None:
    [job_id] = enqueue(queue)
    queue.pause(whose)
    timer = threading.Timer(0.1, queue.resume, [whose])
    timer.start()
    start = time.monotonic()
    assert queue.wait_for_work(30)
    assert time.monotonic() - start < 15
    timer.join()
    assert claim_one(queue).id == job_id
