"""How much each tenant and each user may still ask, counted in Redis by its clock: reads and writes apart."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from redis import Redis, RedisCluster
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisClusterException, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from chalicelib.config import Rate, RateSettings
from chalicelib.errors import RateLimited, Unavailable

log = logging.getLogger(__name__)

_TAKE = (Path(__file__).parent / "lua" / "take.lua").read_bytes()
_SHA = hashlib.sha1(_TAKE, usedforsecurity=False).hexdigest()
_OPEN_S = 5.0
"""While Redis is away it is not asked again for so long: what needs Postgres alone should not wait for it each time."""


class Allowances:
    """Counts requests. Without Redis nothing is counted and all may pass: what needs Redis fails by itself."""

    def __init__(self, redis: Redis | RedisCluster, rates: RateSettings) -> None:
        """`redis` decodes no responses."""
        self._execute: Callable[..., Any] = redis.execute_command
        self._rates = rates
        self._open_until = 0.0

    def toll(self, tenant: str, user: str, *, reads: bool) -> Toll:
        """What a request of this user owes; nothing is taken yet."""
        kind, rate = ("read", self._rates.reads) if reads else ("write", self._rates.writes)
        key = f"allowance:{{{tenant}}}:{kind}"
        return Toll(self, (key, f"{key}:{user}"), rate)

    def take(self, keys: tuple[str, str], rate: Rate) -> None:
        """Take one request off both allowances. Raises RateLimited."""
        if time.monotonic() < self._open_until:
            return
        try:
            reply = self._run(2, *keys, rate.of_tenant, rate.of_user)
        except (RedisError, RedisClusterException) as error:
            self._let_pass(error)
        else:
            _granted(reply)

    def take_and_read(self, keys: tuple[str, str], rate: Rate, name: str, fields: Sequence[str]) -> list[Any]:
        """The same, and the HASH's values of `fields`, in one round trip. Raises RateLimited, Unavailable."""
        try:
            try:
                reply = self._run(3, *keys, name, rate.of_tenant, rate.of_user, *fields)
            except (RedisConnectionError, RedisTimeoutError, RedisClusterException):
                raise
            except ResponseError as error:  # it reads but does not write: its memory is full, or it is a replica
                self._let_pass(error)
                return list(self._execute("HMGET", name, *fields))
        except (RedisError, RedisClusterException) as error:
            raise Unavailable("Redis does not answer.", headers={"Retry-After": "1"}) from error
        return _granted(reply)

    def _run(self, *arguments: str | int) -> list[Any]:
        try:
            reply = self._execute("EVALSHA", _SHA, *arguments)
        except NoScriptError:  # a new or flushed server
            reply = self._execute("EVAL", _TAKE, *arguments)
        return list(reply)

    def _let_pass(self, error: Exception) -> None:
        log.warning("requests are not counted: %s", type(error).__name__)
        self._open_until = time.monotonic() + _OPEN_S


class Toll:
    """What one request owes. It is taken once: by itself, or along with what the request reads first."""

    def __init__(self, allowances: Allowances, keys: tuple[str, str], rate: Rate) -> None:
        self._allowances, self._keys, self._rate = allowances, keys, rate
        self._taken = False

    def take(self) -> None:
        """Take it, unless it was taken. Raises RateLimited."""
        if not self._taken:
            self._taken = True
            self._allowances.take(self._keys, self._rate)

    def take_and_read(self, name: str, fields: Sequence[str]) -> list[Any]:
        """Take it and read a HASH of the tenant, in one round trip. Raises RateLimited, Unavailable."""
        self._taken = True
        return self._allowances.take_and_read(self._keys, self._rate, name, fields)


def _granted(reply: list[Any]) -> list[Any]:
    """The values that were read. Raises RateLimited."""
    wait_us, *values = reply
    if wait_us > 0:
        seconds = -(-wait_us // 1_000_000)
        whose = "all users of this tenant" if values[0] else "this user"
        detail = f"Too many requests of {whose}; try again in {seconds} s."
        raise RateLimited(detail, headers={"Retry-After": str(seconds)})
    return values
