"""What the model moves about: jobs, the shards that they wait in, and the batches of a drain."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from bench.simulate.engine import Process, Signal, Station


@dataclass(slots=True)
class Job:
    """A register that was sent."""

    sent: float
    done: bool = False


@dataclass(slots=True)
class Shard:
    """A list of the queue, the server that holds it, and who waits for it."""

    server: Station
    arrived: Signal
    waiting: deque[Job] = field(default_factory=deque)
    bell_until: float = 0.0


@dataclass(slots=True)
class Hands:
    """The batches that a drain has at work; its share of a core is one, however many they are."""

    free: Signal
    core: Station
    busy: int = 0

    def work(self, write: Process) -> Process:
        """Write one, and tell."""
        yield from write
        self.busy -= 1
        self.free.fire()
