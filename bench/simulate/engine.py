"""A clock, processes that sleep and wait, and stations that serve them in order: all that a simulation needs.

A process is a generator. It yields how many seconds to sleep, `(station, seconds)` to be served, or
`(signal, seconds)` to wait for a signal for so long at most, which answers whether the signal came.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from heapq import heappop, heappush
from itertools import count
from typing import Any, TypeAlias

Process: TypeAlias = Generator[Any, Any, Any]
WINDOW_S = 10
"""Load is told by windows of so many seconds: shorter ones would tell of chance, longer ones hide the rush."""


class Clock:
    """Runs processes in the order of time; those of one instant in the order in which they were scheduled."""

    def __init__(self) -> None:
        self.now = 0.0
        self._order = count()
        self._later: list[tuple[float, int, Process, Any]] = []

    def start(self, process: Process, after: float = 0.0, answer: Any = None) -> None:
        """Resume a process after so many seconds."""
        heappush(self._later, (self.now + after, next(self._order), process, answer))

    def run(self) -> None:
        """Until nothing is left to do."""
        later = self._later
        while later:
            self.now, _, process, answer = heappop(later)
            self.resume(process, answer)

    def resume(self, process: Process, answer: Any = None) -> None:
        """Go on with a process now, until it sleeps, waits or ends."""
        try:
            asked = process.send(answer)
        except StopIteration:
            return
        if isinstance(asked, tuple):
            asked[0].take(process, asked[1])
        else:
            self.start(process, asked)


class Tally:
    """How many there were over time. Two books are kept apart: the area under the number, and each one's stay."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since = 0.0
        self.inside = self.most = self.entered = 0
        self.area = self.stays = 0.0
        self._windows: dict[int, float] = {}

    def enter(self) -> float:
        """One more; the time, for `leave`."""
        self._advance()
        self.inside += 1
        self.entered += 1
        self.most = max(self.most, self.inside)
        return self._clock.now

    def leave(self, entered: float) -> None:
        """One less, who entered then."""
        self._advance()
        self.inside -= 1
        self.stays += self._clock.now - entered

    @property
    def busiest(self) -> float:
        """The mean number in the window in which it was highest."""
        return max(self._windows.values(), default=0.0) / WINDOW_S

    def _advance(self) -> None:
        now, since = self._clock.now, self._since
        self.area += self.inside * (now - since)
        while self.inside and since < now:
            window = int(since // WINDOW_S)
            end = min(now, (window + 1) * WINDOW_S)
            self._windows[window] = self._windows.get(window, 0.0) + self.inside * (end - since)
            since = end
        self._since = now


class Station:
    """So many servers with one line before them, first come, first served."""

    def __init__(self, clock: Clock, servers: int) -> None:
        self._clock, self.servers = clock, servers
        self.present, self.at_work = Tally(clock), Tally(clock)
        self._line: deque[tuple[Process, float, float]] = deque()

    def take(self, process: Process, seconds: float) -> None:
        """Serve a process for so many seconds when its turn comes."""
        self._line.append((process, seconds, self.present.enter()))
        self._next()

    @property
    def load(self) -> float:
        """The share of the servers that was at work in the busiest window."""
        return self.at_work.busiest / self.servers

    def _next(self) -> None:
        while self._line and self.at_work.inside < self.servers:
            process, seconds, came = self._line.popleft()
            self._clock.start(self._serve(process, came, self.at_work.enter()), seconds)

    def _serve(self, process: Process, came: float, began: float) -> Process:
        self.at_work.leave(began)
        self.present.leave(came)
        self._next()
        self._clock.resume(process)
        return
        yield  # a process, though it never waits


class Signal:
    """Wakes all who wait for it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[int, Process] = {}
        self._order = count()

    def take(self, process: Process, seconds: float) -> None:
        """Wait so long at most."""
        ticket = next(self._order)
        self._waiting[ticket] = process
        self._clock.start(self._give_up(ticket), seconds)

    def fire(self) -> None:
        """Wake them."""
        waiting, self._waiting = self._waiting, {}
        for process in waiting.values():
            self._clock.start(process, answer=True)

    def _give_up(self, ticket: int) -> Process:
        process = self._waiting.pop(ticket, None)
        if process is not None:
            self._clock.resume(process, False)
        return
        yield  # a process, though it never waits
