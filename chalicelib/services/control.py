"""Look at the queue, pause and resume it: for a tenant's office, and for operators over all tenants."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from chalicelib.queue import JobQueue, UnsafeServer
from chalicelib.services.doorbell import Doorbell
from chalicelib.services.pulse import RedisPulse

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DrainState:
    """How the drain's work went last, and when that was; `unknown` if it had nothing to do for minutes."""

    state: Literal["ok", "outage", "unknown"]
    at: datetime | None


@dataclass(frozen=True, slots=True)
class QueueView:
    """Jobs by state, of one tenant or of all. `paused` is true if the tenant is, or all are."""

    waiting: int
    active: int
    delayed: int
    failed: int
    oldest_waiting_ms: int | None
    paused: bool
    drain: DrainState
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class QueueControl:
    """Every verb takes a tenant's id, or None for all tenants, and raises Unavailable while Redis is away."""

    queue: JobQueue
    pulse: RedisPulse
    doorbell: Doorbell

    def look(self, tenant: str | None) -> QueueView:
        """The queue as it is now."""
        load = self.queue.figures(tenant).all
        return QueueView(
            waiting=load.waiting,
            active=load.active,
            delayed=load.delayed,
            failed=load.failed,
            oldest_waiting_ms=load.oldest_ms,
            paused=load.paused,
            drain=self._drain_state(),
            warnings=self._warnings(),
        )

    def pause(self, tenant: str | None, by: str) -> QueueView:
        """From now on nothing is claimed; jobs are accepted and wait. Twice is as once."""
        self.queue.pause(tenant)
        log.warning("the queue of %s is paused by %s", tenant or "all tenants", by)
        return self.look(tenant)

    def resume(self, tenant: str | None, by: str) -> QueueView:
        """What waits is claimed again, at once. Who is paused by name stays so when all are resumed."""
        self.queue.resume(tenant)
        log.warning("the queue of %s is resumed by %s", tenant or "all tenants", by)
        for shard in self.queue.places(tenant):
            if self.queue.ring(shard):
                self.doorbell.ring(shard)
        return self.look(tenant)

    def _drain_state(self) -> DrainState:
        beat = self.pulse.last()
        return DrainState(beat.state, beat.at) if beat is not None else DrainState("unknown", None)

    def _warnings(self) -> list[str]:
        try:
            self.queue.check_server()
        except UnsafeServer as danger:
            return [danger.detail]
        return []
