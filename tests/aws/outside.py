"""What functions call outside of themselves: an identity provider's keys, posts to WebSockets, S3, and X-Ray."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from tests.watch.daemon import Daemon

ISSUER = "https://issuer.example/"


class Outside:
    """An identity provider with one RSA key, a management API of WebSockets that writes down what it gets, and an S3.

    Beside them stands the daemon of X-Ray, `xray`.
    `objects` are what lies in its buckets, by path: `/bucket/key`.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.posts: list[tuple[str, dict[str, Any]]] = []
        self.objects: dict[str, bytes] = {}
        self.xray = Daemon()
        self._key = rsa.generate_private_key(65537, 2048)

    @property
    def keys(self) -> dict[str, Any]:
        """The JWKS."""
        public = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": "one", "use": "sig", "alg": "RS256"}]}

    def token(self, tenant: str, role: str = "office") -> str:
        """A token of the contract, signed as identity providers sign."""
        claims = {
            "iss": ISSUER, "aud": "rollcall", "exp": time.time() + 600, "sub": f"the-{role}", "tenant_id": tenant,
            "roles": [role],
        }  # fmt: skip
        return jwt.encode(claims, self._key, "RS256", headers={"kid": "one"})

    def told(self, connection: str) -> list[dict[str, Any]]:
        """The messages that were posted to a connection."""
        return [message for whose, message in self.posts if whose == connection]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    outside: Outside


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        path = unquote(self.path.partition("?")[0])
        if path == "/keys":
            self._answer(200, json.dumps(self.server.outside.keys).encode())
        elif path in self.server.outside.objects:
            self._signed()
            self._answer(200, self.server.outside.objects[path])
        else:
            self._answer(404, b"<Error><Code>NoSuchKey</Code><Message>Not here.</Message></Error>", "application/xml")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._signed()
        self.server.outside.posts.append((unquote(self.path).removeprefix("/@connections/"), json.loads(body)))
        self._answer(200, b"{}")

    def _signed(self) -> None:
        assert self.headers["Authorization"].startswith("AWS4-HMAC-SHA256"), "whoever calls AWS signs"

    def _answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Nothing."""


@contextmanager
def open_outside() -> Iterator[Outside]:
    """Serve it on a free port of the loopback interface."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.outside = Outside(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.outside
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        server.outside.xray.close()
