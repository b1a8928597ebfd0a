"""The drain's pulse: what its work last met, kept in Redis for all to see, and how long it pauses after an outage."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol

from redis import Redis, RedisCluster

from chalicelib.cache.pipe import Pipe
from chalicelib.errors import Unavailable

KEPT_S = 300
"""After so long without work nobody can say any more how it would go."""
QUIET_S = 10.0
"""A drain at work says so at most this often."""
LONGEST_PAUSE_S = 30


@dataclass(frozen=True, slots=True)
class Beat:
    """What the drain's work met, and when, by the clock of Redis; `outages` is how many it met in a row."""

    state: Literal["ok", "outage"]
    at: datetime
    outages: int = 0

    @property
    def pause_s(self) -> int:
        """How long to leave Postgres alone: 1, 2, 4 … 30 seconds."""
        return min(LONGEST_PAUSE_S, 2 ** min(self.outages - 1, 5)) if self.outages else 0


class Pulse(Protocol):
    """Told by the drain how it goes. The two that are told never raise: a drain does not end for its pulse."""

    def holds_back(self) -> bool:
        """Whether to claim nothing yet, since Postgres was away a moment ago and still is. Raises Unavailable."""
        ...

    def worked(self) -> None:
        """Jobs were written."""
        ...

    def met_outage(self) -> None:
        """Jobs had to be given back."""
        ...


class NoPulse:
    """For drains that nobody watches."""

    def holds_back(self) -> bool:
        """Never."""
        return False

    def worked(self) -> None:
        """Nobody to tell."""

    def met_outage(self) -> None:
        """Nobody to tell."""


class RedisPulse:
    """One key for all drains of the queue called `name`; `ping` raises Unavailable while Postgres is away."""

    def __init__(self, redis: Redis | RedisCluster, name: str, ping: Callable[[], None]) -> None:
        self._pipe, self._key, self._ping = Pipe(redis), f"{{{name}}}:drain", ping
        self._quiet_until = 0.0

    def last(self) -> Beat | None:
        """What was last met; None if that is too long ago to mean anything. Raises Unavailable."""
        beat, _ = self._read()
        return beat

    def holds_back(self) -> bool:
        """Also pings, if it is too early: who comes back is served at once."""
        beat, now = self._read()
        if beat is None or beat.state == "ok":
            return False
        self._quiet_until = 0.0
        if (now - beat.at).total_seconds() >= beat.pause_s:
            return False
        try:
            self._ping()
        except Unavailable:
            return True
        return False

    def worked(self) -> None:
        """Notes it, unless this process did so just now."""
        if time.monotonic() >= self._quiet_until:
            self._note("ok")
            self._quiet_until = time.monotonic() + QUIET_S

    def met_outage(self) -> None:
        """Notes it, with one outage more than before."""
        self._quiet_until = 0.0
        self._note("outage")

    def _read(self) -> tuple[Beat | None, datetime]:
        [seconds, micros], kept = self._pipe.send(("TIME",), ("GET", self._key))
        now = datetime.fromtimestamp(int(seconds), UTC).replace(microsecond=int(micros))
        if kept is None:
            return None, now
        held = json.loads(kept)
        return Beat(held["state"], datetime.fromisoformat(held["at"]), held["outages"]), now

    def _note(self, state: Literal["ok", "outage"]) -> None:
        with contextlib.suppress(Unavailable):
            before, now = self._read()
            outages = (before.outages if before else 0) + 1 if state == "outage" else 0
            held = {"state": state, "at": now.isoformat(), "outages": outages}
            self._pipe.send(("SET", self._key, json.dumps(held), "EX", KEPT_S))
