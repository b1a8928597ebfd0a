"""The names of a shard's keys in Redis; they share one hash tag, so a script may touch them all in a cluster."""

from __future__ import annotations

from chalicelib.queue.ref import JobRef, Lane

ALL = "*"
"""Stands for all tenants in `depth` and `paused`; no tenant may be called so."""


class Keys:
    """The keys of a shard of the queue called `name`. The first is tagged `{name}`, the next `{name-1}`, `{name-2}` …

    ring      LIST of the tenants that have waiting jobs and are not paused, each once, the next to be served first
    waiting   LIST of refs, one a tenant and lane, oldest first
    job       HASH of one job
    leases    ZSET ref → ms at which its lease expires
    delayed   ZSET ref → ms at which its retry is due
    retries   HASH tenant → its delayed jobs
    dead      ZSET ref → ms at which it failed
    dead_of   ZSET of a tenant's failed jobs: id → ms at which it failed
    failed    ZSET of the same ids, all of score 0, so in the order of their text: by time of submission
    unburied  SET of the refs of failed jobs that no consumer has buried yet
    depth     ZSET tenant → its unfinished jobs (waiting, delayed and active); `*` → those of all
    paused    SET of the tenants that are paused; `*` while all are
    recent    ZSET of a tenant's job ids, all of score 0, so in the order of their text: by time
    idem      STRING `<job id> <digest of the body>` of one Idempotency-Key
    clock     STRING the last submitted_at given out, µs
    claims    STRING number of claims made
    bell      STRING there while the doorbell need not be rung again
    """

    def __init__(self, name: str, shard: int = 0) -> None:
        if not name or "{" in name or "}" in name:
            raise ValueError("a queue's name may not be empty nor hold a brace")
        self.shard = shard
        # With the usual name, four tags in a row come to the four quarters of a cluster's slots.
        self._prefix = prefix = f"{{{name}-{shard}}}:" if shard else f"{{{name}}}:"
        self.ring = prefix + "ring"
        self.leases = prefix + "leases"
        self.delayed = prefix + "delayed"
        self.retries = prefix + "retries"
        self.dead = prefix + "dead"
        self.unburied = prefix + "unburied"
        self.depth = prefix + "depth"
        self.paused = prefix + "paused"
        self.clock = prefix + "clock"
        self.claims = prefix + "claims"
        self.bell = prefix + "bell"

    def job(self, job_id: str) -> str:
        """The hash of a job."""
        return f"{self._prefix}job:{job_id}"

    def waiting(self, tenant: str, lane: Lane) -> str:
        """The list of a tenant's lane."""
        return f"{self._prefix}waiting:{tenant}:{lane}"

    def lists(self, ref: JobRef) -> tuple[str, str]:
        """The list that a ref belongs on, and that of its tenant's other lane."""
        return self.waiting(ref.tenant, ref.lane), self.waiting(ref.tenant, ref.lane.other)

    def dead_of(self, tenant: str) -> str:
        """The tenant's failed jobs by the time they failed."""
        return f"{self._prefix}dead:{tenant}"

    def failed(self, tenant: str) -> str:
        """The tenant's failed jobs by the time they were submitted."""
        return f"{self._prefix}failed:{tenant}"

    def recent(self, tenant: str) -> str:
        """The tenant's jobs by time."""
        return f"{self._prefix}recent:{tenant}"

    def idem(self, tenant: str, digest: str) -> str:
        """What a tenant's Idempotency-Key made."""
        return f"{self._prefix}idem:{tenant}:{digest}"
