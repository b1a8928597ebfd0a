"""Two schools side by side in one Postgres and one Redis, both in use, and somebody of one who reaches for the other's.

Made once a module: whatever a test here does to them must leave no trace, which is what the tests look for.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import jwt
import pytest
from redis import Redis

import app
from chalicelib.container import Container
from chalicelib.db.session import Database
from chalicelib.domain.attendance import Role
from local.gateway import lambda_environment
from local.servers import EmbeddedRedis
from tests.api.client import Client
from tests.security.town import Town, build

KEY = "a key for the tests, of more than 32 characters"


def token(subject: str, tenant: str, *roles: str) -> Client:
    """A client with a good token of these roles."""
    said = {"iss": "tests", "aud": "rollcall", "exp": time.time() + 3600, "sub": subject, "tenant_id": tenant}
    return Client({"authorization": f"Bearer {jwt.encode(said | {'roles': list(roles)}, KEY, 'HS256')}"})


@contextmanager
def application(database_url: str, redis_url: str, **variables: str) -> Iterator[Container]:
    """The application's container, made anew from the environment, on an empty Redis."""
    with Redis.from_url(redis_url) as redis:
        redis.flushdb()
    environment = {
        "ROLLCALL_STAGE": "local", "DATABASE_URL": database_url, "REDIS_URL": redis_url, "JWT_ISSUER": "tests",
        "DATABASE_POOL": "4", "WEBSOCKET_URL": "ws://127.0.0.1:1", "WEBSOCKET_ENDPOINT": "http://127.0.0.1:1",
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (lambda_environment() | environment | variables).items():
            patch.setenv(name, value)
        for made in (app.container, app.authenticator, app.sessions):
            made.cache_clear()
        yield app.container()
        app.container().close()
        for made in (app.container, app.authenticator, app.sessions):
            made.cache_clear()


@pytest.fixture(scope="module")
def container(database_url: str, redis_server: EmbeddedRedis) -> Iterator[Container]:
    """The application, as a laptop has it: it believes tokens of a shared key."""
    with application(database_url, redis_server.url(0), JWT_LOCAL_KEY=KEY) as container:
        yield container


@pytest.fixture(scope="module")
def town(container: Container, database: Database) -> Town:
    """Both schools."""
    return build(container, database, token)


@pytest.fixture(scope="module")
def stranger(town: Town) -> Client:
    """Somebody of our school with every role there is: what only belonging elsewhere can forbid."""
    return token("ann", town.ours.tenant, *Role)
