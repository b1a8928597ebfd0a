"""An identity provider on the loopback, and tokens of every kind: good ones, and those that no library would make."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm


class Issuer:
    """Publishes keys, counts who asks, and can fall over."""

    def __init__(self) -> None:
        self.rsa = rsa.generate_private_key(65_537, 2048)
        self.ec = ec.generate_private_key(ec.SECP256R1())
        self.answer: bytes | None = None
        self.status = 200
        self.asked = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                self.send_response(outer.status)
                self.end_headers()
                self.wfile.write(outer.keys() if outer.answer is None else outer.answer)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys"

    def keys(self) -> bytes:
        """The JWKS: an RSA key and an EC key."""
        published = [
            RSAAlgorithm.to_jwk(self.rsa.public_key(), as_dict=True) | {"kid": "r", "use": "sig", "alg": "RS256"},
            ECAlgorithm.to_jwk(self.ec.public_key(), as_dict=True) | {"kid": "e", "use": "sig", "alg": "ES256"},
        ]
        return json.dumps({"keys": published}).encode()


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """A running identity provider."""
    issuer = Issuer()
    thread = threading.Thread(target=issuer.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield issuer
    issuer.server.shutdown()
    thread.join()
    issuer.server.server_close()


def by_hand(header: Any, claims: Any, key: bytes = b"") -> str:
    """A token whose header and claims say anything at all (bytes: as they are), signed with HMAC."""
    body = b".".join(
        _encoded(part if isinstance(part, bytes) else json.dumps(part).encode()) for part in (header, claims)
    )
    return f"{body.decode()}.{_encoded(hmac.digest(key, body, hashlib.sha256)).decode()}"


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
