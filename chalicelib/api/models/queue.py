"""The queue as GET /queue tells it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from chalicelib.api.models.fields import Instant, Told


class DrainTold(Told):
    """How the consumer's work went last: `outage` if it had to give jobs back, `unknown` after minutes without work."""

    state: Literal["ok", "outage", "unknown"]
    at: Instant | None


class QueueTold(Told):
    """The tenant's own jobs by state, and whether they are being worked on."""

    waiting: int
    active: int
    delayed: int
    failed: int = Field(description="dead jobs that can be retried still")
    oldest_waiting_ms: int | None = Field(description="age of the oldest job that waits, from its submission")
    paused: bool = Field(description="whether nothing is claimed, because the tenant or all tenants are paused")
    drain: DrainTold
    warnings: list[str] = Field(description="what puts accepted jobs at risk, in words")
