"""The number of shards changes under a running queue, and no job, key, pause or order is lost by it."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from redis import Redis

from chalicelib.domain.job_state import JobState
from chalicelib.errors import IdempotencyKeyReused
from chalicelib.queue import Idempotency, JobQueue
from tests.queue.steps import OF_SHARDS, a_job, claim, claim_one, enqueue, see

MOVES = "elm"
"""Of the first of one shard, of the last of four."""
SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"


def test_jobs_of_before_are_drained_told_cancelled_and_retried(redis: Redis) -> None:
    before = JobQueue(redis)
    waiting, dead, cancelled = enqueue(before, 3, MOVES, max_attempts=1)
    after = JobQueue(redis, shards=4, also=1)
    [new] = enqueue(after, 1, MOVES)
    assert [see(after, job_id).shard for job_id in (waiting, new)] == [0, 3]
    assert [job.id for job in after.list(MOVES, state=None, before=None, limit=9)] == [new, cancelled, dead, waiting]
    assert after.cancel(MOVES, cancelled).state is JobState.CANCELLED
    jobs = {job.id: job for _ in range(2) for job in claim(after)}
    assert set(jobs) == {waiting, dead, new}
    after.fail(jobs[dead], "{}")
    assert after.redrive(MOVES, dead).state is JobState.WAITING
    assert after.ack([(jobs[waiting], "{}"), (jobs[new], "{}")]) == [True, True]
    assert after.figures(MOVES).all.waiting == after.counts().waiting == 1
    assert [one.strangers for one in after.shards()] == [1, 0, 0, 0]


def test_without_being_told_of_the_old_number_nothing_that_waits_is_left_behind(redis: Redis) -> None:
    """More shards hold the old ones among them, and a drain of all looks at each."""
    [old] = enqueue(JobQueue(redis), 1, MOVES)
    assert claim_one(JobQueue(redis, shards=4)).id == old


def test_fewer_shards_drain_the_old_ones_while_they_are_told_of_them(redis: Redis) -> None:
    ids = [enqueue(JobQueue(redis, shards=4), 1, tenant)[0] for tenant in ("yew", "oak", "ash", "elm")]
    fewer = JobQueue(redis, shards=1, also=4)
    assert {claim_one(fewer).id for _ in range(4)} == set(ids)
    assert fewer.places(MOVES) == (0, 3)


def test_an_idempotency_key_leads_to_the_job_that_it_made_before(redis: Redis) -> None:
    job = a_job(MOVES, idempotency=Idempotency("0a", "0b"))
    made = JobQueue(redis).enqueue(job)
    after = JobQueue(redis, shards=4, also=1)
    again = after.enqueue(a_job(MOVES, idempotency=Idempotency("0a", "0b")))
    assert (again.id, again.created) == (made.id, False)
    with pytest.raises(IdempotencyKeyReused):
        after.enqueue(a_job(MOVES, idempotency=Idempotency("0a", "0c")))
    assert after.counts().waiting == 1


def test_a_later_submission_is_later_though_the_new_server_has_an_older_clock(redis: Redis) -> None:
    first = JobQueue(redis).enqueue(a_job(MOVES))
    ahead = first.submitted_at + 3_600_000_000
    redis.set(OF_SHARDS[0].clock, ahead)  # the old server's clock is an hour ahead
    assert JobQueue(redis, shards=4, also=1).enqueue(a_job(MOVES)).submitted_at == ahead + 1


def test_who_was_paused_before_stays_so_and_where_it_was(redis: Redis) -> None:
    JobQueue(redis).pause(MOVES)
    after = JobQueue(redis, shards=4, also=1)
    held = after.enqueue(a_job(MOVES))
    assert (held.shard, claim(after), set(after.paused())) == (0, [], {MOVES})
    after.resume(MOVES)
    assert claim_one(after).id == held.id
    assert after.enqueue(a_job(MOVES)).shard == 3


def test_who_is_paused_after_collects_jobs_in_the_new_place(redis: Redis) -> None:
    after = JobQueue(redis, shards=4, also=1)
    after.pause(MOVES)
    assert after.enqueue(a_job(MOVES)).shard == 3
    assert claim(after) == []
    after.resume(MOVES)
    assert claim_one(after).shard == 3


def test_a_pause_of_all_from_before_holds_for_all(redis: Redis) -> None:
    JobQueue(redis).pause(None)
    after = JobQueue(redis, shards=4, also=1)
    for tenant in ("yew", "oak", "ash", "elm"):
        enqueue(after, 1, tenant)
    assert (claim(after), after.counts().waiting, set(after.paused())) == ([], 4, {"*"})
    after.resume(None)
    assert len([job for _ in range(4) for job in claim(after)]) == 4


@dataclass(slots=True)
class Accepted:
    """What a client was told of a job."""

    id: str
    tenant: str
    submitted_at: int
    claimed: int = 0


class Growth(RuleBasedStateMachine):
    """Producers and consumers, some of them still of the release before, while an operator changes the number.

    As the how-to says: first all are told of the next number, then it is used, then the old one is forgotten.
    """

    def __init__(self, redis: Redis) -> None:
        super().__init__()
        redis.flushdb()
        self.redis = redis
        self.stages: list[tuple[int, int | None]] = [(1, None)]
        self.accepted: list[Accepted] = []
        self.remembered = 0
        self.made: dict[tuple[str, str], str] = {}
        self.old = self.new = JobQueue(redis)

    @rule(shards=st.sampled_from([1, 2, 4]))
    def deploy(self, shards: int) -> None:
        """The next step of a change; what was running goes on beside it until the next one."""
        now, also = self.stages[-1]
        if also is None:
            step: tuple[int, int | None] = (now, shards if shards != now else 8)
        elif self.stages[-2][0] == now:
            step = (also, now)
        else:
            self.drain_all()  # the old number is forgotten when nothing lies by it any more
            for key in [*self.redis.scan_iter("*idem*"), *self.redis.scan_iter("*job:*")]:
                self.redis.delete(key)  # a week has passed, and no clock is that much ahead
            self.made.clear()
            self.remembered = len(self.accepted)
            self.old = self.new
            step = (now, None)
        self.stages.append(step)
        self.old, self.new = self.new, JobQueue(self.redis, shards=step[0], also=step[1])

    @rule(shard=st.integers(0, 3))
    def clocks_differ(self, shard: int) -> None:
        """The server of a shard is ahead of the others."""
        if self.redis.exists(OF_SHARDS[shard].clock):
            self.redis.incrby(OF_SHARDS[shard].clock, 1_000_000_000)

    @rule(tenant=st.sampled_from(["oak", "elm"]), key=st.sampled_from(["", "0a"]), old=st.booleans())
    def submit(self, tenant: str, key: str, old: bool) -> None:
        """A client sends a register, perhaps with a key that it sent before."""
        queue = self.old if old else self.new
        told = queue.enqueue(a_job(tenant, idempotency=Idempotency(key, "b") if key else None))
        if not told.created:
            assert told.id == self.made[tenant, key]
            return
        assert not key or (tenant, key) not in self.made, "the same request made two jobs"
        before = [job.submitted_at for job in self.accepted[self.remembered :] if job.tenant == tenant]
        assert told.submitted_at > max(before, default=0), "the newest submission would not win"
        self.accepted.append(Accepted(told.id, tenant, told.submitted_at))
        if key:
            self.made[tenant, key] = told.id

    @rule(old=st.booleans(), gives_back=st.booleans())
    def work(self, old: bool, gives_back: bool) -> None:
        """A consumer of either release takes some, and ends them or gives them back."""
        queue = self.old if old else self.new
        jobs = claim(queue, 3)
        if gives_back:
            assert all(queue.release(jobs))
            return
        assert all(queue.ack([(job, "{}") for job in jobs]))
        self._count([job.id for job in jobs])

    @rule()
    def drain_all(self) -> None:
        """A drain of all shards, as every minute: nothing is left, and every job was done once."""
        while jobs := claim(self.new):
            assert all(self.new.ack([(job, "{}") for job in jobs]))
            self._count([job.id for job in jobs])
        assert [job.claimed for job in self.accepted] == [1] * len(self.accepted)
        assert self.new.counts().depth == 0

    @invariant()
    def every_job_is_found_by_both_releases(self) -> None:
        """By its tenant, in the state that it is in."""
        for job in self.accepted[self.remembered :][-6:]:
            for queue in (self.old, self.new):
                found = queue.get(job.id, tenant=job.tenant)
                assert found is not None, "a job is lost"
                assert found.state == (JobState.COMPLETED if job.claimed else JobState.WAITING)

    def teardown(self) -> None:
        """Whatever happened, the next minute's drain empties the queue."""
        self.drain_all()

    def _count(self, done: list[str]) -> None:
        for job in self.accepted:
            job.claimed += done.count(job.id)


def test_no_job_is_lost_however_the_number_of_shards_changes(redis: Redis) -> None:
    """Nor done twice, nor overtaken by an older one, nor made twice by one key."""

    class OnThisRedis(Growth):
        def __init__(self) -> None:
            super().__init__(redis)

    run_state_machine_as_test(
        OnThisRedis,
        settings=settings(
            max_examples=1_000 if SOAK else 30,
            stateful_step_count=30,
            derandomize=not SOAK,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
