"""The queue and its model, moved together: each step is taken on both, and their answers compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias
from unittest.mock import patch

from hypothesis.stateful import RuleBasedStateMachine
from redis import Redis

from chalicelib.domain.job_state import JobState
from chalicelib.errors import RollcallError
from chalicelib.queue import Job, JobQueue, Limits
from chalicelib.queue.claiming import Claims
from tests.queue.model import MAX_STALLS, Known, Model
from tests.queue.promises import dump

LIMITS = Limits(per_tenant=6, total=12, max_stalls=MAX_STALLS)
Step: TypeAlias = tuple[Callable[[], object], object]  # a call, and the answer that it must have


class World(RuleBasedStateMachine):
    """A queue on an emptied Redis, two consumers and the jobs that each `held`, and all that were `ever` claimed."""

    def __init__(self, redis: Redis) -> None:
        super().__init__()
        redis.flushdb()
        self.redis, self.queue, self.model = redis, JobQueue(redis, limits=LIMITS), Model()
        self.held: dict[str, list[Job]] = {"Ann": [], "Bob": []}
        self.ever: list[Job] = []

    def taken(self, who: str, jobs: list[Job], max_jobs: int, max_records: int, lease_ms: int) -> None:
        """A consumer was given a batch."""
        assert bool(jobs) == self.model.claimable()
        assert len(jobs) <= max_jobs
        assert len(jobs) <= 1 or sum(job.size for job in jobs) <= max_records
        self.model.take(jobs, lease_ms)
        self.held[who] += jobs
        self.ever += jobs

    def stop(self, tenant: str | None) -> None:
        """Pause one, or all."""
        self.queue.pause(tenant)
        self.model.paused.add(tenant or "*")

    def claim_overtaken(self, meanwhile: Callable[[], None], max_jobs: int, lease_ms: int) -> None:
        """Ann claims, and something happens between her look at the lists and her claim."""
        read, to_happen = Claims._tidy_and_read, [meanwhile]

        def overtaken(claims: Claims, *seen: Any) -> Any:
            heads = read(claims, *seen)
            self.model.tidy()
            while to_happen:
                to_happen.pop()()
            return heads

        with patch.object(Claims, "_tidy_and_read", overtaken):
            jobs = self.queue.claim(max_jobs=max_jobs, max_records=1_000, lease_ms=lease_ms)
        self.taken("Ann", jobs, max_jobs, 1_000, lease_ms)

    def do(self, verb: str, job: Job) -> None:
        """What a consumer does with a job, be it still its own or not."""
        held = self.model.holds(job)
        steps = {"progress": self._progress, "ack": self._ack, "fail": self._fail, "release": self._release}
        call, expected = steps[verb](job, held)
        assert (call() if held else self.in_vain(call)) == expected

    def _progress(self, job: Job, held: Known | None) -> Step:
        if held:
            held.processed = min(held.processed + 10, held.new.size)
        return lambda: self.queue.progress(job, held.processed if held else 1), bool(held)

    def _ack(self, job: Job, held: Known | None) -> Step:
        result = f"{len(self.ever)}"
        expected = [self.model.complete(job, result)]
        return lambda: self.queue.ack([(job, result)]), expected

    def _fail(self, job: Job, held: Known | None) -> Step:
        expected = self.model.fail(job)
        return lambda: self.queue.fail(job, "{}"), expected

    def _release(self, job: Job, held: Known | None) -> Step:
        if held:
            held.move(JobState.WAITING)
        return lambda: self.queue.release([job]), [bool(held)]

    def in_vain(self, verb: Callable[..., object], *arguments: object) -> object:
        """The answer, or the kind of error, of a call that must leave every key as it was."""
        before = dump(self.redis)
        try:
            answer = verb(*arguments)
        except RollcallError as refused:
            answer = type(refused)
        assert dump(self.redis) == before
        return answer
