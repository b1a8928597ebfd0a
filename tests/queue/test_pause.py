"""Pause: accepted, and left alone until resumed; whoever is not paused does not notice."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from redis import Redis

from chalicelib.domain.job_state import JobState
from chalicelib.queue import JobQueue
from chalicelib.queue.claiming import Claims
from chalicelib.queue.wire import script
from tests.queue.steps import KEYS, claim, claim_one, enqueue, leases_run_out, retries_fall_due, see


def ring(redis: Redis) -> list[bytes]:
    """The tenants on the ring."""
    members: list[bytes] = redis.lrange(KEYS.ring, 0, -1)  # type: ignore[assignment]  # a client of either kind
    return members


def test_jobs_of_a_paused_tenant_are_accepted_and_wait_while_others_go_on(queue: JobQueue) -> None:
    before = enqueue(queue, 2, "oak")
    queue.pause("oak")
    after = enqueue(queue, 2, "oak")
    others = enqueue(queue, 3, "elm")
    assert [job.id for job in claim(queue)] == others
    assert claim(queue) == []
    assert [see(queue, job_id).state for job_id in before + after] == [JobState.WAITING] * 4

    queue.resume("oak")
    assert [job.id for job in claim(queue)] == before + after


def test_everything_paused_is_claimed_by_nobody(queue: JobQueue) -> None:
    oak = enqueue(queue, 2, "oak")
    queue.pause(None)
    elm = enqueue(queue, 1, "elm")
    assert claim(queue) == []
    queue.resume(None)
    assert {job.id for _ in range(2) for job in claim(queue)} == {*oak, *elm}


def test_what_is_paused_is_told(queue: JobQueue) -> None:
    assert queue.paused() == frozenset()
    queue.pause("oak")
    queue.pause("elm")
    queue.pause("oak")
    queue.pause(None)
    assert queue.paused() == {"oak", "elm", "*"}
    queue.resume(None)
    queue.resume("oak")
    assert queue.paused() == {"elm"}


def test_who_was_paused_by_name_stays_so_when_the_pause_of_all_ends(queue: JobQueue) -> None:
    enqueue(queue, 1, "oak")
    [elm] = enqueue(queue, 1, "elm")
    queue.pause("oak")
    queue.pause(None)
    queue.resume(None)
    assert [job.id for job in claim(queue)] == [elm]
    assert claim(queue) == []


def test_who_is_resumed_by_name_still_waits_for_the_pause_of_all_to_end(queue: JobQueue) -> None:
    [oak] = enqueue(queue, 1, "oak")
    queue.pause(None)
    queue.pause("oak")
    queue.resume("oak")
    assert claim(queue) == []
    queue.resume(None)
    assert [job.id for job in claim(queue)] == [oak]


def test_a_pause_outlives_the_consumers(queue: JobQueue, redis: Redis) -> None:
    enqueue(queue)
    queue.pause("oak")
    fresh = JobQueue(redis)
    assert fresh.paused() == {"oak"}
    assert claim(fresh) == []
    assert redis.ttl(KEYS.paused) == -1


@pytest.mark.parametrize("name", ["", "*"])
def test_a_name_that_stands_for_all_is_refused(queue: JobQueue, name: str) -> None:
    """An empty field of a form must not stop every school."""
    for verb in (queue.pause, queue.resume):
        with pytest.raises(ValueError, match="None"):
            verb(name)
    assert queue.paused() == frozenset()


def test_a_paused_tenant_is_off_the_ring_so_nobody_comes_past_it(queue: JobQueue, redis: Redis) -> None:
    for tenant in ("oak", "elm", "ash"):
        enqueue(queue, 1, tenant)
    queue.pause("elm")
    assert ring(redis) == [b"oak", b"ash"]
    enqueue(queue, 1, "elm")
    queue.resume("elm")
    queue.resume("elm")
    queue.resume("oak")
    assert ring(redis) == [b"oak", b"ash", b"elm"], "each once, whoever resumes whom how often"


def test_a_resumed_tenant_without_jobs_is_not_put_on_the_ring(queue: JobQueue, redis: Redis) -> None:
    queue.pause("oak")
    queue.resume("oak")
    assert ring(redis) == []


def test_a_full_batch_is_planned_without_the_paused(queue: JobQueue, redis: Redis) -> None:
    """Also not with those of whom a job has just come back to its list."""
    enqueue(queue, 10, "oak")
    elm = enqueue(queue, 10, "elm")
    assert {job.tenant for job in claim(queue, 2)} == {"oak", "elm"}
    queue.pause("oak")
    leases_run_out(redis)
    assert [job.id for job in claim(queue, 8)] == elm[:8]
    assert queue.counts().active == 8


def test_what_a_consumer_holds_it_may_finish(queue: JobQueue) -> None:
    enqueue(queue, 4)
    done, failed, released, moved = claim(queue)
    queue.pause("oak")
    queue.pause(None)
    assert queue.progress(moved, 10)
    assert queue.ack([(done, "{}"), (moved, "{}")]) == [True, True]
    assert queue.fail(failed, "{}") == "delayed"
    assert queue.release([released]) == [True]
    assert claim(queue) == []
    queue.resume(None)
    queue.resume("oak")
    assert claim_one(queue).id == released.id


@pytest.mark.parametrize("whose", ["oak", None])
def test_retries_and_expired_leases_return_to_their_list_and_wait_there(
    queue: JobQueue, redis: Redis, whose: str | None
) -> None:
    retried, stalled = enqueue(queue, 2)
    first, _ = claim(queue)
    queue.fail(first, "{}")
    queue.pause(whose)
    retries_fall_due(redis)
    leases_run_out(redis)
    assert queue.wait_for_work(0), "there is something to tidy up"
    assert claim(queue) == []
    assert not queue.wait_for_work(0), "and then there is not"
    assert [see(queue, job_id).state for job_id in (retried, stalled)] == [JobState.WAITING] * 2
    queue.resume(whose)
    assert [job.id for job in claim(queue)] == [stalled, retried]


@pytest.mark.parametrize("how", ["redrive", "release", "stall", "retry", "enqueue"])
def test_a_job_that_comes_to_a_paused_tenant_does_not_put_it_on_the_ring(
    queue: JobQueue, redis: Redis, how: str
) -> None:
    """Else every waiting consumer would be woken for nothing."""
    [job_id] = enqueue(queue, max_attempts=1 if how == "redrive" else 2)
    job = claim_one(queue)
    queue.pause("oak")
    if how == "release":
        queue.release([job])
    elif how == "redrive":
        queue.fail(job, "{}")
        queue.redrive("oak", job_id)
    elif how == "stall":
        leases_run_out(redis)
        queue._shards[0]._wire.send(queue._shards[0]._commands.reap(job.ref))
    elif how == "retry":
        queue.fail(job, "{}")
        retries_fall_due(redis)
        queue._shards[0]._wire.send(queue._shards[0]._commands.promote(job.ref))
    else:
        queue.ack([(job, "{}")])
        [job_id] = enqueue(queue)
    assert see(queue, job_id).state is JobState.WAITING
    assert ring(redis) == []
    assert not queue.wait_for_work(0)
    queue.resume("oak")
    assert claim_one(queue).id == job_id


def test_a_waiting_job_of_a_paused_tenant_can_be_cancelled(queue: JobQueue, redis: Redis) -> None:
    [job_id] = enqueue(queue)
    queue.pause("oak")
    assert queue.cancel("oak", job_id).state is JobState.CANCELLED
    queue.resume("oak")
    assert (claim(queue), ring(redis)) == ([], [])


@pytest.mark.parametrize("whose", ["oak", None])
def test_a_pause_between_the_look_at_the_lists_and_the_claim_holds(
    queue: JobQueue, redis: Redis, whose: str | None
) -> None:
    ids = enqueue(queue, 3)
    read = Claims._tidy_and_read

    def paused_meanwhile(self: Claims, *seen: object) -> object:
        heads = read(self, *seen)  # type: ignore[arg-type]  # passed on as they came
        queue.pause(whose)
        return heads

    with patch.object(Claims, "_tidy_and_read", paused_meanwhile):
        assert claim(queue) == []
    assert queue.counts().waiting == 3
    queue.resume(whose)
    assert ring(redis) == [b"oak"]
    assert [job.id for job in claim(queue)] == ids


def test_a_claim_whose_reply_was_lost_gets_its_jobs_though_a_pause_came_in_between(queue: JobQueue) -> None:
    ids = enqueue(queue, 2)
    send = queue._shards[0]._wire.send

    def lose_the_reply_of_claim(*commands: tuple[object, ...]) -> list[object]:
        replies: list[object] = send(*commands)  # type: ignore[arg-type]  # passed on as they came
        if commands[0][:2] != script("claim", [], [])[:2]:
            return replies
        queue.pause("oak")
        return send(*commands)  # type: ignore[arg-type]

    with patch.object(queue._shards[0]._wire, "send", lose_the_reply_of_claim):
        assert [job.id for job in claim(queue)] == ids
