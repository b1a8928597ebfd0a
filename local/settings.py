"""The environment of the processes of a local stack, as the app reads it (chalicelib.config)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from chalicelib.config import LOCAL
from local.tokens import AUDIENCE, ISSUER

Environment = Mapping[str, str]


def environment(*, database_url: str, redis_url: str, key: str, pool: int = 10) -> dict[str, str]:
    """What a process of the stack needs to know; an empty value takes back what the shell may have set."""
    return {
        "ROLLCALL_STAGE": LOCAL,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "JWT_ISSUER": ISSUER,
        "JWT_AUDIENCE": AUDIENCE,
        "JWT_LOCAL_KEY": key,
        "JWT_JWKS_URL": "",
        "DRAIN_FUNCTION": "",
        "DATABASE_POOL": str(pool),
    }


@contextmanager
def in_environment(variables: Environment) -> Iterator[None]:
    """Have `variables` in this process' environment while the `with` block runs."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
