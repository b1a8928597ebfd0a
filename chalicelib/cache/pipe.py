"""Plain commands to Redis, all in one round trip, with an outage turned into Unavailable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from redis import Redis, RedisCluster
from redis.exceptions import RedisError

from chalicelib.errors import Unavailable

Command = tuple[str | bytes | int | float, ...]
"""A command and its arguments, as Redis takes them."""


class Pipe:
    """Sends commands that need no transaction; in a cluster their keys may live apart."""

    def __init__(self, redis: Redis | RedisCluster) -> None:
        """`redis` decodes no responses."""
        self._redis = redis

    def send(self, *commands: Command) -> list[Any]:
        """The replies, in the order of the commands. Raises Unavailable; what was carried out is then unknown."""
        if not commands:
            return []
        try:
            pipeline = self._redis.pipeline(transaction=False)
            add: Callable[..., Any] = pipeline.execute_command
            for command in commands:
                add(*command)
            return pipeline.execute()
        except RedisError as error:
            raise Unavailable("Redis does not answer.", headers={"Retry-After": "1"}) from error
