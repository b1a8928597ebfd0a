"""The application over real Postgres and Redis, a school of its own for each test, and a client for each role."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest

import app
from chalicelib.container import Container
from chalicelib.db.session import Database
from chalicelib.services.drain import Report
from tests.api.client import Client
from tests.school import School, Section

KEY = "a key for the tests, of more than 32 characters"

Bearer = Callable[..., Client]


@pytest.fixture(autouse=True)
def container(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Container]:
    """The application's own container, made anew from the environment, on an empty Redis."""
    environment = {
        "ROLLCALL_STAGE": "local", "DATABASE_URL": database_url, "REDIS_URL": redis_url, "JWT_ISSUER": "tests",
        "JWT_LOCAL_KEY": KEY, "DATABASE_POOL": "4", "WEBSOCKET_URL": "ws://127.0.0.1:1",
        "WEBSOCKET_ENDPOINT": "http://127.0.0.1:1",
    }  # fmt: skip
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    app.container.cache_clear()
    app.authenticator.cache_clear()
    made = app.container()
    yield made
    for one in {made, app.container()}:  # a test may have had another one made
        one.close()
    app.container.cache_clear()
    app.authenticator.cache_clear()


@pytest.fixture
def school(database: Database) -> School:
    """A tenant that no other test sees."""
    return School(database)


@pytest.fixture
def maths(school: School) -> Section:
    """A section of three students that Ann teaches."""
    return school.section(students=3, teachers=["ann"])


@pytest.fixture
def bearer(school: School) -> Bearer:
    """Makes a client with a token: `bearer("teacher", "ann")`, `bearer("office", tenant=other.tenant)`."""

    def make(role: str, subject: str | None = None, tenant: str | None = None, **claims: Any) -> Client:
        said = {
            "iss": "tests", "aud": "rollcall", "exp": time.time() + 600, "sub": subject or f"the-{role}",
            "tenant_id": tenant or school.tenant, "roles": [role],
        }  # fmt: skip
        return Client({"authorization": f"Bearer {jwt.encode(said | claims, KEY, 'HS256')}"})

    return make


@pytest.fixture
def office(bearer: Bearer) -> Client:
    """The office."""
    return bearer("office")


@pytest.fixture
def admin(bearer: Bearer) -> Client:
    """The admin."""
    return bearer("admin")


@pytest.fixture
def ann(bearer: Bearer) -> Client:
    """The teacher of maths."""
    return bearer("teacher", "ann")


@pytest.fixture
def anyone() -> Client:
    """Nobody in particular: no token."""
    return Client()


@pytest.fixture
def drain(container: Container) -> Callable[[], Report]:
    """Lets the consumer work until the queue is empty."""
    return lambda: container.drain.run(lambda: 60_000, linger_s=0)


@pytest.fixture
def away(container: Container, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Takes `postgres` or `redis` away: from now on the application finds nobody at that address."""
    dead = {
        "postgres": ("DATABASE_URL", "postgresql://rollcall_app@127.0.0.1:1/rollcall"),
        "redis": ("REDIS_URL", "redis://127.0.0.1:1/0"),
    }

    def take(server: str) -> None:
        monkeypatch.setenv(*dead[server])
        app.container.cache_clear()

    return take
