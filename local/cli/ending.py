"""How a command ends: an error is one line, a signal is no error, and no trace is printed for either."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

INTERRUPTED = 130

_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Also SIGINT: whoever was started in the background would otherwise ignore it."""


def fail(message: str, code: int = 1) -> NoReturn:
    """End the command with a line on standard error."""
    typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(code)


@contextmanager
def plain_errors(*, interrupted: int = INTERRUPTED) -> Iterator[None]:
    """Turn the errors that a command can meet into `fail`, and Ctrl-C, SIGTERM and SIGHUP into a quiet end.

    Whatever is open inside is closed first, since the signals raise KeyboardInterrupt there.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from chalicelib.config import BadSettings
    from chalicelib.errors import RollcallError
    from local.faults import StackFault, postgres_says
    from local.servers import ServerError

    before = {number: signal.signal(number, signal.default_int_handler) for number in _ENDINGS}
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("Stopped.", err=True)
        raise typer.Exit(interrupted) from None
    except (StackFault, ServerError, RollcallError, BadSettings) as error:
        fail(str(error))
    except SQLAlchemyError as error:
        fail(f"Postgres: {postgres_says(error)}.")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
