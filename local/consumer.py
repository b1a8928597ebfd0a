"""The consumer of a laptop: drains the queue at once, and for ever, where Lambda would be woken by a bell."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from chalicelib.errors import Unavailable
from chalicelib.services.drain import Drain, Pace
from local.folder import ROOT
from local.servers.supervised import Supervised
from local.servers.unprivileged import ServerUser
from local.settings import Environment

ROUND_S = 8.0
"""A lease ends this long after the round began, plus the margin: so soon the jobs of a killed consumer come back."""

PACE = Pace(stop_below_ms=1_000, lease_margin_ms=1_500, linger_s=0.25)
"""Short lingering, since a consumer that is asked to stop does so when it has lingered."""

_PAUSE_S = 0.5

log = logging.getLogger(__name__)


def consume(drain: Drain, stop: threading.Event) -> None:
    """Drain until `stop` is set; a batch that has begun is finished first. A server that is away is waited for."""
    away = False
    while not stop.is_set():
        try:
            report = drain.run(_countdown(ROUND_S, stop))
            was_away, away = away, report.stopped == "outage"
        except Unavailable as error:
            was_away, away = away, True
            if not was_away:
                log.warning("%s The jobs wait.", error)
        if away:
            stop.wait(_PAUSE_S)
        elif was_away:
            log.warning("The servers are back.")


def stop_at_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _countdown(seconds: float, stop: threading.Event) -> Callable[[], int]:
    """Milliseconds of the round that are left; none as soon as `stop` is set."""
    deadline = time.monotonic() + seconds
    return lambda: 0 if stop.is_set() else max(0, int((deadline - time.monotonic()) * 1000))


class ConsumerProcess:
    """A consumer in a process of its own, which ends when this process does, however that is."""

    def __init__(self, environment: Environment, log_file: Path) -> None:
        self._environment = {**environment, "DATABASE_POOL": "1", "PYTHONPATH": str(ROOT)}
        self._log_file = log_file
        self._child: Supervised | None = None

    @property
    def running(self) -> bool:
        """Whether it is there."""
        return self._child is not None and self._child.running

    @property
    def pid(self) -> int | None:
        """Its process id; None before the start and after the end."""
        return self._child.pid if self._child is not None else None

    def start(self) -> None:
        """Start it, unless it runs."""
        if self.running:
            return
        self._child = Supervised(
            [sys.executable, "-m", "local", "consumer"],
            stop_signal=signal.SIGTERM,
            log=self._log_file,
            user=ServerUser("ourselves", {}),
            environment=self._environment,
        )

    def stop(self) -> None:
        """Ask it to end, and wait until it has finished its batch."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def kill(self) -> None:
        """SIGKILL: what it had claimed comes back when its lease ends."""
        if self._child is not None:
            self._child.kill()
            self._child = None
