"""A queue on an empty Redis; most promises are tried with one shard and with four."""

from __future__ import annotations

import pytest
from redis import Redis

from chalicelib.queue import JobQueue

PROMISES_OF_ANY_QUEUE = (
    "ack", "cancel", "enqueue", "fail", "list", "pause", "progress", "redrive", "release", "stalls", "unburied",
)  # fmt: skip
"""Modules whose tests are run with four shards, too, unless they look at Redis' keys themselves."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Choose the shards of `queue`."""
    module = metafunc.module.__name__.rpartition("test_")[2]
    looks_at_keys = "redis" in metafunc.function.__code__.co_varnames
    if "queue" in metafunc.fixturenames and module in PROMISES_OF_ANY_QUEUE and not looks_at_keys:
        metafunc.parametrize("queue", [1, 4], indirect=True, ids=lambda shards: f"shards={shards}")


@pytest.fixture
def queue(redis: Redis, request: pytest.FixtureRequest) -> JobQueue:
    """A queue with its usual settings."""
    return JobQueue(redis, shards=getattr(request, "param", 1))
