"""A WebSocket as the tests hold it: says, hears, and waits no longer than it must."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Self

from websockets.sync.client import connect

Event = dict[str, Any]


class Live:
    """An open connection, closed at the end of its `with` block."""

    def __init__(self, url: str) -> None:
        self._url, self._open = url, ExitStack()

    def __enter__(self) -> Self:
        self.socket = self._open.enter_context(connect(self._url, proxy=None))
        return self

    def __exit__(self, *raised: object) -> None:
        self._open.close()

    def say(self, **message: Any) -> None:
        """Send a message."""
        self.socket.send(json.dumps(message))

    def hear(self, timeout: float = 30.0) -> Event:
        """The next event."""
        event: Event = json.loads(self.socket.recv(timeout=timeout))
        return event

    def ask(self, **message: Any) -> Event:
        """Send a message and hear its answer."""
        self.say(**message)
        return self.hear()

    def follow(self, job_id: str) -> Event:
        """Subscribe to a job that does not move yet; its present state. The subscription has then been dealt with."""
        assert self.ask(action="subscribe", jobId=job_id) == {"type": "subscribed", "jobId": job_id}
        job = self.job()
        assert self.ask(action="ping") == {"type": "pong"}
        return job

    def job(self, timeout: float = 30.0) -> Event:
        """The job that the next event tells."""
        event = self.hear(timeout)
        assert event["type"] == "job", event
        job: Event = event["job"]
        return job

    def until(self, state: str, timeout: float = 30.0) -> list[Event]:
        """The jobs told until one is in `state`, that one included."""
        told: list[Event] = []
        deadline = time.monotonic() + timeout
        while not told or told[-1]["state"] != state:
            told.append(self.job(max(0.01, deadline - time.monotonic())))
        return told

    def silent(self, for_s: float) -> bool:
        """Whether nothing comes for a while."""
        try:
            self.socket.recv(timeout=for_s)
        except TimeoutError:
            return True
        return False


def wait_until(true: Callable[[], bool], timeout: float = 30.0) -> None:
    """Wait for something that must become so."""
    deadline = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < deadline, "it did not become so"
        time.sleep(0.01)
