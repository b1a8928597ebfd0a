"""Serves a Chalice app on a loopback port, from a thread, in the environment that Lambda gives to functions."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import uvicorn
from chalice.app import Chalice

from local.settings import in_environment

from .door import create_gateway
from .websocket import MAX_MESSAGE

_GRACE = 5  # seconds that requests which run at the end get to finish


def reserve(port: int = 0, host: str = "127.0.0.1") -> socket.socket:
    """A port for `serve`, taken already: whoever must know the URL before there is a server asks for it here.

    Port 0 takes a free one. Raises OSError when the port is taken.
    """
    return socket.create_server((host, port), backlog=1024)


def websocket_settings(listener: socket.socket) -> dict[str, str]:
    """The variables by which the app finds the WebSocket door behind a reserved port (chalicelib.config)."""
    host, port = listener.getsockname()[:2]
    return {"WEBSOCKET_URL": f"ws://{host}:{port}/ws", "WEBSOCKET_ENDPOINT": f"http://{host}:{port}"}


def lambda_environment() -> dict[str, str]:
    """What Lambda tells every function of AWS, here a region and credentials that mean nothing anywhere else.

    The AWS client wants them to sign requests; none may leave this machine for a proxy.
    """
    spared = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    spare = ",".join(dict.fromkeys([*filter(None, spared.split(",")), "127.0.0.1", "localhost"]))
    return {
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SESSION_TOKEN": "local",
        "NO_PROXY": spare,
        "no_proxy": spare,
    }


@contextmanager
def serve(
    app: Chalice, port: int = 0, host: str = "127.0.0.1", *, listener: socket.socket | None = None
) -> Iterator[str]:
    """Serve the app while the `with` block runs, and give its URL, without a slash at the end.

    Port 0 takes a free one; a `listener` from `reserve` is used, and closed, instead. At the end, requests that run
    may finish; then the port is closed. Raises OSError when the port is taken.
    """
    with closing(listener or reserve(port, host)) as door, in_environment(lambda_environment()):
        config = uvicorn.Config(
            create_gateway(app),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # the client is who connects, whatever X-Forwarded-For says
            timeout_graceful_shutdown=_GRACE,
            ws_max_size=MAX_MESSAGE,
            ws_per_message_deflate=False,  # API Gateway has no such extension
            ws_ping_interval=None,  # nor does it ping its clients
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([door],), name="gateway", daemon=True)
        thread.start()
        try:
            while thread.is_alive() and not server.started:
                time.sleep(0.005)
            if not server.started:
                raise RuntimeError("the gateway did not start; the log says why")
            yield f"http://{host}:{door.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(_GRACE + 5)
