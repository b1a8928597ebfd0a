"""What can go wrong with the local stack, as one error to catch and one line to read."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError


class StackFault(Exception):
    """The stack cannot do what was asked; the message is a sentence for the person who asked."""


def postgres_says(error: BaseException) -> str:
    """Postgres' own words for an error, without the statement and the driver around them."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    detail = origin.args[0] if origin is not None and origin.args else None
    return str(detail["M"]) if isinstance(detail, dict) and "M" in detail else str(origin or error)
