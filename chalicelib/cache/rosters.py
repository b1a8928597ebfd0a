"""One HASH a tenant in Redis: its rules and, a field each, its registers; filled from Postgres when cold.

Every write carries the tenant's `revision`. A reader that was slower than an import cannot put an old roster back: the
script refuses a revision older than the one that is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from redis import Redis, RedisCluster
from redis.exceptions import RedisError

from chalicelib.cache.allowances import Toll
from chalicelib.cache.codec import dump_register, dump_rules, load_register, load_rules
from chalicelib.domain.register import Register
from chalicelib.domain.rules import Rules
from chalicelib.errors import NotFound, Unavailable

_PUT = (Path(__file__).parent / "lua" / "put.lua").read_text(encoding="utf-8")
_RULES = "rules"


class RosterSource(Protocol):
    """Where a cold cache is filled from (Postgres)."""

    def rules(self, tenant: str) -> Rules | None:
        """The tenant's rules; None for an unknown tenant."""
        ...

    def registers(self, tenant: str, names: frozenset[str] | None = None) -> tuple[int, Mapping[str, Register]]:
        """Registers by name (a section's id, ALL_STUDENTS, STAFF), all of them by default, and their revision."""
        ...


class RosterCache:
    """Rules and registers, one round trip when warm."""

    def __init__(self, redis: Redis | RedisCluster, source: Callable[[], RosterSource], *, ttl_s: int = 86_400) -> None:
        self._redis = redis
        self._source = source
        self._ttl_ms = ttl_s * 1000
        self._put = redis.register_script(_PUT)

    def find(self, tenant: str, register: str, toll: Toll | None = None) -> tuple[Rules, Register]:
        """The tenant's rules and the register called `register`. Raises NotFound if there is none of that name.

        The `toll` of the request is taken in the same round trip. Raises RateLimited if there is nothing left of it.
        """
        key, fields = _key(tenant), [_RULES, _field(register)]
        cached_rules, cached = toll.take_and_read(key, fields) if toll else self._ask("HMGET", key, *fields)
        rules = load_rules(cached_rules) if cached_rules else self._fill_rules(tenant)
        return rules, load_register(cached) if cached else self._fill_register(tenant, register)

    def rules(self, tenant: str) -> Rules:
        """The tenant's rules. Raises NotFound for an unknown tenant."""
        cached = self._ask("HGET", _key(tenant), _RULES)
        return load_rules(cached) if cached else self._fill_rules(tenant)

    def forget(self, tenant: str) -> None:
        """Drop everything before an import commits: should it die before `refresh`, nothing old is left behind."""
        self._ask("DEL", _key(tenant))

    def forget_rules(self, tenant: str) -> None:
        """Drop the rules before a change of settings commits, as `forget` does before an import."""
        self._ask("HDEL", _key(tenant), _RULES)

    def refresh(self, tenant: str) -> None:
        """Put everything anew after an import, so that the morning's first registers find a warm cache."""
        rules = self._source().rules(tenant)
        if rules is None:
            self.forget(tenant)
            return
        revision, registers = self._source().registers(tenant)
        self._keep(tenant, rules.revision, {_RULES: dump_rules(rules)}, drop=True)
        for start in range(0, len(registers), 200):
            some = list(registers.items())[start : start + 200]
            fields = {_field(name): dump_register(register) for name, register in some}
            self._keep(tenant, revision, fields, drop=True)

    def refresh_rules(self, tenant: str) -> None:
        """Put the rules anew after a change of settings; the registers stay as they are."""
        self._fill_rules(tenant)

    def _fill_rules(self, tenant: str) -> Rules:
        rules = self._source().rules(tenant)
        if rules is None:
            raise NotFound("This tenant has no roster here.")
        self._keep(tenant, rules.revision, {_RULES: dump_rules(rules)}, drop=False)
        return rules

    def _fill_register(self, tenant: str, name: str) -> Register:
        revision, found = self._source().registers(tenant, frozenset({name}))
        if name not in found:
            raise NotFound("There is no such section.")
        self._keep(tenant, revision, {_field(name): dump_register(found[name])}, drop=False)
        return found[name]

    def _keep(self, tenant: str, revision: int, fields: Mapping[str, str], *, drop: bool) -> None:
        flat = [part for pair in fields.items() for part in pair]
        try:
            self._put(keys=[_key(tenant)], args=[revision, self._ttl_ms, int(drop), *flat])
        except RedisError as error:
            raise _away() from error

    def _ask(self, *command: str) -> Any:
        try:
            execute: Callable[..., Any] = self._redis.execute_command
            return execute(*command)
        except RedisError as error:
            raise _away() from error


def _away() -> Unavailable:
    return Unavailable("Redis does not answer.", headers={"Retry-After": "1"})


def _key(tenant: str) -> str:
    return f"roster:{{{tenant}}}"


def _field(register: str) -> str:
    return f"r:{register}"
