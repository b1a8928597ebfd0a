"""What can go wrong with the local stack, as one error to catch and one line to read."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError


class StackFault(Exception):
    """The stack cannot do what was asked; the message is a sentence for the person who asked."""


def postgres_says(error: BaseException) -> str:
    """Postgres' own words for an error, without the statement and the driver around them."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    said: BaseException | None = origin
    while said is not None:
        if said.args and isinstance(said.args[0], dict) and "M" in said.args[0]:
            return str(said.args[0]["M"])
        # The driver says goodbye to a server that has hung up, and buries its reason under that failure.
        said = said.__cause__ or said.__context__
    return str(origin or error)
