"""Wait for work in several shards at once: a client sleeps in one slot only, so it visits them by turns."""

from __future__ import annotations

import time
from collections.abc import Sequence

from chalicelib.queue.shard import Shard

_ROUND_S = 0.1
"""So long, at most, work in one shard goes unnoticed while another is looked at."""


def wait_for_any(shards: Sequence[Shard], timeout: float) -> bool:
    """Waits up to `timeout` seconds; True as soon as a claim in one of `shards` would find something to do."""
    if len(shards) == 1:
        return shards[0].wait_for_work(timeout)
    deadline = time.monotonic() + timeout
    nap = 0.0  # none is slept at before all have been looked at
    while True:
        for shard in shards:
            if shard.wait_for_work(max(0.0, min(nap, deadline - time.monotonic()))):
                return True
        if time.monotonic() >= deadline:
            return False
        nap = _ROUND_S / len(shards)
