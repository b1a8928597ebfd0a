"""Serves a Chalice app on a loopback port, from a thread."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import uvicorn
from chalice.app import Chalice

from .door import create_gateway

_GRACE = 5  # seconds that requests which run at the end get to finish


@contextmanager
def serve(app: Chalice, port: int = 0, host: str = "127.0.0.1") -> Iterator[str]:
    """Serve the app while the `with` block runs, and give its URL, without a slash at the end.

    Port 0 takes a free one. At the end, requests that run may finish; then the port is closed. Raises OSError when
    the port is taken.
    """
    with closing(socket.create_server((host, port), backlog=1024)) as listener:
        config = uvicorn.Config(
            create_gateway(app),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # the client is who connects, whatever X-Forwarded-For says
            timeout_graceful_shutdown=_GRACE,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), name="gateway", daemon=True)
        thread.start()
        try:
            while thread.is_alive() and not server.started:
                time.sleep(0.005)
            if not server.started:
                raise RuntimeError("the gateway did not start; the log says why")
            yield f"http://{host}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(_GRACE + 5)
