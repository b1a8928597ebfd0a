"""The Runtime API of one execution environment, as AWS documents it: the process asks for work here and answers.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from typing import Any

MAX_RESPONSE = 6_291_556
"""Bytes that a function may answer; an event may have 6 MiB."""

_PREFIX = "/2018-06-01/runtime/"
_TOO_LARGE = (
    b'{"errorMessage":"Exceeded maximum allowed payload size (6291556 bytes).","errorType":"RequestEntityTooLarge"}'
)


@dataclass(slots=True)
class Invocation:
    """One event on its way through the function. `kind` is `response`, `error` or `too large` once it is `done`."""

    request_id: str
    arn: str
    event: bytes
    deadline_ms: int
    kind: str = ""
    body: bytes = b""
    done: threading.Event = field(default_factory=threading.Event)


class RuntimeApi:
    """Serves on a free port of the loopback interface until `close`."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        """The process has asked for its first event, or said why it cannot."""
        self.asked_at = 0.0
        self.init_error: bytes | None = None
        self._waiting: SimpleQueue[Invocation | None] = SimpleQueue()
        self._running: Invocation | None = None
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.api = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="runtime-api", daemon=True).start()

    @property
    def address(self) -> str:
        """AWS_LAMBDA_RUNTIME_API."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def hand_over(self, invocation: Invocation) -> None:
        """Give the process an event as soon as it asks for one."""
        self._waiting.put(invocation)

    def close(self) -> None:
        """Stop serving; a process that still waits for work is let go."""
        self._waiting.put(None)
        self._server.shutdown()
        self._server.server_close()

    def next(self) -> Invocation | None:
        """What the process is to do; waits for it."""
        if not self.asked.is_set():
            self.asked_at = time.perf_counter()
            self.asked.set()
        self._running = self._waiting.get()
        return self._running

    def end(self, path: list[str], body: bytes) -> int:
        """The process says something; the HTTP status for it."""
        if path == ["init", "error"]:
            self.init_error = body
            self.asked.set()
            return 202
        running = self._running
        if len(path) != 3 or path[0] != "invocation" or running is None or path[1] != running.request_id:
            return 400
        running.kind, running.body = path[2], body
        if running.kind == "response" and len(body) > MAX_RESPONSE:
            running.kind = "too large"
        self._running = None
        running.done.set()
        return 413 if running.kind == "too large" else 202


def _trace(digits: str) -> str:
    """A trace that X-Ray keeps, with the function's own part of it as the parent."""
    return f"Root=1-{int(time.time()):08x}-{digits[:24]};Parent={digits[-16:]};Sampled=1"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    api: RuntimeApi

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A process that was killed leaves its connection broken: that is told where it matters."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without these two an answer goes out in pieces and waits for acknowledgements: 40 ms each.
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def do_GET(self) -> None:
        """`next`, the long poll."""
        invocation = self.server.api.next() if self.path == f"{_PREFIX}invocation/next" else None
        if invocation is None:
            self._answer(404, b"{}", {})
            return
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.arn,
            "Lambda-Runtime-Trace-Id": _trace(invocation.request_id.replace("-", "")),
        }
        self._answer(200, invocation.event, headers)

    def do_POST(self) -> None:
        """An answer, an error, or an error of the start."""
        body = self._body()
        status = self.server.api.end(self.path.removeprefix(_PREFIX).split("/"), body)
        self._answer(status, _TOO_LARGE if status == 413 else b'{"status":"OK"}', {"Content-Type": "application/json"})

    def log_message(self, *args: object) -> None:
        """Nothing: the function's own log is what one reads."""

    def _body(self) -> bytes:
        """With its length told, or in chunks, as the runtime client sends it."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(chunks)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
