"""The Redis of a stack: an embedded one, or a server of one's own by its URL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from redis import Redis, RedisError

from chalicelib.errors import Unavailable
from chalicelib.queue import JobQueue
from local.faults import StackFault
from local.servers import EmbeddedRedis


@contextmanager
def open_redis(url: str | None) -> Iterator[str]:
    """Start an embedded Redis, or take the server at `url`; gives the URL. Raises StackFault.

    A server that may drop jobs when its memory is full is refused.
    """
    if url is None:
        with EmbeddedRedis() as server:
            yield server.url()
        return
    try:
        with closing(Redis.from_url(url, socket_connect_timeout=5.0, socket_timeout=5.0)) as client:
            client.ping()
            JobQueue(client).check_server()
    except (RedisError, Unavailable, ValueError, OSError) as error:
        raise StackFault(f"Redis at REDIS_URL: {str(error).rstrip('.')}.") from error
    yield url
