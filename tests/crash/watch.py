"""Every state that a job was ever in, in order: MONITOR shows all that the queue's scripts write."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Self

from redis import Redis
from redis.client import Monitor

from chalicelib.domain.job_state import ARROWS, JobState

_MOVE = re.compile(r"HSET \{rollcall\}:job:(\S+) state (\w+)")
_END = "ECHO the watch is over"


class Watch:
    """Listens while the `with` block runs."""

    def __init__(self, redis: Redis, url: str) -> None:
        self._redis = redis
        # MONITOR is silent while nothing is done: a listener of the default patience would take that for an outage.
        self._listening = Redis.from_url(url, socket_timeout=None)
        self._paths: dict[str, list[JobState]] = {}
        self._thread = threading.Thread(target=self._listen, name="watch")
        self._begun = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._begun.wait(10)
        return self

    def __exit__(self, *raised: object) -> None:
        self._end()

    def over(self) -> dict[str, list[JobState]]:
        """The states of each job in their order, which were only along the arrows."""
        self._end()
        for path in self._paths.values():
            assert path[0] is JobState.WAITING
            for before, after in pairwise(path):
                assert after in ARROWS[before], path
        return self._paths

    def _end(self) -> None:
        if self._thread.is_alive():
            self._redis.echo(_END.removeprefix("ECHO "))
            self._thread.join(10)
        assert not self._thread.is_alive()
        self._listening.close()

    def _listen(self) -> None:
        monitoring: Callable[[], Monitor] = self._listening.monitor
        with monitoring() as monitor:
            self._begun.set()
            for event in monitor.listen():
                if event["command"] == _END:
                    return
                if event["client_type"] == "lua" and (move := _MOVE.match(event["command"])):
                    self._paths.setdefault(move[1], []).append(JobState(move[2]))
