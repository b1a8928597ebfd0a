"""The gateway hands the app the event that API Gateway would, and gives back what the app answers."""

from __future__ import annotations

import base64
import re
import time
from typing import Any

import httpx
import pytest

from local.gateway.routes import Match, RouteTable


def test_an_event_has_the_shape_that_api_gateway_sends(client: httpx.Client) -> None:
    before = time.time() * 1000
    event = client.post(
        "/echo/a%20b/c?tag=1&tag=2&note=x%2By&empty=",
        content=b'{"n": 1}',
        headers=[
            ("Content-Type", "application/json"),
            ("X-Many", "one"),
            ("X-Many", "two"),
            ("User-Agent", "unit"),
            ("X-Forwarded-For", "203.0.113.9"),
        ],
    ).json()
    context = event.pop("requestContext")
    headers, many = event.pop("headers"), event.pop("multiValueHeaders")
    assert event == {
        "resource": "/echo/{name}/{more}",
        "path": "/echo/a%20b/c",
        "httpMethod": "POST",
        "queryStringParameters": {"tag": "2", "note": "x+y", "empty": ""},
        "multiValueQueryStringParameters": {"tag": ["1", "2"], "note": ["x+y"], "empty": [""]},
        "pathParameters": {"name": "a b", "more": "c"},
        "stageVariables": None,
        "body": '{"n": 1}',
        "isBase64Encoded": False,
    }
    assert headers["x-many"] == "two"
    assert many["x-many"] == ["one", "two"]
    assert headers["content-type"] == "application/json"
    assert headers["x-forwarded-for"] == "203.0.113.9, 127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers.keys() == many.keys()
    assert before - 1 <= context.pop("requestTimeEpoch") <= time.time() * 1000
    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", context.pop("requestTime"))
    assert re.fullmatch(r"[0-9a-f-]{36}", context.pop("requestId"))
    assert context == {
        "accountId": "000000000000",
        "apiId": "local",
        "domainName": headers["host"],
        "httpMethod": "POST",
        "resourcePath": "/echo/{name}/{more}",
        "path": "/echo/a%20b/c",
        "protocol": "HTTP/1.1",
        "stage": "local",
        "identity": {"sourceIp": "127.0.0.1", "userAgent": "unit"},
    }


def test_what_is_not_there_is_null(client: httpx.Client) -> None:
    event = client.get("/echo/a/b").json()
    names = ("queryStringParameters", "multiValueQueryStringParameters", "body", "stageVariables")
    assert [event[name] for name in names] == [None] * 4


def test_a_body_that_is_not_text_comes_in_base64(client: httpx.Client) -> None:
    event = client.post("/echo/a/b", content=b"\xff\x00", headers={"Content-Type": "text/plain"}).json()
    assert (event["body"], event["isBase64Encoded"]) == (base64.b64encode(b"\xff\x00").decode(), True)


def test_text_in_any_script_comes_as_text(client: httpx.Client) -> None:
    event = client.post("/echo/a/b", content="Zoë 🏫".encode(), headers={"Content-Type": "text/plain"}).json()
    assert (event["body"], event["isBase64Encoded"]) == ("Zoë 🏫", False)


def test_headers_status_and_body_of_an_answer_come_back(client: httpx.Client) -> None:
    answer = client.get("/cookies")
    assert answer.status_code == 203
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert answer.headers["x-kind"] == "mixed"
    assert answer.headers.get_list("content-type") == ["text/plain"]


def test_a_picture_comes_back_as_bytes(client: httpx.Client) -> None:
    answer = client.get("/picture", headers={"Accept": "image/png"})
    assert (answer.content, answer.headers["content-type"]) == (b"\x89PNG\r\n\xff", "image/png")


def test_an_answer_carries_the_id_of_its_request(client: httpx.Client) -> None:
    answer = client.get("/echo/a/b")
    assert answer.headers["x-amzn-requestid"] == answer.json()["requestContext"]["requestId"]


@pytest.mark.parametrize(
    ("path", "match"),
    [
        ("/", Match("/", {})),
        ("/jobs/mine", Match("/jobs/mine", {})),
        ("/jobs/7", Match("/jobs/{id}", {"id": "7"})),
        ("/jobs/7/", Match("/jobs/{id}", {"id": "7"})),
        ("/jobs/a%2Fb;c", Match("/jobs/{id}", {"id": "a/b;c"})),
        ("/students/5/history", Match("/students/{student}/history", {"student": "5"})),
        ("/jobs/7//", None),
        ("/jobs/", None),
        ("//jobs/7", None),
        ("/jobs.mine", None),
        ("/nothing", None),
    ],
)
def test_a_path_belongs_to_one_resource(path: str, match: Match | None) -> None:
    """A fixed segment before a variable; no variable of another route; encoded slashes do not part segments."""
    resources = ["/jobs/{id}", "/students/{other}/marks", "/", "/jobs/mine", "/students/{student}/history"]
    table = RouteTable(resources)
    assert table.match(path) == match


def test_fixed_resources_win_over_http_too(client: httpx.Client) -> None:
    answers: list[Any] = [client.get(path).json()["job"] for path in ("/jobs/mine", "/jobs/mine/", "/jobs/x")]
    assert answers == ["of mine", "of mine", "x"]
