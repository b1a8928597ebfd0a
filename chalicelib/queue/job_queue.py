"""JobQueue: the one queue that the app sees, in as many shards as it is told; each verb finds the shard it means."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Self, TypeAlias

from redis import Redis, RedisCluster

from chalicelib.domain.job_state import JobState
from chalicelib.errors import NotFound
from chalicelib.queue.figures import together
from chalicelib.queue.job import Job, NewJob
from chalicelib.queue.keys import ALL, Keys
from chalicelib.queue.layout import Layout
from chalicelib.queue.moving import enqueue_moving
from chalicelib.queue.replies import Counts, Enqueued, FailOutcome, Figures, ShardCounts
from chalicelib.queue.settings import Limits, Retention
from chalicelib.queue.shard import Shard
from chalicelib.queue.waiting import wait_for_any

_Jobs: TypeAlias = list[Job]  # inside the class, `list` is the verb
_Oks: TypeAlias = list[bool]


class JobQueue:
    """A queue of jobs on Redis lists, fair between tenants, delivering each job at least once.

        queue = JobQueue(redis)
        queue.enqueue(NewJob(new_job_id(), "oak", "mark", Lane.INTERACTIVE, 30, b"…", meta="{}", submitted_by="ann"))
        for job in queue.claim(max_jobs=50, max_records=5_000, lease_ms=60_000):
            queue.ack([(job, "{}")])

    A tenant's jobs live in one of `shards` shards, each in a slot of its own in a cluster; `also` is another number
    of them while it changes (see Layout). `limits` are those of a shard.

    `redis` (or a cluster) decodes no responses; its socket timeout is longer than a second and than `wait_ms`. With
    `min_replicas`, a job counts as accepted once so many replicas have it, within `wait_ms`. Every verb raises
    Unavailable when Redis is away, and may then be called again with the same arguments.
    """

    def __init__(
        self,
        redis: Redis | RedisCluster,
        *,
        name: str = "rollcall",
        shards: int = 1,
        also: int | None = None,
        limits: Limits = Limits(),  # noqa: B008  frozen
        retention: Retention = Retention(),  # noqa: B008  frozen
        bell_ms: int = 1_000,
        min_replicas: int = 0,
        wait_ms: int = 100,
    ) -> None:
        self._layout = Layout(shards, also)
        self._shards = [
            Shard(
                redis, Keys(name, number),
                limits=limits, retention=retention, bell_ms=bell_ms, min_replicas=min_replicas, wait_ms=wait_ms,
            )
            for number in range(self._layout.count)
        ]  # fmt: skip
        self._served = self._shards  # what `claim` and `wait_for_work` look at
        self._turn = random.randrange(len(self._shards))  # noqa: S311  many consumers shall not begin at the same

    def at(self, shard: int) -> Self:
        """This queue, but `claim` and `wait_for_work` know only one shard; all, if there is none of that number."""
        if len(self._shards) == 1 or not 0 <= shard < len(self._shards):
            return self
        one = copy.copy(self)
        one._served, one._turn = [self._shards[shard]], 0  # noqa: SLF001  a copy of ourselves
        return one

    def enqueue(self, job: NewJob) -> Enqueued:
        """Puts the job on its tenant's list, in one round trip, or finds what its Idempotency-Key made before.

        Raises QueueFull at a bound, IdempotencyKeyReused if the key came with another body; nothing is queued then.
        Raises Unavailable also when too few replicas have the job: send it again with the same Idempotency-Key.
        """
        place, *other = self._of(job.tenant)
        return enqueue_moving(place, other[0], job) if other else place.enqueue(job)

    def claim(self, *, max_jobs: int, max_records: int, lease_ms: int) -> _Jobs:
        """Takes a fair batch, each job leased for `lease_ms` under its `token`; empty if nothing waits.

        Due retries and expired leases are returned to their lists first. At least one job is taken, however many
        records it has. `max_jobs` is 1 to 500. All are of one shard; the next call begins at the shard after it.
        """
        for step in range(len(self._served)):
            at = (self._turn + step) % len(self._served)
            if jobs := self._served[at].claim(max_jobs=max_jobs, max_records=max_records, lease_ms=lease_ms):
                self._turn = at + 1
                return jobs
        self._turn += 1
        return []

    def wait_for_work(self, timeout: float) -> bool:
        """Waits up to `timeout` seconds; True as soon as a claim would find something to do."""
        return wait_for_any(self._served, timeout)

    def progress(self, job: Job, processed: int) -> bool:
        """Says how many records, from the first, are done for good; False if the job is no longer this token's.

        A job that is interrupted, by a lease that ran out, a release, a failed attempt or a redrive, is claimed again
        with its `processed`, so that the next consumer goes on where this one stood.
        """
        return self._shards[job.shard].progress(job, processed)

    def ack(self, done: Sequence[tuple[Job, str]]) -> _Oks:
        """Completes jobs, each with its result (JSON); False where the job is no longer this token's."""
        results = {job.id: result for job, result in done}
        return self._at_each(
            [job for job, _ in done], lambda shard, jobs: shard.ack([(j, results[j.id]) for j in jobs])
        )

    def fail(self, job: Job, error: str) -> FailOutcome:
        """Ends an attempt with an error (JSON): the job is delayed for the next one, or failed for good."""
        return self._shards[job.shard].fail(job, error)

    def release(self, jobs: Sequence[Job]) -> _Oks:
        """Gives jobs back to the front of their lists, charging no attempt; False where one is not this token's."""
        return self._at_each(jobs, Shard.release)

    def cancel(self, tenant: str, job_id: str) -> Job:
        """Cancels a job that waits or is delayed. Raises NotFound if it is not this tenant's, Conflict if it runs."""
        job = self._of_tenant(tenant, job_id)
        return self._shards[job.shard].cancel(job)

    def redrive(self, tenant: str, job_id: str) -> Job:
        """Puts a failed job back with fresh attempts. Raises NotFound if it is not this tenant's, else Conflict."""
        job = self._of_tenant(tenant, job_id)
        return self._shards[job.shard].redrive(job)

    def unburied(self, limit: int = 100) -> _Jobs:
        """Jobs that failed for good, by `fail` or for stalling, until `bury` is said of each; without their data.

        A consumer that keeps books of its own notes them there. Should it end before `bury`, they are told again.
        """
        found: _Jobs = []
        for shard in self._served:
            found += shard.unburied(limit - len(found)) if len(found) < limit else []
        return found

    def bury(self, jobs: Sequence[Job]) -> None:
        """Says that these failed jobs need no longer be told of by `unburied`; they stay among the dead."""
        for number in {job.shard for job in jobs}:
            self._shards[number].bury([job for job in jobs if job.shard == number])

    def pause(self, tenant: str | None) -> None:
        """From now on nothing of the tenant is claimed (None: of any); its jobs are accepted, and wait.

        What a consumer holds already, it may finish. Retries that fall due and leases that run out return to their
        lists and wait there. It lasts until `resume`, also when Redis and all consumers start anew.
        """
        for shard in self._named(tenant):
            shard.pause(tenant)

    def resume(self, tenant: str | None) -> None:
        """Ends the pause of the tenant, or that of all (None), which leaves those paused that were so by name.

        Whoever resumes should `ring` for each of `places`: consumers that wait notice within a second, but none may be
        awake.
        """
        for shard in reversed(self._named(tenant)):  # else a tenant that moves would look as if paused before the move
            shard.resume(tenant)

    def paused(self) -> frozenset[str]:
        """The tenants that are paused by name, and `*` if all are."""
        return frozenset().union(*(shard.paused() for shard in self._shards))

    def ring(self, shard: int = 0) -> bool:
        """Whether the caller should wake a consumer now (after a redrive, say); False if that was done just now."""
        return self._shards[shard].ring()

    def places(self, tenant: str | None) -> tuple[int, ...]:
        """The shards in which a tenant's jobs may be; None: those of all."""
        return tuple(range(len(self._shards))) if tenant is None else self._layout.places(tenant)

    def get(self, job_id: str, *, tenant: str | None = None) -> Job | None:
        """The job, without its data; None if it is unknown or forgotten.

        `tenant` tells where to look, no more: with one shard, the job of whatever tenant is found. Without it, every
        shard is asked.
        """
        for number in self.places(tenant):
            if job := self._shards[number].get(job_id):
                return job
        return None

    def list(self, tenant: str, *, state: JobState | None, before: str | None, limit: int) -> _Jobs:
        """The tenant's jobs, newest first, without their data: up to `limit` that are older than the job `before`."""
        parts = [shard.list(tenant, state=state, before=before, limit=limit) for shard in self._of(tenant)]
        if len(parts) == 1:
            return parts[0]
        return sorted((job for part in parts for job in part), key=attrgetter("id"), reverse=True)[:limit]

    def counts(self) -> Counts:
        """How many jobs of all tenants are in which state."""
        parts = [shard.counts() for shard in self._shards]
        return Counts(*(sum(map(attrgetter(name), parts)) for name in ("waiting", "active", "delayed", "failed")))

    def figures(self, tenant: str | None) -> Figures:
        """What waits, for how long, and whose it is: of one tenant, or (None) of all and of each that stands out."""
        return together([self._shards[number].figures(tenant) for number in self.places(tenant)])

    def shards(self) -> Sequence[ShardCounts]:
        """How many jobs are in which state, shard by shard, and how many tenants have jobs where new ones do not go."""
        return [
            ShardCounts(shard.counts(), sum(self._layout.places(who)[0] != shard.number for who in shard.tenants()))
            for shard in self._shards
        ]

    def ping(self) -> None:
        """Returns if Redis answers; raises Unavailable if not."""
        for shard in self._shards:
            shard.ping()

    def check_server(self) -> None:
        """Raises UnsafeServer, which is Unavailable, if Redis may evict jobs when its memory is full."""
        for shard in self._shards:
            shard.check_server()

    def _of(self, tenant: str) -> Sequence[Shard]:
        return [self._shards[number] for number in self._layout.places(tenant)]

    def _named(self, tenant: str | None) -> Sequence[Shard]:
        if tenant in {"", ALL}:
            raise ValueError("None stands for all tenants; a tenant has a name other than '*'")
        return [self._shards[number] for number in self.places(tenant)]

    def _of_tenant(self, tenant: str, job_id: str) -> Job:
        job = self.get(job_id, tenant=tenant)
        if job is None or job.tenant != tenant:
            raise NotFound
        return job

    def _at_each(self, jobs: Sequence[Job], verb: Callable[[Shard, _Jobs], _Oks]) -> _Oks:
        """The replies, in the order of the jobs, of a verb that takes the jobs of a shard together."""
        replies: dict[int, bool] = {}
        for number in {job.shard for job in jobs}:
            mine = [at for at, job in enumerate(jobs) if job.shard == number]
            replies.update(zip(mine, verb(self._shards[number], [jobs[at] for at in mine]), strict=True))
        return [replies[at] for at in range(len(jobs))]
