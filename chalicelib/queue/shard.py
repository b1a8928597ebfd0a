"""Shard: the verbs on the keys of one slot, each a Lua script (`lua/`) that moves a job along an arrow of JobState."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
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
from chalicelib.queue.ref import JobRef
from chalicelib.queue.replies import Counts, Enqueued, FailOutcome, Figures
from chalicelib.queue.server import check_eviction
from chalicelib.queue.settings import Limits, Retention
from chalicelib.queue.wire import Command, Wire

_Jobs: TypeAlias = list[Job]  # inside the class, `list` is the verb
_Oks: TypeAlias = list[bool]

_NAP = 1.0
_NOT_SAFE = "The job is not yet safe from a failover; send it again with the same Idempotency-Key."


@dataclass(frozen=True, slots=True)
class Glimpse:
    """The last submission's time (µs), and whether the tenant is paused and its Idempotency-Key known."""

    clock: int
    paused: bool
    knows_key: bool


class Shard:
    """A part of the queue that knows of no other: some tenants' jobs, under keys of one hash tag.

    JobQueue tells what its verbs promise.
    """

    def __init__(
        self,
        redis: Redis | RedisCluster,
        keys: Keys,
        *,
        limits: Limits,
        retention: Retention,
        bell_ms: int,
        min_replicas: int,
        wait_ms: int,
    ) -> None:
        self.number = keys.shard
        self._keys = keys
        self._wire = Wire(Home(redis, keys.ring))
        self._commands = Commands(keys, limits, retention)
        self._claims = Claims(self._wire, keys, self._commands)
        self._bell_ms, self._min_replicas, self._wait_ms = bell_ms, min_replicas, wait_ms

    def enqueue(self, job: NewJob, after: int = 0) -> Enqueued:
        """Puts the job on its tenant's list, submitted later than `after` (µs)."""
        command = self._commands.enqueue(job, self._bell_ms, after)
        wait: list[Command] = [("WAIT", self._min_replicas, self._wait_ms)] if self._min_replicas else []
        [what, found, submitted_at, ring], *replicas = self._wire.send(command, *wait)
        if what == b"full":
            raise QueueFull(headers={"Retry-After": "5"})
        if what == b"conflict":
            raise IdempotencyKeyReused
        if replicas and replicas[0] < self._min_replicas:
            raise Unavailable(_NOT_SAFE, headers={"Retry-After": "1"})
        if what == b"created":
            return Enqueued(job.id, True, JobState.WAITING, int(submitted_at), job.size, bool(ring), self.number)
        before = self.get(found.decode())
        if before is None:
            raise Conflict("The job that this Idempotency-Key made is no longer known.")
        return Enqueued(before.id, False, before.state, before.submitted_at, before.total, False, self.number)

    def glimpse(self, job: NewJob) -> Glimpse:
        """What whoever enqueues the job elsewhere should know of this place."""
        clock, paused, *kept = self._wire.send(*self._commands.glimpse(job.tenant, job.idempotency))
        return Glimpse(int(clock or 0), any(paused), any(kept))

    def claim(self, *, max_jobs: int, max_records: int, lease_ms: int) -> _Jobs:
        """Takes a fair batch."""
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
        """Says how many records are done."""
        [held] = self._wire.send(self._commands.progress(job, processed))
        return bool(held)

    def ack(self, done: Sequence[tuple[Job, str]]) -> _Oks:
        """Completes jobs."""
        return [bool(held) for held in self._wire.send(*(self._commands.ack(job, result) for job, result in done))]

    def fail(self, job: Job, error: str) -> FailOutcome:
        """Ends an attempt."""
        [outcome] = self._wire.send(self._commands.fail(job, error))
        return FailOutcome(outcome.decode())

    def release(self, jobs: Sequence[Job]) -> _Oks:
        """Gives jobs back."""
        # The newest goes to the front first, so that the oldest ends there.
        order = sorted(range(len(jobs)), key=lambda at: jobs[at].submitted_at, reverse=True)
        replies = self._wire.send(*(self._commands.release(jobs[at]) for at in order))
        held = dict(zip(order, replies, strict=True))
        return [bool(held[at]) for at in range(len(jobs))]

    def cancel(self, job: Job) -> Job:
        """Cancels the job."""
        return self._moved(job.id, self._commands.cancel(job.ref), JobState.CANCELLED, "cancelled")

    def redrive(self, job: Job) -> Job:
        """Puts the job back with fresh attempts."""
        return self._moved(job.id, self._commands.redrive(job.ref), JobState.WAITING, "retried")

    def unburied(self, limit: int) -> _Jobs:
        """Jobs that failed for good and are not buried."""
        return unburied(self._wire, self._keys, limit)

    def bury(self, jobs: Sequence[Job]) -> None:
        """These need no longer be told of."""
        bury(self._wire, self._keys, jobs)

    def pause(self, tenant: str | None) -> None:
        """Nothing of the tenant (None: of any) is claimed."""
        self._wire.send(self._commands.pause(tenant))

    def resume(self, tenant: str | None) -> None:
        """Ends the pause of the tenant, or that of all (None)."""
        self._wire.send(self._commands.resume(tenant))

    def paused(self) -> frozenset[str]:
        """Who is paused."""
        [members] = self._wire.send(("SMEMBERS", self._keys.paused))
        return frozenset(member.decode() for member in members)

    def ring(self) -> bool:
        """Whether the caller should wake a consumer now."""
        [rung] = self._wire.send(self._commands.ring(self._bell_ms))
        return bool(rung)

    def get(self, job_id: str) -> Job | None:
        """The job, of whatever tenant."""
        [values] = self._wire.send(self._commands.read(job_id))
        return job_from_values(values, self.number)

    def list(self, tenant: str, *, state: JobState | None, before: str | None, limit: int) -> _Jobs:
        """The tenant's jobs, newest first."""
        return recent_jobs(self._wire, self._keys, tenant, state, before, limit)

    def counts(self) -> Counts:
        """How many jobs are in which state."""
        return counts(self._wire, self._commands)

    def figures(self, tenant: str | None) -> Figures:
        """What waits, for how long, and whose it is."""
        return figures(self._wire, self._keys, self._commands, tenant)

    def tenants(self) -> frozenset[str]:
        """Whose jobs are unfinished or dead here."""
        unfinished, dead = self._wire.send(("ZRANGE", self._keys.depth, 0, -1), ("ZRANGE", self._keys.dead, 0, -1))
        return frozenset({who.decode() for who in unfinished} | {JobRef.parse(ref).tenant for ref in dead}) - {ALL}

    def ping(self) -> None:
        """Returns if Redis answers."""
        self._wire.send(("PING",))

    def check_server(self) -> None:
        """Raises UnsafeServer if Redis may evict jobs."""
        check_eviction(self._wire)

    def _moved(self, job_id: str, command: Command, to: JobState, verb: str) -> Job:
        """The job after `command`, which answers the state that it is in now, or the one that forbids the move."""
        reply, values = self._wire.send(command, self._commands.read(job_id))
        job = job_from_values(values, self.number)
        if job is None:
            raise NotFound
        if reply.decode() != to:
            raise Conflict(f"The job is {job.state}, so it cannot be {verb}.")
        return job
