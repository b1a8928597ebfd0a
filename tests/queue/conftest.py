"""A queue on an empty Redis."""

from __future__ import annotations

import pytest
from redis import Redis

from chalicelib.queue import JobQueue


@pytest.fixture
def queue(redis: Redis) -> JobQueue:
    """A queue with its usual settings."""
    return JobQueue(redis)
