"""A school, and a cache of it on an empty Redis."""

from __future__ import annotations

import pytest
from redis import Redis

from chalicelib.cache import RosterCache
from chalicelib.db.queries.rosters import PostgresRosters
from chalicelib.db.session import Database
from tests.school import School


@pytest.fixture
def school(database: Database) -> School:
    """A tenant that no other test touches."""
    return School(database)


@pytest.fixture
def cache(redis: Redis, database: Database) -> RosterCache:
    """Cold, and filled from Postgres."""
    return RosterCache(redis, lambda: PostgresRosters(database))
