"""The commands behind the verbs: the one place that lays out KEYS and ARGV as the headers in `lua/` name them."""

from __future__ import annotations

import json
import random
import secrets
from collections.abc import Sequence

from chalicelib.queue.job import CLAIMED, SHOWN, Idempotency, Job, NewJob
from chalicelib.queue.keys import ALL, Keys
from chalicelib.queue.ref import JobRef, Lane
from chalicelib.queue.settings import Limits, Retention
from chalicelib.queue.wire import Argument, Command, script

_LONGEST_BACKOFF_MS = 24 * 3_600_000
_STALLED = json.dumps({"code": "stalled", "detail": "The consumers that took this job ended before they finished it."})
_random = random.SystemRandom()


class Commands:
    """Makes commands, each ready for `Wire.send`."""

    def __init__(self, keys: Keys, limits: Limits, retention: Retention) -> None:
        self._keys, self._limits, self._retention = keys, limits, retention

    def enqueue(self, job: NewJob, bell_ms: int, after: int = 0) -> Command:
        """A new job, submitted later than `after` (µs)."""
        keys, key = self._keys, job.idempotency
        names = [
            keys.job(job.id), *keys.lists(job.ref), keys.ring, keys.depth, keys.recent(job.tenant), keys.clock,
            keys.bell, keys.paused,
        ]  # fmt: skip
        if key:
            names.append(keys.idem(job.tenant, key.key))
        bounds = self._limits.per_tenant, self._limits.total
        kept_ms = self._retention.listed * 1000, self._retention.idempotency * 1000
        fields = [item for pair in job.to_fields().items() for item in pair]
        return script(
            "enqueue",
            names,
            (job.ref.encode(), job.id, job.tenant, *bounds, bell_ms, *kept_ms, key.body if key else "", after, *fields),
        )

    def peek(self, tenants: int, tidy: int) -> Command:
        """A look at what could be done."""
        keys = self._keys
        return script("peek", (keys.ring, keys.leases, keys.delayed, keys.claims, keys.paused), (tenants, tidy))

    def claim(self, tenants: Sequence[str], chosen: Sequence[JobRef], lease_ms: int) -> Command:
        """The planned jobs, all of `tenants`, under one new token."""
        keys = self._keys
        lists = [keys.waiting(tenant, lane) for tenant in tenants for lane in Lane]
        number = {name: at for at, name in enumerate(lists, start=1)}
        planned = ((number[keys.waiting(ref.tenant, ref.lane)], ref.encode()) for ref in chosen)
        return script(
            "claim",
            (keys.ring, keys.leases, keys.claims, keys.paused, *lists, *(keys.job(ref.id) for ref in chosen)),
            (
                lease_ms,
                secrets.token_hex(12),
                len(tenants),
                *tenants,
                *(arg for pair in planned for arg in pair),
                *CLAIMED,
            ),
        )

    def reap(self, ref: JobRef) -> Command:
        """An expired lease."""
        keys = self._keys
        return script(
            "reap",
            (keys.leases, keys.job(ref.id), *keys.lists(ref), keys.ring, keys.paused, keys.depth, *self._graves(ref)),
            (ref.encode(), ref.tenant, ref.id, self._limits.max_stalls, _STALLED, self._retention.failed * 1000),
        )

    def promote(self, ref: JobRef) -> Command:
        """A due retry."""
        keys = self._keys
        return script(
            "promote",
            (keys.delayed, keys.job(ref.id), *keys.lists(ref), keys.ring, keys.paused, keys.retries),
            (ref.encode(), ref.tenant),
        )

    def progress(self, job: Job, processed: int) -> Command:
        """Records done."""
        return script("progress", [self._keys.job(job.id)], [job.token, processed])

    def ack(self, job: Job, result: str) -> Command:
        """The end of a job, with its result (JSON)."""
        keys = self._keys
        return script(
            "ack",
            (keys.job(job.id), keys.leases, keys.depth),
            (job.ref.encode(), job.tenant, job.token, result, self._retention.completed * 1000),
        )

    def fail(self, job: Job, error: str) -> Command:
        """The end of an attempt, with its error (JSON)."""
        keys, ref, kept_ms = self._keys, job.ref, self._retention.failed * 1000
        return script(
            "fail",
            (keys.job(job.id), keys.leases, keys.delayed, keys.retries, keys.depth, *self._graves(ref)),
            (ref.encode(), ref.tenant, ref.id, job.token, error, kept_ms, _random.random(), _LONGEST_BACKOFF_MS),
        )

    def release(self, job: Job) -> Command:
        """A lease given back."""
        keys = self._keys
        return script(
            "release",
            (keys.job(job.id), keys.leases, *keys.lists(job.ref), keys.ring, keys.paused),
            (job.ref.encode(), job.tenant, job.token),
        )

    def cancel(self, ref: JobRef) -> Command:
        """A job that shall not run."""
        keys = self._keys
        return script(
            "cancel",
            (keys.job(ref.id), *keys.lists(ref), keys.ring, keys.delayed, keys.retries, keys.depth),
            (ref.encode(), ref.tenant, self._retention.cancelled * 1000),
        )

    def redrive(self, ref: JobRef) -> Command:
        """A dead job that shall run again."""
        keys = self._keys
        return script(
            "redrive",
            (keys.job(ref.id), *keys.lists(ref), keys.ring, keys.paused, keys.depth, *self._graves(ref)),
            (ref.encode(), ref.tenant, ref.id),
        )

    def pause(self, tenant: str | None) -> Command:
        """A tenant that shall wait; None: all."""
        return script("pause", (self._keys.paused, self._keys.ring), [tenant or ALL])

    def resume(self, tenant: str | None) -> Command:
        """A tenant that need not wait any more; None: all but those that were paused by name."""
        keys, whose = self._keys, tenant or ALL
        return script("resume", (keys.paused, keys.ring, *(keys.waiting(whose, lane) for lane in Lane)), [whose])

    def figures(self, tenants: Sequence[str]) -> Command:
        """How many jobs of all, and of each of these, are in which state."""
        keys = self._keys
        own = (key for who in tenants for key in (*(keys.waiting(who, lane) for lane in Lane), keys.dead_of(who)))
        return script(
            "figures",
            (keys.depth, keys.leases, keys.delayed, keys.dead, keys.retries, keys.paused, *own),
            (self._retention.failed * 1000, *tenants),
        )

    def glimpse(self, tenant: str, key: Idempotency | None) -> tuple[Command, ...]:
        """The last time given out, whether all or the tenant are paused, and what its Idempotency-Key made."""
        keys = self._keys
        kept: tuple[Command, ...] = (("GET", keys.idem(tenant, key.key)),) if key else ()
        return (("GET", keys.clock), ("SMISMEMBER", keys.paused, ALL, tenant), *kept)

    def read(self, job_id: str) -> Command:
        """What is shown of a job."""
        return ("HMGET", self._keys.job(job_id), *SHOWN)

    def ring(self, bell_ms: int) -> Command:
        """The doorbell."""
        return ("SET", self._keys.bell, "1", "NX", "PX", bell_ms)

    def wait(self, seconds: float) -> Command:
        """Sleep in Redis until somebody is on the ring; nothing is moved."""
        ring = self._keys.ring
        arguments: tuple[Argument, ...] = (ring, ring, "LEFT", "LEFT", f"{max(seconds, 0.001):.3f}")
        return ("BLMOVE", *arguments)

    def _graves(self, ref: JobRef) -> tuple[str, str, str, str]:
        """Where a failed job is noted."""
        keys = self._keys
        return keys.dead, keys.dead_of(ref.tenant), keys.failed(ref.tenant), keys.unburied
