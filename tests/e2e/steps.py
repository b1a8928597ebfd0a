"""Steps that the end-to-end tests share."""

from __future__ import annotations

import time

from local.stack import Stack
from tests.e2e.conftest import LONG_S


def drained(stack: Stack, within_s: float = LONG_S) -> None:
    """Wait until no job waits, is at work or is delayed."""
    deadline = time.monotonic() + within_s
    while stack.container.queue.counts().depth:
        assert time.monotonic() < deadline, stack.container.queue.counts()
        time.sleep(0.05)
