"""Which database and Redis a command works on: a running dev's, or those that the environment names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from local.faults import StackFault
from local.folder import local_folder, signing_key
from local.running import RunningStack, find_running

if TYPE_CHECKING:
    from chalicelib.container import Container


@contextmanager
def open_target(port: int | None) -> Iterator[tuple[Container, RunningStack | None]]:
    """The app's services there, as the app's role, and the dev if it is one.

    A `port` means the dev that serves it; else DATABASE_URL and REDIS_URL go before the newest dev. Raises StackFault.
    """
    folder = local_folder()
    urls = named_servers() if port is None else None
    running = None
    if urls is None:
        running = find_running(folder, port)
        if running is None:
            where = f" on port {port}" if port is not None else ", and DATABASE_URL and REDIS_URL are not set"
            raise StackFault(f"No dev runs{where}: start one with `make dev`.")
        urls = running.database_url, running.redis_url
    container = make_container(*urls, key=signing_key(folder))
    try:
        yield container, running
    finally:
        container.close()


def named_servers() -> tuple[str, str] | None:
    """DATABASE_URL, turned to the app's role, and REDIS_URL; None unless both are set. Raises StackFault."""
    from local.postgres_in_use import as_app

    database_url, redis_url = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    return (as_app(database_url), redis_url) if database_url and redis_url else None


def make_container(database_url: str, redis_url: str, *, key: str) -> Container:
    """The app's services on two servers, as app.py wires them."""
    from local.front_door import front_door
    from local.settings import environment

    _, container = front_door(environment(database_url=database_url, redis_url=redis_url, key=key, pool=1))
    return container
