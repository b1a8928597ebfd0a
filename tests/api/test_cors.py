"""Pages of other origins: those that the stage names may call the API, from a browser, and no other."""

from __future__ import annotations

import re
from dataclasses import replace

import httpx
import pytest

import app
from chalicelib.api.operations import Operation
from chalicelib.api.routes import operations
from chalicelib.container import Container
from local.gateway import serve
from tests.api.client import Answer, Client
from tests.api.conftest import Bearer
from tests.api.steps import register
from tests.school import Section, new_id

PAGE = "https://attendance.school.example"


@pytest.fixture
def open_to_page(container: Container) -> None:
    """The stage names one page."""
    container.settings = replace(container.settings, cors_origins=frozenset({PAGE}))


def of_cors(answer: Answer) -> dict[str, str]:
    """The headers that a browser judges by."""
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def ask(path: str, origin: str = PAGE) -> Answer:
    """The question of a browser before it sends what is no plain form."""
    sent = {"origin": origin, "access-control-request-method": "POST", "access-control-request-headers": "x"}
    return Client(sent).send("OPTIONS", path)


@pytest.mark.parametrize("one", operations(), ids=lambda one: one.name)
def test_every_operation_can_be_called_by_the_page(one: Operation, open_to_page: None, bearer: Bearer) -> None:
    """The preflight allows its method and headers; its answer, a refusal too, can be read with what must be seen."""
    path = re.sub(r"{\w+}", new_id(), one.path)
    allowed = of_cors(ask(path))
    assert allowed["access-control-allow-origin"] == PAGE
    assert one.method in allowed["access-control-allow-methods"].split(", ")
    assert {"Authorization", "Content-Type", *one.headers} <= set(allowed["access-control-allow-headers"].split(", "))
    assert allowed["access-control-max-age"] == "7200"
    for headers in ({}, bearer("admin").headers):
        answer = Client({**headers, "origin": PAGE}).send(one.method, path, body=b"{}" if one.body else None)
        assert of_cors(answer) == {
            "access-control-allow-origin": PAGE,
            "access-control-expose-headers": "ETag, Location, Retry-After, WWW-Authenticate, x-amzn-RequestId",
        }
        assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://attendance.school.example",
        "https://attendance.school.example:8443",
        "https://attendance.school.example.evil.example",
        "https://ATTENDANCE.school.example",
        "null",
        "*",
        "",
    ],
)
def test_no_other_page_can(origin: str, open_to_page: None, ann: Client, maths: Section) -> None:
    """It may send what browsers send without asking, and reads nothing of the answer."""
    assert of_cors(ask("/mark", origin)) == {}
    answer = replace(ann, headers={**ann.headers, "origin": origin}).post("/mark", register(maths))
    assert of_cors(answer) == {}
    assert answer.headers["vary"] == "Origin"


def test_where_no_page_is_named_none_can(container: Container, ann: Client) -> None:
    """As in prod, unless it is told of one; that a path takes the method is still told."""
    container.settings = replace(container.settings, cors_origins=frozenset())
    answer = ask("/mark")
    assert (answer.status, of_cors(answer), answer.headers["allow"]) == (204, {}, "OPTIONS, POST")
    assert of_cors(replace(ann, headers={**ann.headers, "origin": PAGE}).get("/settings")) == {}


def test_credentials_are_never_asked_for(open_to_page: None, ann: Client) -> None:
    """A page sends the token itself: no cookie could be made to speak for its bearer."""
    for answer in (ask("/settings"), replace(ann, headers={**ann.headers, "origin": PAGE}).get("/settings")):
        assert "access-control-allow-credentials" not in answer.headers
        assert "*" not in of_cors(answer).values()
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:5173", True),
        ("http://127.0.0.1:8000", True),
        ("http://localhost:5173.evil.example", False),
        ("http://localhost.evil.example:80", False),
        ("http://localhost:", False),
        ("http://localhost:*", False),
        ("https://localhost:5173", False),
        (PAGE, False),
    ],
)
def test_on_a_laptop_any_port_of_it_is_one(origin: str, allowed: bool) -> None:
    """Where a page is being made."""
    assert of_cors(ask("/mark", origin)).get("access-control-allow-origin") == (origin if allowed else None)


def test_a_page_marks_through_the_gateway(ann: Client, maths: Section) -> None:
    """What a browser does, over HTTP: it asks, sends, and reads where to follow the job."""
    page = {"Origin": "http://localhost:5173"}
    with serve(app.app) as url, httpx.Client(base_url=url + "/api/v1/school/attendance") as browser:
        question = page | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        asked = browser.options("/mark", headers=question)
        assert (asked.status_code, asked.content) == (204, b"")
        assert asked.headers["access-control-allow-origin"] == page["Origin"]
        assert "Idempotency-Key" in asked.headers["access-control-allow-headers"]
        headers = {**ann.headers, **page, "Idempotency-Key": "k"}
        sent = browser.post("/mark", json=register(maths), headers=headers)
        assert sent.status_code == 202
        assert sent.headers["access-control-allow-origin"] == page["Origin"]
        assert "Location" in sent.headers["access-control-expose-headers"]
        assert "server" not in sent.headers
