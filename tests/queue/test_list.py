"""List and counts: what there is, to whom it belongs, newest first."""

from __future__ import annotations

from redis import Redis

from chalicelib.domain.job_state import JobState
from chalicelib.queue import Counts, JobQueue
from tests.queue.steps import KEYS, claim, enqueue


def ids(queue: JobQueue, state: JobState | None = None, before: str | None = None, limit: int = 100) -> list[str]:
    """The ids that a list holds."""
    return [job.id for job in queue.list("oak", state=state, before=before, limit=limit)]


def test_a_tenant_sees_its_own_jobs_newest_first(queue: JobQueue) -> None:
    mine = enqueue(queue, 5)
    enqueue(queue, 2, "elm")
    assert ids(queue) == mine[::-1]
    assert queue.list("nobody", state=None, before=None, limit=5) == []


def test_pages_follow_each_other_without_gap_or_repeat(queue: JobQueue) -> None:
    mine = enqueue(queue, 7)[::-1]
    first = ids(queue, limit=3)
    second = ids(queue, before=first[-1], limit=3)
    third = ids(queue, before=second[-1], limit=3)
    assert (first, second, third) == (mine[:3], mine[3:6], mine[6:])
    assert ids(queue, before=third[-1]) == []
    assert ids(queue, limit=0) == []


def test_a_state_is_found_among_many_others(queue: JobQueue) -> None:
    enqueue(queue, 1, max_attempts=1)
    [job] = claim(queue)
    queue.fail(job, "{}")
    waiting = enqueue(queue, 250)
    assert ids(queue, JobState.FAILED) == [job.id]
    assert ids(queue, JobState.WAITING, limit=500) == waiting[::-1]
    assert ids(queue, JobState.WAITING, before=waiting[3], limit=2) == [waiting[2], waiting[1]]
    assert ids(queue, JobState.ACTIVE) == []


def test_forgotten_jobs_are_neither_shown_nor_met_again(queue: JobQueue, redis: Redis) -> None:
    mine = enqueue(queue, 6)
    redis.delete(*(KEYS.job(job_id) for job_id in mine[2:5]))
    assert ids(queue, limit=3) == [mine[5], mine[1], mine[0]]
    assert redis.zcard(KEYS.recent("oak")) == 3


def test_a_list_carries_no_payload_and_no_token(queue: JobQueue) -> None:
    enqueue(queue)
    claim(queue)
    [job] = queue.list("oak", state=JobState.ACTIVE, before=None, limit=1)
    assert (job.data, job.token) == (b"", "")


def test_counts_tell_how_many_jobs_are_where(queue: JobQueue) -> None:
    assert queue.counts() == Counts(0, 0, 0, 0)
    enqueue(queue, 3, max_attempts=2)
    enqueue(queue, 2, "elm", max_attempts=1)
    jobs = {job.tenant: job for job in claim(queue, 2)}
    assert queue.counts() == Counts(waiting=3, active=2, delayed=0, failed=0)
    queue.fail(jobs["oak"], "{}")
    queue.fail(jobs["elm"], "{}")
    assert queue.counts() == Counts(waiting=3, active=0, delayed=1, failed=1)
    assert queue.counts().depth == 4


def test_a_finished_tenant_leaves_nothing_but_its_finished_jobs(queue: JobQueue, redis: Redis) -> None:
    enqueue(queue, 2)
    queue.ack([(job, "{}") for job in claim(queue)])
    assert redis.hgetall(KEYS.depth) == {b"*": b"0"}
    assert not redis.exists(KEYS.ring, KEYS.leases, KEYS.delayed)
