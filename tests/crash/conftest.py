"""A school, a queue on an empty Redis, and consumers that die where a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from redis import Redis

from chalicelib.db.session import Database
from chalicelib.queue import JobQueue
from local.settings import environment
from tests.crash.process import Consumer
from tests.crash.watch import Watch
from tests.school import School

KEY = "a key for the tests, of more than 32 characters"

StartConsumer = Callable[..., Consumer]


@pytest.fixture
def school(database: Database) -> School:
    """A tenant that no other test touches."""
    return School(database)


@pytest.fixture
def queue(redis: Redis) -> JobQueue:
    """An empty queue."""
    return JobQueue(redis)


@pytest.fixture
def watch(redis: Redis, redis_url: str) -> Iterator[Watch]:
    """Follows all jobs from the start of the test."""
    with Watch(redis, redis_url) as watch:
        yield watch


@pytest.fixture
def variables(database_url: str, redis_url: str) -> dict[str, str]:
    """The environment of a process of the app."""
    return environment(database_url=database_url, redis_url=redis_url, key=KEY, pool=2)


@pytest.fixture
def consumer(variables: Mapping[str, str]) -> Iterator[StartConsumer]:
    """Starts a consumer process: `consumer("claimed", nth=2)`; without a point, a healthy one."""
    started: list[Consumer] = []

    def start(point: str = "never", **options: Any) -> Consumer:
        started.append(Consumer(variables, point, **options))
        return started[-1]

    yield start
    for one in started:
        one.close()
