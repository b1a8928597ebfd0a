"""The local WebSocket door: the events of API Gateway, its refusals, its limits, and @connections through boto3."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import boto3
import httpx
import pytest
import uvicorn
from botocore.exceptions import ClientError
from chalice.app import Chalice, WebsocketEvent
from starlette.applications import Starlette
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from local.gateway import reserve, serve
from local.gateway.websocket import MAX_MESSAGE, WebSocketDoor
from tests.realtime.client import wait_until


class Small:
    """A small app, and the events that it was given."""

    def __init__(self) -> None:
        self.app = app = Chalice("small")
        app.log.setLevel(logging.CRITICAL)
        self.events: list[dict[str, Any]] = []

        @app.on_ws_connect()
        def opened(event: WebsocketEvent) -> dict[str, Any]:
            told = event.to_dict()
            self.events.append(told)
            return {"statusCode": int((told["queryStringParameters"] or {}).get("answer", 200))}

        @app.on_ws_message()
        def said(event: WebsocketEvent) -> None:
            self.events.append(event.to_dict())
            if event.body == "break":
                raise RuntimeError("the function breaks")

        @app.on_ws_disconnect()
        def closed(event: WebsocketEvent) -> None:
            self.events.append(event.to_dict())

    @property
    def context(self) -> dict[str, Any]:
        """The context of the last event."""
        context: dict[str, Any] = self.events[-1]["requestContext"]
        return context


@pytest.fixture
def small() -> Small:
    """A small app."""
    return Small()


@pytest.fixture
def url(small: Small) -> Iterator[str]:
    """Its gateway's URL."""
    with serve(small.app) as base:
        yield base


def ws(url: str, query: str = "") -> str:
    """The WebSocket behind a gateway."""
    return url.replace("http", "ws", 1) + "/ws" + query


def manager(url: str) -> Any:
    """The client of @connections, as functions have it."""
    return boto3.client("apigatewaymanagementapi", endpoint_url=url)


def test_a_connection_is_three_kinds_of_events(small: Small, url: str) -> None:
    """CONNECT with headers and query, MESSAGE with the text, DISCONNECT with the code, all of one connection."""
    with connect(ws(url, "?ticket=a%3Db&x=1&x=2"), proxy=None, additional_headers={"X-Kind": "unit"}) as socket:
        socket.send("hello")
        socket.send(b"\xff")
        wait_until(lambda: len(small.events) == 3)
    wait_until(lambda: len(small.events) == 4)
    opened, text, data, closed = small.events
    assert opened["queryStringParameters"] == {"ticket": "a=b", "x": "2"}
    assert opened["multiValueQueryStringParameters"] == {"ticket": ["a=b"], "x": ["1", "2"]}
    assert opened["headers"]["x-kind"] == "unit"
    assert (text["body"], text["isBase64Encoded"]) == ("hello", False)
    assert (data["body"], data["isBase64Encoded"]) == ("/w==", True)
    told = [(e["requestContext"]["routeKey"], e["requestContext"]["eventType"]) for e in small.events]
    message = ("$default", "MESSAGE")
    assert told == [("$connect", "CONNECT"), message, message, ("$disconnect", "DISCONNECT")]
    assert closed["requestContext"]["disconnectStatusCode"] == 1000
    assert len({e["requestContext"]["connectionId"] for e in small.events}) == 1
    for e in small.events:
        assert e["requestContext"]["domainName"] == url.removeprefix("http://")
        assert e["requestContext"]["stage"] == "local"
        assert e["requestContext"]["connectedAt"] <= e["requestContext"]["requestTimeEpoch"]


@pytest.mark.parametrize(("answer", "status"), [(401, 401), (403, 403), (400, 502), (500, 502), (503, 502)])
def test_a_refusal_refuses_the_handshake(small: Small, url: str, answer: int, status: int) -> None:
    """And there is no DISCONNECT of what never was."""
    with pytest.raises(InvalidStatus) as refused, connect(ws(url, f"?answer={answer}"), proxy=None):
        pytest.fail("it was opened")
    assert refused.value.response.status_code == status
    assert len(small.events) == 1


def test_functions_post_ask_and_close_through_boto3(small: Small, url: str) -> None:
    """As on AWS, and a connection that is gone is 410 GoneException to each."""
    client = manager(url)
    with connect(ws(url), proxy=None) as socket:
        connection = small.context["connectionId"]
        client.post_to_connection(ConnectionId=connection, Data="Zoë 🏫".encode())
        assert socket.recv(timeout=30) == "Zoë 🏫"
        told = client.get_connection(ConnectionId=connection)
        assert told["ConnectedAt"] <= told["LastActiveAt"]
        assert told["Identity"]["SourceIp"] == "127.0.0.1"
        client.delete_connection(ConnectionId=connection)
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=30)
    wait_until(lambda: small.context["eventType"] == "DISCONNECT")
    for verb, more in (("post_to_connection", {"Data": b"x"}), ("get_connection", {}), ("delete_connection", {})):
        with pytest.raises(client.exceptions.GoneException):
            getattr(client, verb)(ConnectionId=connection, **more)


def test_a_message_to_a_client_has_a_limit(small: Small, url: str) -> None:
    """128 KiB pass, one byte more does not."""
    client = manager(url)
    with connect(ws(url), proxy=None) as socket:
        connection = small.context["connectionId"]
        client.post_to_connection(ConnectionId=connection, Data=b"x" * MAX_MESSAGE)
        assert len(socket.recv(timeout=30)) == MAX_MESSAGE
        with pytest.raises(ClientError, match="PayloadTooLargeException"):
            client.post_to_connection(ConnectionId=connection, Data=b"x" * (MAX_MESSAGE + 1))


def test_a_message_from_a_client_has_a_limit(small: Small, url: str) -> None:
    """One that is too large closes the connection with 1009."""
    with connect(ws(url), proxy=None) as socket:
        socket.send("x" * MAX_MESSAGE)
        wait_until(lambda: len(small.events) == 2)
        socket.send("x" * (MAX_MESSAGE + 1))
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=30)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009
    assert len([e for e in small.events if e["requestContext"]["eventType"] == "MESSAGE"]) == 1


def test_a_function_that_breaks_leaves_the_connection_open(
    small: Small, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says why."""
    with connect(ws(url), proxy=None) as socket:
        socket.send("break")
        socket.send("and on")
        wait_until(lambda: len(small.events) == 3)
        assert small.events[-1]["body"] == "and on"
    assert "the function breaks" in caplog.text


def test_other_paths_open_no_websocket(url: str) -> None:
    """Only /ws does."""
    with pytest.raises(InvalidStatus) as refused, connect(ws(url) + "/more", proxy=None):
        pytest.fail("it was opened")
    assert refused.value.response.status_code == 403


def test_an_app_without_websockets_has_no_such_doors() -> None:
    """Neither for clients nor for functions."""
    with serve(Chalice("plain")) as url:
        with pytest.raises(InvalidStatus), connect(ws(url), proxy=None):
            pytest.fail("it was opened")
        assert httpx.post(f"{url}/@connections/abc=", trust_env=False).status_code == 404


@contextmanager
def short_lived(small: Small, **limits: float) -> Iterator[str]:
    """A gateway whose connections end sooner."""
    with ThreadPoolExecutor(4) as threads, reserve() as listener:
        routes = WebSocketDoor(small.app, threads, **limits).routes
        server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_config=None, ws_ping_interval=None))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        wait_until(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


def test_a_quiet_connection_is_closed_but_not_one_that_is_told_something(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    """API Gateway's ten minutes, here two seconds."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "local")
    with short_lived(small, idle_s=2) as url, connect(ws(url), proxy=None) as socket:
        connection = small.context["connectionId"]
        for _ in range(4):
            time.sleep(0.6)
            httpx.post(f"{url}/@connections/{connection}", content=b"still here", trust_env=False)
            assert socket.recv(timeout=10) == "still here"
        began = time.monotonic()
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=30)
        assert 1.5 < time.monotonic() - began < 15
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001


def test_no_connection_lives_for_ever(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    """API Gateway's two hours, here half a second, though the client speaks all the time."""
    monkeypatch.setenv("AWS_REGION", "local")
    with short_lived(small, life_s=0.5) as url, connect(ws(url), proxy=None) as socket:
        began = time.monotonic()
        with pytest.raises(ConnectionClosed):
            talk(socket, for_s=30)
        assert time.monotonic() - began < 15


def talk(socket: ClientConnection, for_s: float) -> None:
    """Send something twenty times a second."""
    deadline = time.monotonic() + for_s
    while time.monotonic() < deadline:
        socket.send("on and on")
        time.sleep(0.05)
