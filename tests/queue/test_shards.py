"""Shards: each tenant's jobs in one of them, and the queue as a whole none the wiser."""

from __future__ import annotations

from collections import Counter
from unittest.mock import patch

import pytest
from redis import Redis

from chalicelib.domain.job_state import JobState
from chalicelib.errors import Unavailable
from chalicelib.queue import Counts, Idempotency, JobQueue
from chalicelib.queue.shard import Shard
from chalicelib.queue.wire import Wire
from tests.queue.steps import KEYS, OF_SHARDS, a_job, claim, claim_one, enqueue, key_names, leases_run_out, see

TENANTS = ["yew", "oak", "ash", "elm"]
"""One for each of four shards, in their order."""


@pytest.fixture
def queue(redis: Redis) -> JobQueue:
    """Four shards."""
    return JobQueue(redis, shards=4)


def test_a_job_lives_in_its_tenants_shard_and_says_so(queue: JobQueue, redis: Redis) -> None:
    for shard, tenant in enumerate(TENANTS):
        enqueued = queue.enqueue(a_job(tenant))
        assert enqueued.shard == see(queue, enqueued.id).shard == shard
        assert redis.exists(OF_SHARDS[shard].job(enqueued.id))


def test_with_one_shard_the_keys_are_those_of_a_queue_without_shards(redis: Redis) -> None:
    queue = JobQueue(redis)
    queue.enqueue(a_job(idempotency=Idempotency("0a", "0b")))
    claim(queue)
    assert {name.partition(":")[0] for name in key_names(redis)} == {"{rollcall}"}


@pytest.mark.parametrize("shards", [1, 4])
def test_a_job_is_accepted_in_one_round_trip_however_many_shards_there_are(redis: Redis, shards: int) -> None:
    queue = JobQueue(redis, shards=shards)
    enqueue(queue)
    trips = []
    send = Wire.send

    def counted(self: Wire, *commands: tuple[str, ...]) -> list[object]:
        trips.append(commands)
        return send(self, *commands)

    with patch.object(Wire, "send", counted):
        queue.enqueue(a_job(idempotency=Idempotency("0a", "0b")))
    assert [len(commands) for commands in trips] == [1]


def test_shards_are_served_by_turns_whoever_has_more(queue: JobQueue) -> None:
    """Also when only some of them have work."""
    enqueue(queue, 30, "oak")
    enqueue(queue, 30, "elm")
    served = [claim_one(queue).tenant for _ in range(20)]
    assert Counter(served) == {"oak": 10, "elm": 10}


def test_consumers_do_not_all_begin_at_the_same_shard(redis: Redis) -> None:
    """In the order of the shards, the first would be drained and the last forgotten while time is short."""
    queue = JobQueue(redis, shards=4)
    for tenant in TENANTS:
        enqueue(queue, 100, tenant)
    assert len({claim_one(JobQueue(redis, shards=4)).tenant for _ in range(60)}) == 4


def test_a_consumer_that_finds_nothing_begins_elsewhere_the_next_time(queue: JobQueue) -> None:
    looked: list[int] = []
    take = Shard.claim

    def noted(self: Shard, **asked: int) -> object:
        looked.append(self.number)
        return take(self, **asked)

    with patch.object(Shard, "claim", noted):
        for _ in range(4):
            assert claim(queue) == []
    rounds = [looked[at : at + 4] for at in range(0, 16, 4)]
    assert all(sorted(one) == [0, 1, 2, 3] for one in rounds)
    assert sorted(one[0] for one in rounds) == [0, 1, 2, 3]


def test_a_consumer_of_one_shard_leaves_the_others_alone(queue: JobQueue) -> None:
    for tenant in TENANTS:
        enqueue(queue, 2, tenant)
    only = queue.at(2)
    jobs = claim(only)
    assert [job.tenant for job in jobs] == ["ash", "ash"]
    assert (claim(only), only.wait_for_work(0)) == ([], False)
    assert only.ack([(job, "{}") for job in jobs]) == [True, True]
    assert queue.counts() == Counts(waiting=6, active=0, delayed=0, failed=0)


@pytest.mark.parametrize("number", [-1, 4, 99])
def test_who_is_sent_to_a_shard_that_is_not_there_looks_at_all(queue: JobQueue, number: int) -> None:
    """A bell may be rung by a release that knows more shards than this one."""
    [job_id] = enqueue(queue, tenant="elm")
    assert claim_one(queue.at(number)).id == job_id


def test_each_shard_has_a_doorbell_of_its_own(queue: JobQueue) -> None:
    first, again, other = (queue.enqueue(a_job(tenant)) for tenant in ("yew", "yew", "elm"))
    assert [(one.shard, one.ring) for one in (first, again, other)] == [(0, True), (0, False), (3, True)]
    assert [queue.ring(shard) for shard in range(4)] == [False, True, True, False]


def test_waiting_notices_work_in_any_shard(queue: JobQueue, redis: Redis) -> None:
    assert not queue.wait_for_work(0.15)
    for tenant in TENANTS:
        enqueue(queue, 1, tenant)
        assert queue.wait_for_work(30)
        claim_one(queue)
        assert not queue.wait_for_work(0)
    leases_run_out(redis)
    assert queue.wait_for_work(0)


def test_what_was_claimed_in_several_shards_is_ended_together(queue: JobQueue) -> None:
    """Each answer belongs to the job at its place."""
    for tenant in TENANTS:
        enqueue(queue, 2, tenant, max_attempts=1)
    jobs = [claim_one(queue) for _ in range(8)]
    lost, *rest = jobs
    assert queue.release([lost]) == [True]
    assert queue.ack([(job, f'"{job.id}"') for job in jobs[:4]]) == [False, True, True, True]
    assert [see(queue, job.id).result for job in rest[:3]] == [f'"{job.id}"' for job in rest[:3]]
    for job in rest[3:]:
        queue.fail(job, "{}")
    dead = queue.unburied()
    assert {job.id for job in dead} == {job.id for job in rest[3:]}
    assert len(queue.unburied(2)) == 2
    queue.bury(dead)
    assert queue.unburied() == []


def test_the_figures_of_all_are_those_of_the_shards_together(queue: JobQueue, redis: Redis) -> None:
    for count, tenant in enumerate(TENANTS, start=1):
        enqueue(queue, count, tenant)
    redis.hincrby(OF_SHARDS[3].job(claim_one(queue.at(3)).id), "submitted_at", -99_000_000)
    queue.pause("oak")
    told = queue.figures(None)
    assert (told.all.waiting, told.all.active, set(told.paused)) == (9, 1, {"oak"})
    assert {tenant: load.depth for tenant, load in told.by_tenant.items()} == dict(
        zip(TENANTS, (1, 2, 3, 4), strict=True)
    )
    assert queue.figures("oak").all.waiting == 2
    assert [(one.counts.depth, one.strangers) for one in queue.shards()] == [(1, 0), (2, 0), (3, 0), (4, 0)]


def test_a_pause_of_all_is_of_all_shards_and_ends_in_all(queue: JobQueue) -> None:
    for tenant in TENANTS:
        enqueue(queue, 1, tenant)
    queue.pause(None)
    assert (claim(queue), queue.wait_for_work(0)) == ([], False)
    queue.resume(None)
    assert len({claim_one(queue).tenant for _ in range(4)}) == 4


def test_a_job_is_found_by_its_id_alone(queue: JobQueue) -> None:
    """An operator may not know whose it is; who asks for another tenant's is none the wiser."""
    [job_id] = enqueue(queue, tenant="elm")
    assert see(queue, job_id).tenant == "elm"
    assert queue.get(job_id, tenant="oak") is None
    assert queue.cancel("elm", job_id).state is JobState.CANCELLED


def test_a_shard_that_is_away_stops_nobody_elses_school(redis: Redis, queue: JobQueue) -> None:
    """In a cluster, one server's failure is that of its slots."""
    send = Wire.send

    def away(self: Wire, *commands: tuple[object, ...]) -> list[object]:
        if any(OF_SHARDS[1].depth in command for command in commands):
            raise Unavailable
        return send(self, *commands)  # type: ignore[arg-type]  # passed on as they came

    with patch.object(Wire, "send", away):
        assert queue.enqueue(a_job("yew")).created
        with pytest.raises(Unavailable):
            queue.enqueue(a_job("oak"))
        assert claim_one(queue.at(0)).tenant == "yew"
    assert redis.exists(KEYS.leases)
