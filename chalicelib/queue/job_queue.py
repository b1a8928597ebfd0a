"""JobQueue: the verbs of the queue, each one Lua script (see `lua/`) that moves a job along an arrow of JobState."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TypeAlias

from redis import Redis, RedisCluster

from chalicelib.domain.job_state import JobState
from chalicelib.errors import Conflict, IdempotencyKeyReused, NotFound, QueueFull, Unavailable
from chalicelib.queue.burying import bury, unburied
from chalicelib.queue.claiming import MAX_JOBS, Claims
from chalicelib.queue.commands import Commands
from chalicelib.queue.figures import counts, figures
from chalicelib.queue.home import Home
from chalicelib.queue.job import Job, NewJob, job_from_values
from chalicelib.queue.keys import ALL, Keys
from chalicelib.queue.listing import recent_jobs
from chalicelib.queue.replies import Counts, Enqueued, FailOutcome, Figures
from chalicelib.queue.server import check_eviction
from chalicelib.queue.settings import Limits, Retention
from chalicelib.queue.wire import Command, Wire

_Jobs: TypeAlias = list[Job]  # inside the class, `list` is the verb
_Oks: TypeAlias = list[bool]

_NAP = 1.0
_NOT_SAFE = "The job is not yet safe from a failover; send it again with the same Idempotency-Key."


class JobQueue:
    """A queue of jobs on Redis lists, fair between tenants, delivering each job at least once.

        queue = JobQueue(redis)
        queue.enqueue(NewJob(new_job_id(), "oak", "mark", Lane.INTERACTIVE, 30, b"…", meta="{}", submitted_by="ann"))
        for job in queue.claim(max_jobs=50, max_records=5_000, lease_ms=60_000):
            queue.ack([(job, "{}")])

    `redis` (or a cluster) decodes no responses; its socket timeout is longer than a second and than `wait_ms`. With
    `min_replicas`, a job counts as accepted once so many replicas have it, within `wait_ms`. Every verb raises
    Unavailable when Redis is away, and may then be called again with the same arguments.
    """

    def __init__(
        self,
        redis: Redis | RedisCluster,
        *,
        name: str = "rollcall",
        limits: Limits = Limits(),  # noqa: B008  frozen
        retention: Retention = Retention(),  # noqa: B008  frozen
        bell_ms: int = 1_000,
        min_replicas: int = 0,
        wait_ms: int = 100,
    ) -> None:
        self._keys = keys = Keys(name)
        self._wire = Wire(Home(redis, keys.ring))
        self._commands = Commands(keys, limits, retention)
        self._claims = Claims(self._wire, keys, self._commands)
        self._bell_ms, self._min_replicas, self._wait_ms = bell_ms, min_replicas, wait_ms

    def enqueue(self, job: NewJob) -> Enqueued:
        """Puts the job on its tenant's list, in one round trip, or finds what its Idempotency-Key made before.

        Raises QueueFull at a bound, IdempotencyKeyReused if the key came with another body; nothing is queued then.
        Raises Unavailable also when too few replicas have the job: send it again with the same Idempotency-Key.
        """
        command = self._commands.enqueue(job, self._bell_ms)
        wait: list[Command] = [("WAIT", self._min_replicas, self._wait_ms)] if self._min_replicas else []
        [what, found, submitted_at, ring], *replicas = self._wire.send(command, *wait)
        if what == b"full":
            raise QueueFull(headers={"Retry-After": "5"})
        if what == b"conflict":
            raise IdempotencyKeyReused
        if replicas and replicas[0] < self._min_replicas:
            raise Unavailable(_NOT_SAFE, headers={"Retry-After": "1"})
        if what == b"created":
            return Enqueued(job.id, True, JobState.WAITING, int(submitted_at), job.size, bool(ring))
        before = self.get(found.decode())
        if before is None:
            raise Conflict("The job that this Idempotency-Key made is no longer known.")
        return Enqueued(before.id, False, before.state, before.submitted_at, before.total, ring=False)

    def claim(self, *, max_jobs: int, max_records: int, lease_ms: int) -> _Jobs:
        """Takes a fair batch, each job leased for `lease_ms` under its `token`; empty if nothing waits.

        Due retries and expired leases are returned to their lists first. At least one job is taken, however many
        records it has. `max_jobs` is 1 to 500.
        """
        if not 1 <= max_jobs <= MAX_JOBS or lease_ms < 1:
            raise ValueError(f"a claim takes 1 to {MAX_JOBS} jobs for at least a millisecond")
        return self._claims.take(max_jobs, max_records, lease_ms)

    def wait_for_work(self, timeout: float) -> bool:
        """Waits up to `timeout` seconds; True as soon as a claim would find something to do."""
        deadline = time.monotonic() + timeout
        while True:
            seen = self._claims.peek(tenants=1, tidy=1)
            if seen.tenants or seen.next_in_ms == 0:
                return True
            # Short naps: a retry may become due that was not there when we looked, and sockets have a timeout.
            nap = min(_NAP, deadline - time.monotonic(), (seen.next_in_ms or _NAP * 1_000) / 1_000)
            if nap <= 0:
                return False
            if seen.paused:
                time.sleep(nap)  # the ring may be full of tenants that nobody may serve
            else:
                self._wire.send(self._commands.wait(nap))

    def progress(self, job: Job, processed: int) -> bool:
        """Says how many records, from the first, are done for good; False if the job is no longer this token's.

        A job that is interrupted, by a lease that ran out, a release, a failed attempt or a redrive, is claimed again
        with its `processed`, so that the next consumer goes on where this one stood.
        """
        [held] = self._wire.send(self._commands.progress(job, processed))
        return bool(held)

    def ack(self, done: Sequence[tuple[Job, str]]) -> _Oks:
        """Completes jobs, each with its result (JSON); False where the job is no longer this token's."""
        return [bool(held) for held in self._wire.send(*(self._commands.ack(job, result) for job, result in done))]

    def fail(self, job: Job, error: str) -> FailOutcome:
        """Ends an attempt with an error (JSON): the job is delayed for the next one, or failed for good."""
        [outcome] = self._wire.send(self._commands.fail(job, error))
        return FailOutcome(outcome.decode())

    def release(self, jobs: Sequence[Job]) -> _Oks:
        """Gives jobs back to the front of their lists, charging no attempt; False where one is not this token's."""
        # The newest goes to the front first, so that the oldest ends there.
        order = sorted(range(len(jobs)), key=lambda at: jobs[at].submitted_at, reverse=True)
        replies = self._wire.send(*(self._commands.release(jobs[at]) for at in order))
        held = dict(zip(order, replies, strict=True))
        return [bool(held[at]) for at in range(len(jobs))]

    def cancel(self, tenant: str, job_id: str) -> Job:
        """Cancels a job that waits or is delayed. Raises NotFound if it is not this tenant's, Conflict if it runs."""
        command = self._commands.cancel(self._of_tenant(tenant, job_id).ref)
        return self._moved(job_id, command, JobState.CANCELLED, "cancelled")

    def redrive(self, tenant: str, job_id: str) -> Job:
        """Puts a failed job back with fresh attempts. Raises NotFound if it is not this tenant's, else Conflict."""
        command = self._commands.redrive(self._of_tenant(tenant, job_id).ref)
        return self._moved(job_id, command, JobState.WAITING, "retried")

    def unburied(self, limit: int = 100) -> _Jobs:
        """Jobs that failed for good, by `fail` or for stalling, until `bury` is said of each; without their data.

        A consumer that keeps books of its own notes them there. Should it end before `bury`, they are told again.
        """
        return unburied(self._wire, self._keys, limit)

    def bury(self, jobs: Sequence[Job]) -> None:
        """Says that these failed jobs need no longer be told of by `unburied`; they stay among the dead."""
        bury(self._wire, self._keys, jobs)

    def pause(self, tenant: str | None) -> None:
        """From now on nothing of the tenant is claimed (None: of any); its jobs are accepted, and wait.

        What a consumer holds already, it may finish. Retries that fall due and leases that run out return to their
        lists and wait there. It lasts until `resume`, also when Redis and all consumers start anew.
        """
        self._wire.send(self._commands.pause(_named(tenant)))

    def resume(self, tenant: str | None) -> None:
        """Ends the pause of the tenant, or that of all (None), which leaves those paused that were so by name.

        Whoever resumes should `ring`: consumers that wait notice within a second, but none may be awake.
        """
        self._wire.send(self._commands.resume(_named(tenant)))

    def paused(self) -> frozenset[str]:
        """The tenants that are paused by name, and `*` if all are."""
        [members] = self._wire.send(("SMEMBERS", self._keys.paused))
        return frozenset(member.decode() for member in members)

    def ring(self) -> bool:
        """Whether the caller should wake a consumer now (after a redrive, say); False if that was done just now."""
        [rung] = self._wire.send(self._commands.ring(self._bell_ms))
        return bool(rung)

    def get(self, job_id: str) -> Job | None:
        """The job, of whatever tenant, without its data; None if it is unknown or forgotten."""
        [values] = self._wire.send(self._commands.read(job_id))
        return job_from_values(values)

    def list(self, tenant: str, *, state: JobState | None, before: str | None, limit: int) -> _Jobs:
        """The tenant's jobs, newest first, without their data: up to `limit` that are older than the job `before`."""
        return recent_jobs(self._wire, self._keys, tenant, state, before, limit)

    def counts(self) -> Counts:
        """How many jobs of all tenants are in which state."""
        return counts(self._wire, self._commands)

    def figures(self, tenant: str | None) -> Figures:
        """What waits, for how long, and whose it is: of one tenant, or (None) of all and of each that stands out."""
        return figures(self._wire, self._keys, self._commands, tenant)

    def ping(self) -> None:
        """Returns if Redis answers; raises Unavailable if not."""
        self._wire.send(("PING",))

    def check_server(self) -> None:
        """Raises UnsafeServer, which is Unavailable, if Redis may evict jobs when its memory is full."""
        check_eviction(self._wire)

    def _of_tenant(self, tenant: str, job_id: str) -> Job:
        job = self.get(job_id)
        if job is None or job.tenant != tenant:
            raise NotFound
        return job

    def _moved(self, job_id: str, command: Command, to: JobState, verb: str) -> Job:
        """The job after `command`, which answers the state that it is in now, or the one that forbids the move."""
        reply, values = self._wire.send(command, self._commands.read(job_id))
        job = job_from_values(values)
        if job is None:
            raise NotFound
        if reply.decode() != to:
            raise Conflict(f"The job is {job.state}, so it cannot be {verb}.")
        return job


def _named(tenant: str | None) -> str | None:
    if tenant in {"", ALL}:
        raise ValueError("None stands for all tenants; a tenant has a name other than '*'")
    return tenant
