"""How a claim works: peek; tidy up and read the lists; take the planned jobs. One round trip each."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.queue.job import Job, job_from_fields
from chalicelib.queue.keys import Keys
from chalicelib.queue.plan import Heads, plan
from chalicelib.queue.ref import JobRef, Lane
from chalicelib.queue.settings import Limits, Retention
from chalicelib.queue.wire import Command, Wire, script

MAX_JOBS = 500
"""Jobs a claim at most: ElastiCache Serverless takes 3,999 arguments a command, and a job needs up to six."""
_TIDY = 100
_TRIES = 3
_STALLED = json.dumps({"code": "stalled", "detail": "The consumers that took this job ended before they finished it."})


@dataclass(frozen=True, slots=True)
class Peek:
    """What a consumer could do now; `next_in_ms` is None if there is neither a lease nor a retry to wait for."""

    claims: int
    tenants: list[str]
    expired: list[JobRef]
    due: list[JobRef]
    next_in_ms: int | None


class Claims:
    """Takes jobs off the lists."""

    def __init__(self, wire: Wire, keys: Keys, limits: Limits, retention: Retention) -> None:
        self._wire, self._keys, self._limits, self._retention = wire, keys, limits, retention

    def peek(self, tenants: int, tidy: int = _TIDY) -> Peek:
        """A look at the ring's first `tenants`, and at up to `tidy` expired leases and due retries each."""
        keys = self._keys
        [reply] = self._wire.send(script("peek", (keys.ring, keys.leases, keys.delayed, keys.claims), (tenants, tidy)))
        claims, ring, expired, due, next_in = reply
        return Peek(
            claims=claims,
            tenants=[tenant.decode() for tenant in ring],
            expired=[JobRef.parse(ref) for ref in expired],
            due=[JobRef.parse(ref) for ref in due],
            next_in_ms=None if next_in < 0 else next_in,
        )

    def take(self, max_jobs: int, max_records: int, lease_ms: int) -> list[Job]:
        """The jobs of one fair batch, leased together; empty if nothing waits."""
        for _ in range(_TRIES):
            seen = self.peek(max_jobs)
            if not (seen.tenants or seen.expired or seen.due):
                return []
            heads = self._tidy_and_read(seen, max_jobs)
            chosen = plan(heads, claim=seen.claims, max_jobs=max_jobs, max_records=max_records)
            # A tenant on the ring without a job is no harm, but the claim takes it off as it passes.
            idle = (tenant for tenant, lanes in heads.items() if not any(lanes.values()))
            tenants = list(dict.fromkeys([*(ref.tenant for ref in chosen), *idle]))
            if not tenants:
                return []
            [hashes] = self._wire.send(self._claim(tenants, chosen, lease_ms))
            if hashes:
                return [_job(flat) for flat in hashes]
        return []

    def _tidy_and_read(self, seen: Peek, max_jobs: int) -> dict[str, Heads]:
        """Returns expired leases and due retries to their lists, then reads the heads of the lists."""
        # Each returned job goes to the very front, so the newest goes first and the oldest ends there.
        expired = sorted(seen.expired, key=lambda ref: ref.id, reverse=True)
        tidy = [self._reap(ref) for ref in expired] + [self._promote(ref) for ref in seen.due]
        tenants = list(dict.fromkeys([*seen.tenants, *(ref.tenant for ref in [*expired, *seen.due])]))
        # Four times a fair share each bounds what is read and still fills the batch when some have little.
        depth = min(max_jobs, -(-4 * max_jobs // len(tenants)))
        reads: list[Command] = [
            ("LRANGE", self._keys.waiting(tenant, lane), 0, depth - 1) for tenant in tenants for lane in Lane
        ]
        replies = iter(self._wire.send(*tidy, *reads)[len(tidy) :])
        return {tenant: {lane: [JobRef.parse(ref) for ref in next(replies)] for lane in Lane} for tenant in tenants}

    def _claim(self, tenants: Sequence[str], chosen: Sequence[JobRef], lease_ms: int) -> Command:
        keys = self._keys
        lists = [keys.waiting(tenant, lane) for tenant in tenants for lane in Lane]
        number = {name: at for at, name in enumerate(lists, start=1)}
        planned = ((number[keys.waiting(ref.tenant, ref.lane)], ref.encode()) for ref in chosen)
        return script(
            "claim",
            (keys.ring, keys.leases, keys.claims, *lists, *(keys.job(ref.id) for ref in chosen)),
            (lease_ms, secrets.token_hex(12), len(tenants), *tenants, *(arg for pair in planned for arg in pair)),
        )

    def _reap(self, ref: JobRef) -> Command:
        keys = self._keys
        return script(
            "reap",
            (keys.leases, keys.job(ref.id), *keys.lists(ref), keys.ring, keys.depth, keys.dead),
            (ref.encode(), ref.tenant, self._limits.max_stalls, _STALLED, self._retention.failed * 1000),
        )

    def _promote(self, ref: JobRef) -> Command:
        keys = self._keys
        return script(
            "promote",
            (keys.delayed, keys.job(ref.id), *keys.lists(ref), keys.ring),
            (ref.encode(), ref.tenant),
        )


def _job(flat: Sequence[Any]) -> Job:
    return job_from_fields({name.decode(): value for name, value in zip(flat[::2], flat[1::2], strict=True)})
