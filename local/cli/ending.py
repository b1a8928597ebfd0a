"""How a command ends: an error is one line, a signal is no error, and no trace is printed for either."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

INTERRUPTED = 130

_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Also SIGINT: whoever was started in the background would otherwise ignore it."""


class _EndedError(BaseException):
    """Somebody wants this to end. Not a KeyboardInterrupt: one that passes through `exec` has the last word at exit."""


def fail(message: str, code: int = 1) -> NoReturn:
    """End the command with a line on standard error."""
    typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(code)


@contextmanager
def plain_errors(*, interrupted: int = INTERRUPTED) -> Iterator[None]:
    """Turn the errors that a command can meet into `fail`, and Ctrl-C, SIGTERM and SIGHUP into a quiet end.

    Whatever is open inside is closed first, since the signals raise an exception there.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from chalicelib.config import BadSettings
    from chalicelib.errors import RollcallError
    from local.faults import StackFault, postgres_says
    from local.servers import ServerError

    asked: list[int] = []

    def end(number: int, _: object) -> None:
        asked.append(number)
        raise _EndedError

    before = {number: signal.signal(number, end) for number in _ENDINGS}
    hook, sys.unraisablehook = sys.unraisablehook, _quietly(sys.unraisablehook)
    try:
        try:
            yield
        except BaseException:
            if not asked:  # else whatever a library has made of it on its way
                raise
        if asked:
            typer.echo("Stopped.", err=True)
            raise typer.Exit(interrupted)
    except (StackFault, ServerError, RollcallError, BadSettings) as error:
        fail(str(error))
    except SQLAlchemyError as error:
        fail(f"Postgres: {postgres_says(error)}.")
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def _quietly(hook: Callable[[sys.UnraisableHookArgs], object]) -> Callable[[sys.UnraisableHookArgs], object]:
    """Say nothing of a signal that came where nothing can be raised (a weak reference's callback): it is remembered."""

    def told(unraisable: sys.UnraisableHookArgs) -> None:
        if not isinstance(unraisable.exc_value, _EndedError):
            hook(unraisable)

    return told
