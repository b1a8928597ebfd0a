"""Random histories: whatever clients and consumers do, in whatever order, the queue keeps its promises.

After every step all of Redis is compared with a model. CI plays the same short histories each time; for a long run of
new ones: `HYPOTHESIS_PROFILE=soak python -m pytest tests/queue/test_histories.py`.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from redis import Redis

from chalicelib.domain.job_state import JobState
from chalicelib.errors import Conflict, IdempotencyKeyReused, NotFound, QueueFull
from chalicelib.queue import Backoff, Idempotency, JobQueue, Lane
from tests.queue import promises
from tests.queue.model import one_of
from tests.queue.steps import DAY_MS, a_job, time_passes
from tests.queue.world import LIMITS, World

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
TENANTS = ("oak", "elm", "a|b{c}")

consumers = st.sampled_from(["Ann", "Bob"])
picks = st.integers(0, 40)
verbs = st.sampled_from(["progress", "ack", "fail", "release"])
deeds = st.tuples(picks, verbs)
leases = st.sampled_from([60_000, 600_000])
backoffs = st.sampled_from([Backoff(40_000), Backoff(40_000, "exponential")])
new_jobs = st.lists(
    st.fixed_dictionaries({
        "tenant": st.sampled_from(TENANTS), "lane": st.sampled_from(Lane), "size": st.integers(0, 90),
        "max_attempts": st.integers(1, 3), "backoff": backoffs,
    }),
    min_size=1, max_size=4,
)  # fmt: skip


class Histories(World):
    """Clients of three tenants, an office, and two consumers that work, interrupt, forget and meddle."""

    @initialize(new=new_jobs)
    def open_the_day(self, new: list[dict[str, Any]]) -> None:
        """There is something to do from the start."""
        for fields in new:
            self.enqueue([fields], None, "")

    @rule(new=new_jobs, key=st.none() | st.sampled_from("kl"), body=st.sampled_from("xxy"))
    def enqueue(self, new: list[dict[str, Any]], key: str | None, body: str) -> None:
        """New jobs, or old ones by their key, or none."""
        for fields in new:
            job = a_job(data=os.urandom(4), idempotency=Idempotency(key, body) if key else None, **fields)
            depths, known = self.model.depths(), self.model.keys.get((job.tenant, key or ""))
            if known and known[1] != body:
                assert self.in_vain(self.queue.enqueue, job) is IdempotencyKeyReused
            elif known:
                answer = self.queue.enqueue(job)
                assert (answer.id, answer.created, answer.state) == (known[0], False, self.model.jobs[known[0]].state)
            elif depths.get(job.tenant, 0) >= LIMITS.per_tenant or depths.get("*", 0) >= LIMITS.total:
                assert self.in_vain(self.queue.enqueue, job) is QueueFull
            else:
                assert self.queue.enqueue(job).created
                self.model.accept(job)

    @precondition(lambda self: self.model.jobs)
    @rule(pick=picks, stranger=st.booleans())
    def cancel(self, pick: int, stranger: bool) -> None:
        """Only what waits or is delayed, and only by its tenant; it stays so."""
        known = one_of([*self.model.jobs.values()], pick)
        tenant, was = "fir" if stranger else known.new.tenant, known.state
        if was in {JobState.WAITING, JobState.DELAYED, JobState.CANCELLED} and not stranger:
            if was is not JobState.CANCELLED:
                known.move(JobState.CANCELLED, DAY_MS)
            assert self.queue.cancel(tenant, known.new.id).state is JobState.CANCELLED
        else:
            refused = self.in_vain(self.queue.cancel, tenant, known.new.id)
            assert refused is (NotFound if stranger else Conflict)

    @precondition(lambda self: self.model.jobs)
    @rule(pick=picks, stranger=st.booleans())
    def redrive(self, pick: int, stranger: bool) -> None:
        """Only the dead, and only by their tenant."""
        known = one_of(self.model.within(JobState.FAILED) or [*self.model.jobs.values()], pick)
        tenant = "fir" if stranger else known.new.tenant
        if known.state is JobState.FAILED and not stranger:
            self.model.redrive(known)
            assert self.queue.redrive(tenant, known.new.id).state is JobState.WAITING
        else:
            refused = self.in_vain(self.queue.redrive, tenant, known.new.id)
            assert refused is (NotFound if stranger else Conflict)

    @precondition(lambda self: len(self.model.paused) < 2)
    @rule(pick=picks, everybody=st.sampled_from([False, False, False, True]))
    def pause(self, pick: int, everybody: bool) -> None:
        """One that has jobs, in whatever state, or all."""
        known = sorted({job.new.tenant for job in self.model.jobs.values()}) or ["oak"]
        self.stop(None if everybody else one_of(known, pick))

    @precondition(lambda self: self.model.paused)
    @rule(pick=picks, again=st.booleans())
    def resume(self, pick: int, again: bool) -> None:
        """Whoever is paused, or all; and perhaps once more."""
        name = one_of(sorted(self.model.paused, reverse=True), pick)
        for _ in range(1 + again):
            self.queue.resume(None if name == "*" else name)
        self.model.paused.discard(name)

    @rule(
        who=consumers, max_jobs=st.integers(1, 5), max_records=st.sampled_from([1, 100, 1_000]), lease_ms=leases,
        deeds=st.lists(deeds, max_size=4),
    )  # fmt: skip
    def claim(
        self, who: str, max_jobs: int, max_records: int, lease_ms: int, deeds: list[tuple[int, str]] | None = None
    ) -> None:
        """A batch, and what is done with it at once."""
        jobs = self.queue.claim(max_jobs=max_jobs, max_records=max_records, lease_ms=lease_ms)
        self.model.tidy()
        self.taken(who, jobs, max_jobs, max_records, lease_ms)
        for pick, verb in deeds or []:
            if self.held[who]:
                self.do(verb, one_of(self.held[who], pick))

    @precondition(lambda self: self.model.claimable())
    @rule(max_jobs=st.integers(1, 5), lease_ms=leases, bob=st.booleans(), pick=picks)
    def claim_too_late(self, max_jobs: int, lease_ms: int, bob: bool, pick: int) -> None:
        """Between Ann's look at the lists and her claim, Bob claims, or a client cancels."""

        def meanwhile() -> None:
            if bob:
                self.claim("Bob", max_jobs, 1_000, lease_ms)
            else:
                self.cancel(pick, stranger=False)

        self.claim_overtaken(meanwhile, max_jobs, lease_ms)

    @precondition(lambda self: self.model.claimable())
    @rule(max_jobs=st.integers(1, 5), lease_ms=leases, everybody=st.booleans(), pick=picks)
    def claim_stopped(self, max_jobs: int, lease_ms: int, everybody: bool, pick: int) -> None:
        """Between Ann's look at the lists and her claim, somebody who has jobs is paused, or all are."""
        tenant = None if everybody else one_of(sorted(self.model.on_ring()), pick)
        self.claim_overtaken(lambda: self.stop(tenant), max_jobs, lease_ms)

    @precondition(lambda self: any(self.held.values()))
    @rule(deeds=st.lists(deeds, min_size=1, max_size=4))
    def work(self, deeds: list[tuple[int, str]]) -> None:
        """What consumers do with jobs that they have, perhaps again, if a client did not hear the answer."""
        for pick, verb in deeds:
            self.do(verb, one_of([job for jobs in self.held.values() for job in jobs], pick))

    @precondition(lambda self: self.ever)
    @rule(deeds=st.lists(st.tuples(st.integers(0, 40), verbs), min_size=1, max_size=4))
    def meddle(self, deeds: list[tuple[int, str]]) -> None:
        """A consumer that was slow does something, at any time, with what it once was given."""
        for pick, verb in deeds:
            overtaken = [job for job in self.ever if self.model.is_now_anothers(job)]
            self.do(verb, one_of(overtaken or self.ever, pick))

    @precondition(lambda self: any(self.held.values()))
    @rule(who=consumers, done=st.booleans())
    def end(self, who: str, done: bool) -> None:
        """A consumer acks all that it has, together; or gives all back, for its time is up."""
        jobs, self.held[who] = self.held[who], []
        if done:
            expected = [self.model.complete(job, "[]") for job in jobs]
            assert self.queue.ack([(job, "[]") for job in jobs]) == expected
            return
        holds = [self.model.holds(job) for job in jobs]
        for known in holds:
            if known:
                known.move(JobState.WAITING)
        assert self.queue.release(jobs) == [known is not None for known in holds]

    @precondition(lambda self: any(self.held.values()))
    @rule(who=consumers)
    def kill(self, who: str) -> None:
        """A consumer dies and forgets its jobs; the next is a new process, on a Redis that forgot its scripts."""
        self.held[who].clear()
        self.redis.script_flush()
        self.queue = JobQueue(self.redis, limits=LIMITS)

    @precondition(lambda self: self.ever)
    @rule(ms=st.sampled_from([90_000, 90_000, 700_000, 25 * 3_600_000, 8 * DAY_MS]))
    def pass_time(self, ms: int) -> None:
        """A minute and a half, twelve minutes, a day and an hour, eight days."""
        time_passes(self.redis, ms)
        self.model.pass_time(ms)

    @invariant()
    def every_promise_holds(self) -> None:
        """See promises.py; a claim checks what it was given by itself."""
        promises.every_job_is_as_it_should_be(self.redis, self.model)
        promises.every_job_is_in_one_place(self.redis, self.model)
        promises.the_figures_are_the_truth(self.queue, self.model)
        promises.the_dead_are_listed_newest_first(self.queue, self.model)
        assert self.queue.wait_for_work(0) == (self.model.claimable() or self.model.to_tidy())


def test_every_history_keeps_the_promises(redis: Redis) -> None:
    """Seventy short histories, or thousands of long ones."""

    class OnThisRedis(Histories):
        def __init__(self) -> None:
            super().__init__(redis)

    how_many = settings(max_examples=1_500 if SOAK else 70, stateful_step_count=80 if SOAK else 40)
    run_state_machine_as_test(
        OnThisRedis,
        settings=settings(
            how_many,
            derandomize=not SOAK,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
