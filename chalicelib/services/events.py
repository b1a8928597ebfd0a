"""Who is told that jobs moved: the one door from the drain and the office's moves to the live connections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chalicelib.queue import Job

SETTLE_S = 2.0


class Events(Protocol):
    """Tells those who follow jobs. Neither method raises, whatever is away."""

    def changed(self, jobs: Sequence[Job]) -> None:
        """Note that these jobs have moved; returns at once. What is told is the state they are in by then."""
        ...

    def settle(self, within_s: float = SETTLE_S) -> None:
        """Wait until all that was noted has been told, at most `within_s` seconds: a Lambda freezes after it."""
        ...


class NoEvents:
    """For deployments without a WebSocket, and for whoever is only asked."""

    def changed(self, jobs: Sequence[Job]) -> None:
        """Nobody listens."""

    def settle(self, within_s: float = SETTLE_S) -> None:
        """Nothing to wait for."""
