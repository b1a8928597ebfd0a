"""What an error of the database means for the work in hand: try again, wait for the server, or blame the data."""

from __future__ import annotations

from enum import Enum

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout


class Blame(Enum):
    """Whose fault an error is."""

    DATA = "data"
    """The rows themselves: they would fail again, alone or in company."""
    RACE = "race"
    """Deadlock or serialisation failure: the same work may succeed at once."""
    SERVER = "server"
    """Away, failing over, full, or not migrated: the work waits and is charged nothing."""


_DATA_CLASSES = ("21", "22", "23")
_RACES = ("40001", "40P01")


def sqlstate(error: BaseException) -> str:
    """The five-character SQLSTATE of an error of Postgres, else an empty string."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    detail = origin.args[0] if origin is not None and origin.args else None
    return str(detail.get("C", "")) if isinstance(detail, dict) else ""


def blame(error: BaseException) -> Blame:
    """Judge `error`. What is not known to be the data's fault is the server's: jobs must not die of an outage."""
    if isinstance(error, UnicodeError):
        return Blame.DATA
    state = sqlstate(error)
    if state in _RACES:
        return Blame.RACE
    return Blame.DATA if state[:2] in _DATA_CLASSES else Blame.SERVER


def is_outage(error: BaseException) -> bool:
    """Whether `error` says that Postgres cannot serve at present (and not that a query of ours is wrong)."""
    if isinstance(error, (OSError, PoolTimeout)):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = sqlstate(error)
    return not state or state[:2] in {"08", "53", "57"} or state in {"25006", "28000", "28P01", "3D000"}
