"""The application behind the local gateway, WebSocket included, over real Postgres and Redis."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
import pytest

import app
from chalicelib.api.doors import BASE
from chalicelib.container import Container
from chalicelib.db.session import Database
from chalicelib.services.drain import Report
from local.gateway import lambda_environment, reserve, serve, websocket_settings
from tests.realtime.client import Live
from tests.school import TODAY, School, Section

KEY = "a key for the tests, of more than 32 characters"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a token."""

    url: str
    token: str

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """A request to the API."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.request(method, self.url + path, json=body, headers=headers, trust_env=False, timeout=30)

    def ticket(self) -> dict[str, Any]:
        """A new ticket."""
        answer = self.ask("POST", "/realtime/tickets")
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def connect(self) -> Live:
        """A WebSocket, opened with a new ticket."""
        return Live(self.ticket()["url"])

    def mark(self, section: Section) -> str:
        """Send a register; the job's id."""
        records = [{"student_id": student, "status": "PRESENT"} for student in section.students]
        answer = self.ask("POST", "/mark", {"date": str(TODAY), "section_id": section.id, "records": records})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["jobId"])

    def job(self, job_id: str) -> dict[str, Any]:
        """The job by GET."""
        told: dict[str, Any] = self.ask("GET", f"/jobs/{job_id}").json()
        return told


Bearer = Callable[..., Person]


@pytest.fixture
def variables(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> dict[str, str]:
    """The settings of this test's processes, also set in this one; the port is the gateway's to be."""
    listener = reserve()
    shards = str(getattr(request, "param", 1))
    made = {
        "ROLLCALL_STAGE": "local", "DATABASE_URL": database_url, "REDIS_URL": redis_url, "JWT_ISSUER": "tests",
        "JWT_LOCAL_KEY": KEY, "DATABASE_POOL": "4", "QUEUE_SHARDS": shards,
        **websocket_settings(listener), **lambda_environment(),
    }  # fmt: skip
    listener.close()
    for name, value in made.items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture
def container(variables: dict[str, str]) -> Iterator[Container]:
    """The application's own container, made anew from the environment."""
    for made in (app.container, app.authenticator, app.sessions):
        made.cache_clear()
    made_first = app.container()
    yield made_first
    made_first.close()
    app.container().close()  # a test may have made another one
    for made in (app.container, app.authenticator, app.sessions):
        made.cache_clear()


@pytest.fixture
def gateway(variables: dict[str, str], container: Container) -> Iterator[str]:
    """The URL of the API."""
    with serve(app.app, int(variables["WEBSOCKET_ENDPOINT"].rpartition(":")[2])) as base:
        yield base + BASE


@pytest.fixture
def school(database: Database) -> School:
    """A tenant that no other test sees."""
    return School(database)


@pytest.fixture
def maths(school: School) -> Section:
    """A section of three students that Ann teaches."""
    return school.section(students=3, teachers=["ann"])


@pytest.fixture
def bearer(gateway: str, school: School) -> Bearer:
    """Makes somebody: `bearer("teacher", "ann")`, `bearer("office", tenant=other.tenant)`."""

    def make(role: str, subject: str | None = None, tenant: str | None = None) -> Person:
        said = {
            "iss": "tests", "aud": "rollcall", "exp": time.time() + 600, "sub": subject or f"the-{role}",
            "tenant_id": tenant or school.tenant, "roles": [role],
        }  # fmt: skip
        return Person(gateway, jwt.encode(said, KEY, "HS256"))

    return make


@pytest.fixture
def ann(bearer: Bearer) -> Person:
    """The teacher of maths."""
    return bearer("teacher", "ann")


@pytest.fixture
def office(bearer: Bearer) -> Person:
    """The office."""
    return bearer("office")


@pytest.fixture
def drain(container: Container) -> Callable[[], Report]:
    """Lets the consumer work until the queue is empty."""
    return lambda: container.drain.run(lambda: 60_000, linger_s=0)
