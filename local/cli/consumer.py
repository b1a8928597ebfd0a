"""`consumer`: drains the queue until it is told to stop."""

from __future__ import annotations

import logging
import os
import sys
import threading
from dataclasses import replace

import typer

from local.cli.ending import fail


def consumer() -> None:
    """Write what is on the list of REDIS_URL to DATABASE_URL, for ever; SIGTERM lets the batch finish."""
    from local.consumer import PACE, consume, ready_line, stop_at_signals, warm_up

    stop = stop_at_signals()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    database_url, redis_url = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    if not (database_url and redis_url):
        fail("set DATABASE_URL and REDIS_URL; `make dev` has a consumer already.", 2)
    from local.cli.target import make_container
    from local.folder import local_folder, signing_key

    as_the_app = _when_postgres_answers(database_url, stop)
    if as_the_app is None:
        raise typer.Exit
    container = make_container(as_the_app, redis_url, key=signing_key(local_folder()))
    try:
        warm_up(container)
        typer.echo(ready_line(os.getpid()))
        consume(replace(container.drain, pace=PACE), stop)
    finally:
        container.close()


def _when_postgres_answers(url: str, stop: threading.Event) -> str | None:
    """`url` as the app's role; None if it is time to stop. An owner's URL needs Postgres to answer once."""
    from local.faults import StackFault
    from local.postgres_in_use import as_app

    while not stop.is_set():
        try:
            return as_app(url)
        except StackFault as fault:
            logging.getLogger(__name__).warning("%s", fault)
            stop.wait(2)
    return None
