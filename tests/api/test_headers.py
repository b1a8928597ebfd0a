"""Every answer, good or bad, tells browsers to cache, frame, sniff and run nothing of it."""

from __future__ import annotations

import re

import pytest

import app
from chalicelib.api.operations import Operation
from chalicelib.api.routes import operations
from chalicelib.container import Container
from tests.api.client import Answer, Client
from tests.api.conftest import Bearer
from tests.school import new_id

PATHS = sorted({one.path for one in operations()})


def told(answer: Answer) -> None:
    """The headers are there, and none that tells what the server is made of."""
    headers = answer.headers
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["strict-transport-security"] == "max-age=63072000; includeSubDomains"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert not {"server", "x-powered-by"} & set(headers)


@pytest.mark.parametrize("one", operations(), ids=lambda one: one.name)
def test_on_every_answer_of_every_operation(one: Operation, anyone: Client, bearer: Bearer) -> None:
    """Carried out, refused for want of a token or of a right, or for what was sent."""
    path = re.sub(r"{\w+}", new_id(), one.path)
    body = b"{}" if one.body else None
    seen = set()
    for client in (anyone, bearer("admin"), bearer("guardian")):
        answer = client.send(one.method, path, body=body)
        told(answer)
        seen.add(answer.status)
    assert (401 in seen) == (one.roles is not None)


@pytest.mark.parametrize("path", PATHS)
def test_on_every_preflight(path: str, anyone: Client) -> None:
    """Which has no body."""
    answer = anyone.send("OPTIONS", re.sub(r"{\w+}", new_id(), path))
    told(answer)
    assert (answer.status, answer.text) == (204, "")


def test_on_an_error_that_nobody_expected(
    office: Client, anyone: Client, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where not even the settings can be read."""
    monkeypatch.setattr(container, "control", None)
    broken = office.get("/queue")
    monkeypatch.delenv("REDIS_URL")
    app.container.cache_clear()
    unset = anyone.get("/health")
    preflight = anyone.send("OPTIONS", "/health")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")  # for the fixture that closes the container
    for answer in (broken, unset, preflight):
        assert answer.status == 500
        told(answer)
