"""A school, a queue on an empty Redis, and a drain between the queue and Postgres."""

from __future__ import annotations

import pytest
from redis import Redis

from chalicelib.db.session import Database
from chalicelib.db.writer import BatchWriter
from chalicelib.queue import JobQueue
from chalicelib.services.drain import Drain
from tests.school import School


@pytest.fixture
def school(database: Database) -> School:
    """A tenant that no other test touches."""
    return School(database)


@pytest.fixture
def queue(redis: Redis) -> JobQueue:
    """An empty queue."""
    return JobQueue(redis)


@pytest.fixture
def drain(queue: JobQueue, database: Database) -> Drain:
    """A drain with its usual pace."""
    return Drain(queue, BatchWriter(database))
