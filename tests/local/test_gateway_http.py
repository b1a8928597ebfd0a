"""What the gateway answers without the app, many requests at once, and its end."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx
import pytest
from chalice.app import Chalice

from chalicelib.api.headers import HEADERS
from local.gateway import MAX_BODY, serve
from local.gateway.door import MAX_HEAD
from local.gateway.isolation import isolate_requests
from local.lambda_context import LocalLambdaContext

BINARY = {"Content-Type": "application/octet-stream"}


def check_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "server" not in answer.headers
    document = answer.json()
    assert document.keys() == {"type", "title", "status", "code", "detail"}
    assert (document["status"], document["code"]) == (status, code)


def test_an_unknown_path_is_not_found(client: httpx.Client) -> None:
    check_problem(client.get("/nowhere"), 404, "not_found")


def test_an_unknown_method_is_told_which_there_are(client: httpx.Client) -> None:
    answer = client.delete("/echo/a/b")
    check_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, POST"


def test_head_is_a_method_like_another_but_its_answer_has_no_body(client: httpx.Client) -> None:
    answer = client.head("/echo/a/b")
    assert (answer.status_code, answer.content) == (405, b"")


def test_a_preflight_is_answered_without_the_app(client: httpx.Client) -> None:
    answer = client.options("/open")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["access-control-allow-origin"] == "https://school.example"
    assert answer.headers["access-control-allow-methods"] == "GET,OPTIONS,PUT"
    assert answer.headers["access-control-max-age"] == "600"
    assert client.get("/open").headers["access-control-allow-origin"] == "https://school.example"


def test_a_preflight_where_nothing_is_open_to_others_is_refused(client: httpx.Client) -> None:
    answer = client.options("/jobs/7")
    check_problem(answer, 405, "method_not_allowed")
    assert "access-control-allow-origin" not in answer.headers


def test_ten_mebibytes_are_taken(client: httpx.Client) -> None:
    assert client.post("/", content=bytes(MAX_BODY), headers=BINARY).json() == {"received": MAX_BODY}


def test_a_body_announced_too_large_is_refused_before_it_comes(client: httpx.Client) -> None:
    with closing(connect(client)) as connection:
        connection.sendall(request_head(f"Content-Length: {MAX_BODY + 1}"))
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b'"code":"too_large"' in answer


def test_a_chunked_body_is_refused_as_soon_as_it_is_too_large(client: httpx.Client) -> None:
    """The client never ends its body, so an answer shows that the gateway did not wait for the end."""
    with closing(connect(client)) as connection:
        connection.sendall(request_head("Transfer-Encoding: chunked"))
        piece = bytes(1024 * 1024)
        for _ in range(10):
            connection.sendall(b"100000\r\n" + piece + b"\r\n")
        connection.sendall(b"1\r\n0\r\n")
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b'"code":"too_large"' in answer


def test_a_chunked_body_without_a_length_is_read(client: httpx.Client) -> None:
    def pieces() -> Iterator[bytes]:
        yield from (b"abc", b"", b"defg")

    assert client.post("/", content=pieces(), headers=BINARY).json() == {"received": 7}


@pytest.mark.parametrize("where", ["path", "query", "headers"])
def test_a_request_line_and_headers_that_are_too_long_are_refused(client: httpx.Client, where: str) -> None:
    """All of them together, and before anything is looked for."""
    fits, too_long = "x" * (MAX_HEAD - 600), "x" * MAX_HEAD

    def ask(filler: str) -> httpx.Response:
        if where == "headers":
            return client.get("/echo/a/b", headers={"X-One": filler[:5000], "X-Two": filler[5000:]})
        return client.get(f"/echo/a/{filler}" if where == "path" else f"/echo/a/b?c={filler}")

    assert ask(fits).status_code == 200
    check_problem(ask(too_long), 431, "headers_too_large")


def test_an_answer_that_is_no_answer_is_a_502_and_logged(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    check_problem(client.get("/broken"), 502, "bad_gateway")
    assert "malformed" in caplog.text


def test_a_websocket_is_refused_in_good_order(client: httpx.Client) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    assert client.get("/jobs/7", headers=upgrade).status_code == 403


def test_requests_at_once_see_their_own_request(client: httpx.Client) -> None:
    """Chalice keeps the request on the app; without the gateway's care one would read another's token."""

    def ask(number: int) -> tuple[int, httpx.Response]:
        return number, client.get(f"/slow/{number}", headers={"Authorization": f"token {number}"})

    with ThreadPoolExecutor(16) as pool:
        started = time.monotonic()
        answers = list(pool.map(ask, range(64)))
        spent = time.monotonic() - started
    for number, answer in answers:
        assert answer.json() == {
            "token": f"token {number}",
            "path": str(number),
            "id": answer.headers["x-amzn-requestid"],
        }
    assert spent < 64 * 0.05, "they ran one after another"


def test_isolating_an_app_twice_changes_nothing_more() -> None:
    app = Chalice("small")
    isolate_requests(app)
    kind = type(app)
    isolate_requests(app)
    assert type(app) is kind
    assert isinstance(app, Chalice)


def test_two_isolated_apps_do_not_share_a_request() -> None:
    first, second = Chalice("first"), Chalice("second")
    for app in (first, second):
        isolate_requests(app)
    context: Any = LocalLambdaContext("first")
    first.lambda_context = context
    assert first.lambda_context.function_name == "first"
    assert second.lambda_context is None


def test_serving_ends_with_its_block_and_lets_a_running_request_finish() -> None:
    app = Chalice("slow")
    threads_before = set(threading.enumerate())
    running = threading.Event()

    @app.route("/slow")
    def slow() -> dict[str, bool]:
        running.set()
        time.sleep(0.3)
        return {"finished": True}

    with ThreadPoolExecutor(1) as pool:
        with serve(app) as url:
            asked = pool.submit(httpx.get, f"{url}/slow")
            assert running.wait(5)
        assert asked.result().json() == {"finished": True}
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    left = set(threading.enumerate()) - threads_before
    assert not any(thread.name == "gateway" for thread in left)


def test_a_taken_port_is_told_and_a_named_one_used_again() -> None:
    app = Chalice("small")
    with serve(app) as url:
        port = int(url.rsplit(":", 1)[1])
        with pytest.raises(OSError, match="in use"), serve(app, port):
            pytest.fail("two gateways on one port")
    with serve(app, port) as again:
        assert again == url
        assert httpx.get(again).status_code == 404


def test_a_context_counts_down_to_nothing() -> None:
    now = [100.0]
    context = LocalLambdaContext("rollcall-drain", timeout=2.5, clock=lambda: now[0])
    assert context.get_remaining_time_in_millis() == 2500
    now[0] += 1
    assert context.get_remaining_time_in_millis() == 1500
    now[0] += 10
    assert context.get_remaining_time_in_millis() == 0
    assert context.invoked_function_arn.endswith(":function:rollcall-drain")
    assert context.aws_request_id != LocalLambdaContext().aws_request_id


def connect(client: httpx.Client) -> socket.socket:
    return socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=5)


def request_head(*headers: str) -> bytes:
    lines = ["POST / HTTP/1.1", "Host: localhost", "Content-Type: application/octet-stream", *headers, "", ""]
    return "\r\n".join(lines).encode()


def read_all(connection: socket.socket) -> bytes:
    """What the server sends until it closes the connection."""
    received = b""
    while piece := connection.recv(65536):
        received += piece
    return received
