"""The consumer of a laptop: drains the queue at once, and for ever, where Lambda would be woken by a bell."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from chalicelib.container import Container
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

READY_S = 5.0
"""A consumer that loads for longer is not waited for: what is accepted meanwhile waits on the list."""

_PAUSE_S = 0.5
_LOOK_S = 0.01

log = logging.getLogger(__name__)


def ready_line(pid: int) -> str:
    """What a consumer prints when the next job will be written at once."""
    return f"Consumer {pid} is ready."


def warm_up(container: Container) -> None:
    """Load and connect what the first job would wait for: the writer, Postgres, the AWS client of live events."""
    _ = container.drain
    with suppress(Unavailable):  # `consume` tells of it, and waits
        container.ping_postgres()
    if endpoint := container.settings.websocket_endpoint:
        import boto3

        boto3.client("apigatewaymanagementapi", endpoint_url=endpoint)  # the next one finds all of it loaded


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
        self._environment = {**environment, "DATABASE_POOL": "2", "PYTHONPATH": str(ROOT)}
        self._log_file = log_file
        self._log_from = 0
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
        """Start it, unless it runs. It takes a second or two to load: see `wait_ready`."""
        if self.running:
            return
        self._log_from = self._log_file.stat().st_size if self._log_file.exists() else 0
        self._child = Supervised(
            [sys.executable, "-m", "local", "consumer"],
            stop_signal=signal.SIGTERM,
            log=self._log_file,
            user=ServerUser("ourselves", {}),
            environment=self._environment,
        )

    def wait_ready(self, within_s: float = READY_S) -> bool:
        """Wait until it drains; False if it has ended, or still loads after `within_s` seconds."""
        deadline = time.monotonic() + within_s
        while self._child is not None:
            running = self.running
            if ready_line(self._child.pid) in self.said():
                return running
            if not running or time.monotonic() > deadline:
                return False
            time.sleep(_LOOK_S)
        return False

    def said(self) -> str:
        """What it has printed and logged since it was started."""
        if not self._log_file.exists():
            return ""
        with self._log_file.open("rb") as log_file:
            log_file.seek(self._log_from)
            return log_file.read().decode(errors="replace")

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
