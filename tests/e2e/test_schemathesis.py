"""Schemathesis against the API behind the gateway: what the OpenAPI document says is what happens, whatever is sent."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import GenerationConfig, SchemathesisConfig

import app
from chalicelib.api.openapi import document
from chalicelib.api.routes import operations
from chalicelib.db.session import Database
from chalicelib.queue import Lane, NewJob, new_job_id
from local.gateway import create_gateway
from tests.school import TODAY, School

KEY = "a key for the tests, of more than 32 characters"
TOO_LONG = 431
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known behind the API: ids by the name that fields and parameters give them, and the admin's headers."""

    ids: Mapping[str, str]
    headers: Mapping[str, str]

    def fill(self, value: Any, name: str = "") -> Any:
        """`value` with every UUID in place of a known one, every date of today."""
        if isinstance(value, dict):
            return {key: self.fill(part, key) for key, part in value.items()}
        if isinstance(value, list):
            return [self.fill(part, name) for part in value]
        if name in self.ids and isinstance(value, str) and UUID.fullmatch(value):
            return self.ids[name]
        return str(TODAY) if name == "date" and isinstance(value, str) else value


@pytest.fixture
def known(database: Database, redis_url: str, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Known]:
    """A school behind the API with a job that is dead, as its admin."""
    school = School(database)
    section = school.section(students=1)
    environment = {
        "ROLLCALL_STAGE": "local", "DATABASE_URL": database_url, "REDIS_URL": redis_url, "JWT_ISSUER": "tests",
        "JWT_LOCAL_KEY": KEY, "DATABASE_POOL": "4", "WEBSOCKET_URL": "ws://127.0.0.1:1",
        "WEBSOCKET_ENDPOINT": "http://127.0.0.1:1",
    }  # fmt: skip
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    app.container.cache_clear()
    app.authenticator.cache_clear()
    claims = {"iss": "tests", "aud": "rollcall", "sub": "a", "tenant_id": school.tenant, "roles": ["admin"]}
    token = jwt.encode(claims | {"exp": time.time() + 3600}, KEY, "HS256")
    job = NewJob(new_job_id(), school.tenant, "student", Lane.BULK, 1, b"no JSON", "{}", "a", max_attempts=1)
    app.container().queue.enqueue(job)
    assert app.container().drain.run(lambda: 60_000, linger_s=0).failed == 1
    ids = {
        "section_id": section.id, "student_id": section.students[0], "staff_id": school.staff(),
        "session_id": school.session_id, "job_id": job.id,
    }  # fmt: skip
    yield Known(ids, {"Authorization": f"Bearer {token}"})
    app.container().close()
    app.container.cache_clear()
    app.authenticator.cache_clear()


def without_lifespan(gateway: Any) -> Any:
    """The gateway as an application that is never shut down: Schemathesis would do so after each test."""

    async def call(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        await gateway(scope, receive, send)

    return call


def described() -> Any:
    """The API by its description, called through the gateway without a socket."""
    config = SchemathesisConfig()
    schema = schemathesis.openapi.from_dict(document(operations()), config=config)
    schema.app = without_lifespan(create_gateway(app.app))
    # A body, cursor or time zone may be good by its form and break a rule all the same.
    schema.config.checks.positive_data_acceptance.expected_statuses += ["422"]
    schema.config.generation = GenerationConfig(deterministic=True)
    return schema


schema = described()


@schema.parametrize()  # type: ignore[untyped-decorator]  # Schemathesis gives it no types
@settings(max_examples=25, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_api_keeps_its_description(case: schemathesis.Case[Any], known: Known) -> None:
    """Good data and bad: no server error, and only the statuses, media types and schemas that are described."""
    check(case, known)
    case.path_parameters = known.fill(case.path_parameters)
    case.query = known.fill(case.query)
    case.body = known.fill(case.body)
    check(case, known)


def check(case: schemathesis.Case[Any], known: Known) -> None:
    """Send it and judge the answer, unless it is the gateway's own, to more than it takes: it came to no API."""
    answer = case.call(headers=dict(known.headers))
    if answer.status_code != TOO_LONG:
        case.validate_response(answer)
