"""List and counts: what there is, to whom it belongs, newest first."""

from __future__ import annotations

from redis import Redis

from chalicelib.domain.job_state import JobState
from chalicelib.queue import Counts, FailOutcome, JobQueue
from tests.queue.steps import DAY_MS, KEYS, claim, enqueue, time_passes


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


def test_a_dead_job_is_listed_however_long_ago_it_was_submitted(queue: JobQueue, redis: Redis) -> None:
    """It may have waited for two weeks behind a pause; its week among the dead begins when it fails."""
    [old] = enqueue(queue, id="0180aaaa-0000-7000-8000-000000000000", max_attempts=1)  # of the year 2022
    enqueue(queue)
    assert not redis.zscore(KEYS.recent("oak"), old), "too old for the list of recent jobs"
    queue.fail(claim(queue, 1)[0], '{"code":"x"}')
    [job] = queue.list("oak", state=JobState.FAILED, before=None, limit=10)
    assert (job.id, job.error) == (old, '{"code":"x"}')


def test_the_dead_are_found_at_once_among_thousands_of_others(queue: JobQueue, redis: Redis) -> None:
    """Newest first, page by page, in as many round trips as pages; another tenant's are not among them."""
    dead = []
    for job in (enqueue(queue, 5, max_attempts=1), enqueue(queue, 1, "elm", max_attempts=1), claim(queue))[2]:
        queue.fail(job, "{}")
        dead += [job.id] if job.tenant == "oak" else []
    with redis.pipeline(transaction=False) as pipeline:
        for at in range(5_000):
            pipeline.zadd(KEYS.recent("oak"), {f"ffffffff-{at:04x}-7000-8000-000000000000": 0})
        pipeline.execute()
    newest = sorted(dead, reverse=True)
    before = redis.info("stats")["total_commands_processed"]
    first = ids(queue, JobState.FAILED, limit=3)
    second = ids(queue, JobState.FAILED, before=first[-1], limit=3)
    assert (first, second) == (newest[:3], newest[3:])
    assert redis.info("stats")["total_commands_processed"] - before < 12


def test_who_is_redriven_or_forgotten_is_not_among_the_dead(queue: JobQueue, redis: Redis) -> None:
    enqueue(queue, 4, max_attempts=1)
    redriven, forgotten, dead, later = claim(queue)
    for job in (redriven, forgotten, dead):
        queue.fail(job, "{}")
    queue.redrive("oak", redriven.id)
    redis.delete(KEYS.job(forgotten.id))
    assert ids(queue, JobState.FAILED) == [dead.id]
    assert redis.zrange(KEYS.failed("oak"), 0, -1) == [dead.id.encode()]

    time_passes(redis, 7 * DAY_MS + 1)
    assert queue.fail(later, "{}") is FailOutcome.FAILED
    for key in (KEYS.failed("oak"), KEYS.dead_of("oak")):
        assert redis.zrange(key, 0, -1) == [later.id.encode()], "whoever fails clears the forgotten away"
    assert redis.zcard(KEYS.dead) == 1


def test_the_lists_of_the_dead_go_with_the_last_of_them(queue: JobQueue, redis: Redis) -> None:
    enqueue(queue, max_attempts=1)
    queue.fail(claim(queue)[0], "{}")
    for key in (KEYS.dead, KEYS.dead_of("oak"), KEYS.failed("oak")):
        assert 0 < int(str(redis.pttl(key))) <= 7 * DAY_MS


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
    jobs = {job.tenant: job for _ in range(2) for job in claim(queue, 1)}
    assert queue.counts() == Counts(waiting=3, active=2, delayed=0, failed=0)
    queue.fail(jobs["oak"], "{}")
    queue.fail(jobs["elm"], "{}")
    assert queue.counts() == Counts(waiting=3, active=0, delayed=1, failed=1)
    assert queue.counts().depth == 4


def test_a_finished_tenant_leaves_nothing_but_its_finished_jobs(queue: JobQueue, redis: Redis) -> None:
    enqueue(queue, 2)
    queue.ack([(job, "{}") for job in claim(queue)])
    assert not redis.exists(KEYS.depth, KEYS.ring, KEYS.leases, KEYS.delayed)
