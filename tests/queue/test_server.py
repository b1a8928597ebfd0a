"""The server's settings: a Redis that evicts is no place for a queue."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from chalicelib.errors import Unavailable
from chalicelib.queue import JobQueue
from local.servers import EmbeddedRedis


@pytest.fixture
def evicting(redis: Redis) -> Iterator[Redis]:
    """A Redis that drops keys when it is full."""
    redis.config_set("maxmemory-policy", "allkeys-lru")
    yield redis
    redis.config_set("maxmemory-policy", "noeviction")
    redis.acl_deluser("poor")


def client_of(redis: Redis, server: EmbeddedRedis, *rules: str) -> Redis:
    """A user to whom something is forbidden."""
    redis.acl_setuser("poor", enabled=True, reset=True, nopass=True, keys=["*"], commands=["+@all", *rules])
    return Redis.from_url(server.url(), username="poor", password="any")


def test_a_server_that_never_evicts_passes(queue: JobQueue) -> None:
    queue.check_server()


def test_a_server_that_evicts_is_refused_in_clear_words(evicting: Redis) -> None:
    with pytest.raises(Unavailable, match="maxmemory-policy noeviction, not allkeys-lru"):
        JobQueue(evicting).check_server()


def test_the_policy_is_found_where_config_is_forbidden(evicting: Redis, redis_server: EmbeddedRedis) -> None:
    with client_of(evicting, redis_server, "-config") as client:
        with pytest.raises(NoPermissionError):
            client.config_get("maxmemory-policy")
        with pytest.raises(Unavailable, match="allkeys-lru"):
            JobQueue(client).check_server()


def test_a_server_that_tells_nothing_is_given_the_benefit_of_the_doubt(
    evicting: Redis, redis_server: EmbeddedRedis
) -> None:
    with client_of(evicting, redis_server, "-config", "-info") as client:
        JobQueue(client).check_server()
