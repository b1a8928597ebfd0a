"""How a claim works: peek; tidy up and read the lists; take the planned jobs. One round trip each."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.queue.commands import Commands
from chalicelib.queue.job import Job, job_from_values
from chalicelib.queue.keys import ALL, Keys
from chalicelib.queue.plan import Heads, plan
from chalicelib.queue.ref import JobRef, Lane
from chalicelib.queue.wire import Command, Wire

MAX_JOBS = 500
"""Jobs a claim at most: ElastiCache Serverless takes 3,999 arguments a command, and a job needs up to six."""
_TIDY = 100
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Peek:
    """What a consumer could do now; `next_in_ms` is None if there is neither a lease nor a retry to wait for.

    While all are `paused`, there are no `tenants`; leases expire and retries fall due as ever.
    """

    claims: int
    tenants: list[str]
    expired: list[JobRef]
    due: list[JobRef]
    next_in_ms: int | None
    paused: bool


class Claims:
    """Takes jobs off the lists."""

    def __init__(self, wire: Wire, keys: Keys, commands: Commands) -> None:
        self._wire, self._keys, self._commands = wire, keys, commands

    def peek(self, tenants: int, tidy: int = _TIDY) -> Peek:
        """A look at the ring's first `tenants`, and at up to `tidy` expired leases and due retries each."""
        [(claims, ring, expired, due, next_in, paused)] = self._wire.send(self._commands.peek(tenants, tidy))
        return Peek(
            claims=claims,
            tenants=[tenant.decode() for tenant in ring],
            expired=[JobRef.parse(ref) for ref in expired],
            due=[JobRef.parse(ref) for ref in due],
            next_in_ms=None if next_in < 0 else next_in,
            paused=bool(paused),
        )

    def take(self, max_jobs: int, max_records: int, lease_ms: int) -> list[Job]:
        """The jobs of one fair batch, leased together; empty if nothing waits that is not paused."""
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
            [claimed] = self._wire.send(self._commands.claim(tenants, chosen, lease_ms))
            if claimed:
                return [job for values in claimed if (job := job_from_values(values, self._keys.shard))]
        return []

    def _tidy_and_read(self, seen: Peek, max_jobs: int) -> dict[str, Heads]:
        """Returns expired leases and due retries to their lists, then reads the heads of the lists.

        The tenants of the ring are not paused. Those of whom a job was returned may be, and are left out then.
        """
        # Each returned job goes to the very front, so the newest goes first and the oldest ends there.
        expired = sorted(seen.expired, key=lambda ref: ref.id, reverse=True)
        tidy = [self._commands.reap(ref) for ref in expired] + [self._commands.promote(ref) for ref in seen.due]
        late = list(dict.fromkeys(ref.tenant for ref in [*expired, *seen.due] if ref.tenant not in seen.tenants))
        ask: list[Command] = [("SMISMEMBER", self._keys.paused, ALL, *late)] if late else []
        tenants = [*seen.tenants, *late]
        # Four times a fair share each bounds what is read and still fills the batch when some have little.
        depth = min(max_jobs, -(-4 * max_jobs // len(tenants)))
        reads: list[Command] = [
            ("LRANGE", self._keys.waiting(tenant, lane), 0, depth - 1) for tenant in tenants for lane in Lane
        ]
        replies = self._wire.send(*tidy, *ask, *reads)[len(tidy) :]
        all_shut, *shut = replies.pop(0) if late else [0]
        left_out = {tenant for tenant, paused in zip(late, shut, strict=True) if paused or all_shut}
        lists = iter(replies)
        heads = {tenant: {lane: [JobRef.parse(ref) for ref in next(lists)] for lane in Lane} for tenant in tenants}
        return {tenant: lanes for tenant, lanes in heads.items() if tenant not in left_out}
