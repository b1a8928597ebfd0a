"""Handles of consumer processes: start one, wait for its end or its stop, wake it, read what it reported."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping

import psutil

from local.folder import ROOT

PATIENCE_S = 30.0


class Consumer:
    """A running `tests.crash.consumer`; options are its options, by their names, True for one without a value."""

    def __init__(self, environment: Mapping[str, str], point: str = "never", **options: object) -> None:
        named = {f"--{name.replace('_', '-')}": value for name, value in options.items()}
        flags = [name if value is True else f"{name}={value}" for name, value in named.items()]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.consumer", point, *flags],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            text=True,
        )
        self._told = ""

    def ended(self) -> int:
        """Wait for its end; the exit code, negative if a signal ended it."""
        self._told, _ = self._process.communicate(timeout=PATIENCE_S)
        return self._process.returncode

    def stopped(self) -> None:
        """Wait until it has stopped itself."""
        child = psutil.Process(self._process.pid)
        until(lambda: child.status() == psutil.STATUS_STOPPED)

    def wake(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def report(self) -> Counter[str]:
        """What all its drains together did, once it has ended."""
        total: Counter[str] = Counter()
        for line in self._told.splitlines():
            told = json.loads(line)
            total.update({name: count for name, count in told.items() if isinstance(count, int)})
        return total

    def close(self) -> None:
        """End it, whatever it does."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


def until(true: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    """Wait for something that other processes bring about."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)
