"""The one door to Redis: sends commands and scripts in one round trip and turns an outage into Unavailable."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from redis.exceptions import (
    AskError,
    ClusterDownError,
    MovedError,
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
from chalicelib.queue.home import Home

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
    AskError,  # also: moved. The slot is on its way to another server
)
_OUTAGE_CODES = ("BUSY", "MISCONF", "NOREPLICAS", "UNBLOCKED")
"""Errors of the same kind that the client has no class for."""

_REPAIRS = 3
"""A slot moved, to a server that lacks a script, which was flushed in between: more is an outage."""

_SOURCES: Final = {path.stem: path.read_bytes() for path in (Path(__file__).parent / "lua").glob("*.lua")}
_SHAS: Final = {name: hashlib.sha1(source, usedforsecurity=False).hexdigest() for name, source in _SOURCES.items()}
_BY_SHA: Final = {sha: _SOURCES[name] for name, sha in _SHAS.items()}


def script(name: str, keys: Sequence[str], args: Sequence[Argument]) -> Command:
    """The command that runs `lua/<name>.lua`."""
    return ("EVALSHA", _SHAS[name], len(keys), *keys, *args)


class Wire:
    """Talks to the server that holds the queue (replies as bytes) and knows the queue's scripts."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def send(self, *commands: Command) -> list[Any]:
        """The replies of the commands, sent together on one connection, in their order.

        Raises Unavailable if Redis is away or refuses to write. Whether the commands were carried out is then
        unknown, so whatever is sent here must bear to be sent again.
        """
        with _outages():
            replies = self._reach(commands)
            for _ in range(_REPAIRS):
                at = next((at for at, reply in enumerate(replies) if isinstance(reply, Exception)), None)
                if at is None:
                    return replies
                # What came before was carried out; the rest goes again, in order.
                self._repair(replies[at], commands[at:])
                replies[at:] = self._round_trip(commands[at:])
            for reply in replies:
                if isinstance(reply, Exception):
                    raise reply
        return replies

    def _reach(self, commands: Sequence[Command]) -> list[Any]:
        try:
            return self._round_trip(commands)
        except RedisConnectionError:
            if not self._home.in_cluster:
                raise  # the client has tried as often as it was told to
            self._home.look_again()
            return self._round_trip(commands)
        except RedisTimeoutError:
            if self._home.in_cluster:
                self._home.look_again()  # for the next call; this one has waited long enough
            raise

    def _repair(self, reply: Exception, rest: Sequence[Command]) -> None:
        """Does what lets `rest` succeed; raises `reply` if nothing does."""
        if isinstance(reply, NoScriptError):  # a new or flushed server
            for sha in {str(command[1]) for command in rest if command[0] == "EVALSHA"}:
                self._home.client.script_load(_BY_SHA[sha])
        elif isinstance(reply, ReadOnlyError):  # a failover behind an address
            self._home.look_again()
        elif isinstance(reply, MovedError) and self._home.in_cluster:
            self._home.follow(reply)
        else:
            raise reply

    def _round_trip(self, commands: Sequence[Command]) -> list[Any]:
        if not commands:
            return []
        client = self._home.client
        if len(commands) == 1:
            execute: Callable[..., Any] = client.execute_command
            try:
                return [execute(*commands[0])]
            except ResponseError as reply:
                return [reply]
        pipeline = client.pipeline(transaction=False)
        add: Callable[..., Any] = pipeline.execute_command
        for command in commands:
            add(*command)
        return pipeline.execute(raise_on_error=False)


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
