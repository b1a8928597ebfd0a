"""Release: an outage is nobody's attempt."""

from __future__ import annotations

from dataclasses import replace

from redis import Redis

from chalicelib.domain.job_state import JobState
from chalicelib.queue import JobQueue
from tests.queue.steps import claim, claim_one, enqueue, leases_run_out, see


def test_a_released_job_waits_again_and_nothing_is_charged(queue: JobQueue) -> None:
    [job_id] = enqueue(queue, data=b"kept")
    assert queue.release([claim_one(queue)]) == [True]
    job = see(queue, job_id)
    assert (job.state, job.attempts_made, job.stalls) == (JobState.WAITING, 0, 0)
    assert (queue.counts().waiting, queue.counts().active) == (1, 0)
    assert claim_one(queue).data == b"kept"


def test_released_jobs_return_to_the_front_in_their_old_order(queue: JobQueue) -> None:
    ids = enqueue(queue, 5)
    first, second, third = claim(queue, 3)
    assert queue.release([second, first, third]) == [True, True, True]
    assert [job.id for job in claim(queue)] == ids


def test_each_release_has_its_own_answer(queue: JobQueue, redis: Redis) -> None:
    enqueue(queue, 3)
    first, second, third = claim(queue)
    queue.ack([(first, "{}")])
    assert queue.release([first, replace(second, token="somebody else's"), third]) == [False, False, True]
    assert [see(queue, job.id).state for job in (first, second, third)] == [
        JobState.COMPLETED, JobState.ACTIVE, JobState.WAITING,
    ]  # fmt: skip
    assert queue.release([]) == []


def test_a_job_that_was_given_to_another_cannot_be_released(queue: JobQueue, redis: Redis) -> None:
    enqueue(queue)
    slow = claim_one(queue)
    leases_run_out(redis)
    claim_one(queue)
    assert queue.release([slow]) == [False]
    assert claim(queue) == []
