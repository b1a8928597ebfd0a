"""The one door to Redis: sends commands and scripts in one round trip and turns an outage into Unavailable."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from redis import Redis
from redis.exceptions import (
    ClusterDownError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from chalicelib.errors import Unavailable

Argument = str | bytes | int | float
Command = tuple[Argument, ...]
"""A command and its arguments, as Redis takes them."""

_OUTAGES = (
    RedisConnectionError,  # also: still loading its data, not authenticated, no free connection
    RedisTimeoutError,
    ReadOnlyError,  # a failover left us with a replica
    OutOfMemoryError,
    ClusterDownError,
    RedisClusterException,
    TryAgainError,
)
_OUTAGE_CODES = ("BUSY", "MISCONF", "NOREPLICAS", "UNBLOCKED")
"""Errors of the same kind that the client has no class for."""

_SOURCES: Final = {path.stem: path.read_bytes() for path in (Path(__file__).parent / "lua").glob("*.lua")}
_SHAS: Final = {name: hashlib.sha1(source, usedforsecurity=False).hexdigest() for name, source in _SOURCES.items()}
_BY_SHA: Final = {sha: _SOURCES[name] for name, sha in _SHAS.items()}


def script(name: str, keys: Sequence[str], args: Sequence[Argument]) -> Command:
    """The command that runs `lua/<name>.lua`."""
    return ("EVALSHA", _SHAS[name], len(keys), *keys, *args)


class Wire:
    """A client of Redis (`decode_responses=False`) that knows the queue's scripts."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._execute: Callable[..., Any] = redis.execute_command

    def send(self, *commands: Command) -> list[Any]:
        """The replies of the commands, sent together on one connection, in their order.

        Raises Unavailable if Redis is away or refuses to write. Whether the commands were carried out is then
        unknown, so whatever is sent here must bear to be sent again.
        """
        with _outages():
            replies = self._round_trip(commands)
            for at, reply in enumerate(replies):
                if isinstance(reply, NoScriptError):
                    # A new or flushed server. What came before was carried out; the rest goes again, in order.
                    self._load(commands[at:])
                    replies[at:] = self._round_trip(commands[at:])
                    break
            for reply in replies:
                if isinstance(reply, Exception):
                    raise reply
        return replies

    def _round_trip(self, commands: Sequence[Command]) -> list[Any]:
        if not commands:
            return []
        if len(commands) == 1:
            try:
                return [self._execute(*commands[0])]
            except NoScriptError as missing:
                return [missing]
        pipeline = self._redis.pipeline(transaction=False)
        add: Callable[..., Any] = pipeline.execute_command
        for command in commands:
            add(*command)
        return pipeline.execute(raise_on_error=False)

    def _load(self, commands: Sequence[Command]) -> None:
        for sha in {str(command[1]) for command in commands if command[0] == "EVALSHA"}:
            self._redis.script_load(_BY_SHA[sha])


@contextmanager
def _outages() -> Iterator[None]:
    try:
        yield
    except _OUTAGES as error:
        raise Unavailable(headers={"Retry-After": "1"}) from error
    except ResponseError as error:
        if str(error).startswith(_OUTAGE_CODES):
            raise Unavailable(headers={"Retry-After": "1"}) from error
        raise
