"""Job ids: UUIDv7 (RFC 9562), so that ids in order of their text are jobs in order of their time."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable


class JobIds:
    """Makes UUIDv7 ids that only ever grow within a process, also within a millisecond and when the clock steps back.

        new_job_id = JobIds()
        new_job_id()  # '019a6f0c-3f5e-7a41-9c0d-2b7d1a5f7c11'

    `clock` gives nanoseconds since 1970.
    """

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last = 0  # milliseconds and 12-bit counter in one number, so that an overflow carries by itself

    def __call__(self) -> str:
        """A new id, 36 characters."""
        fresh = (self._clock() // 1_000_000) << 12 | secrets.randbits(11)
        with self._lock:
            self._last = max(fresh, self._last + 1)
            moment = self._last
        head, counter = f"{moment >> 12:012x}", moment & 0xFFF
        tail = f"{0b10 << 62 | secrets.randbits(62):016x}"
        return f"{head[:8]}-{head[8:]}-7{counter:03x}-{tail[:4]}-{tail[4:]}"


new_job_id = JobIds()
