"""Serves the mended moto on a free port until it is told to end; the folder named as its argument gets the address."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import NoReturn

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from local.folder import write_whole
from tests.aws.emulator import (
    account,
    budgets,
    elasticache,
    elasticache_groups,
    functions,
    rds,
    rest_api,
    s3,
    websocket_api,
)
from tests.aws.emulator.front import Front


def main(folder: Path) -> None:
    """Returns on SIGTERM."""
    moto = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, moto, threaded=True, request_handler=MotoRequestHandler)
    url = f"http://127.0.0.1:{server.server_port}"
    runner = functions.Runner(folder, url)
    for service in (account, rest_api, websocket_api, elasticache, elasticache_groups, rds, s3, budgets):
        service.mend()
    functions.mend(runner, url)
    server.app = Front(moto, runner)
    signal.signal(signal.SIGTERM, _end)
    try:
        write_whole(folder / "address", url)
        server.serve_forever()
    finally:
        runner.close()


def _end(*_: object) -> NoReturn:
    raise SystemExit


if __name__ == "__main__":
    main(Path(sys.argv[1]))
