"""`env`: the environment of a running dev, for other programs that use its servers."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from local.cli.ending import fail


def env(port: Annotated[int | None, typer.Option(help="Of which dev, if several run.")] = None) -> None:
    """Print `export …` lines for `chalice local` beside a running dev: eval "$(make -s env)"."""
    from local.folder import local_folder, signing_key
    from local.running import find_running
    from local.settings import environment

    folder = local_folder()
    running = find_running(folder, port)
    if running is None:
        fail(f"no dev runs{f' on port {port}' if port is not None else ''}: start one with `make dev`.")
    variables = environment(
        database_url=running.database_url, redis_url=running.redis_url, key=signing_key(folder), pool=5
    )
    for name, value in variables.items():
        if value:
            typer.echo(f"export {name}={shlex.quote(value)}")
