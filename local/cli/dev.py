"""`dev`: the whole stack, up until it is told to stop."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from local.cli.ending import plain_errors

if TYPE_CHECKING:
    from local.stack import Stack

_WATCH_S = 0.2
_RESTART_S = 1.0


def dev(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port of the API; 0 takes a free one.")] = 8000,
    roster: Annotated[Path | None, typer.Option(help="A OneRoster 1.2 folder or zip for the tenant demo.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log a line for each request, and its figures.")] = False,
) -> None:
    """Serve the API with two tenants, demo and other, until Ctrl-C or SIGTERM."""
    _log_to_stderr(verbose=verbose)
    from local.demo.telling import make_console
    from local.folder import local_folder
    from local.running import of_this_process, published
    from local.stack import OwnServers, Stack
    from local.welcome import welcome

    console = make_console()
    with plain_errors(interrupted=0):
        folder = local_folder()
        with ExitStack() as opening:
            with console.status("Starting Rollcall …"):
                stack = opening.enter_context(
                    Stack(port=port, roster=roster, servers=OwnServers.from_environment(), log_folder=folder)
                )
                told = of_this_process(stack.port, stack.url, stack.database_url, stack.redis_url, stack.tenants)
                opening.enter_context(published(folder, told))
                text = welcome(stack)
            typer.echo(text)
            _watch(stack)


def _watch(stack: Stack) -> None:
    """Start the consumer anew whenever it has died, at most once a second."""
    started = 0.0
    while True:
        time.sleep(_WATCH_S)
        if not stack.consumer.running and time.monotonic() - started > _RESTART_S:
            logging.getLogger(__name__).warning("The consumer has died; starting another one.")
            stack.start_consumer()
            started = time.monotonic()


def _log_to_stderr(*, verbose: bool) -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S")
    if verbose:
        logging.getLogger("local.gateway").setLevel(logging.DEBUG)
        logging.getLogger("chalicelib").setLevel(logging.INFO)
