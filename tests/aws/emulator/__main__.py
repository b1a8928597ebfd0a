"""Serves the mended moto on a free port until it is told to end; the file named as its argument gets the address."""

from __future__ import annotations

import sys
from pathlib import Path

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from local.folder import write_whole
from tests.aws.emulator import elasticache, rds, rest_api, websocket_api


def main(address: Path) -> None:
    """Never returns."""
    for service in (rest_api, websocket_api, elasticache, rds):
        service.mend()
    server = make_server(
        "127.0.0.1",
        0,
        DomainDispatcherApplication(create_backend_app),
        threaded=True,
        request_handler=MotoRequestHandler,
    )
    write_whole(address, f"http://127.0.0.1:{server.server_port}")
    server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
