"""Lines of log on Lambda: one JSON object a line, ASCII only, with the ids of the work at hand.

Powertools writes them, and is loaded with the first line: it takes a quarter of a start of the REST function, which has
nothing to log while all is well (docs/decisions/0016).
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from copy import copy
from functools import cached_property, partial

from chalicelib.watch.ids import ids

_dumps = partial(json.dumps, separators=(",", ":"), default=str)
"""ASCII only: no control character, line separator or half of a pair of what was sent reaches a reader as itself."""
_DATA = ("22", "23")
"""Classes of SQLSTATE whose messages quote values: data exceptions, integrity constraints."""


def log_as_json() -> None:
    """From now on, all that this process logs goes to stdout as JSON: ours from INFO on, of others warnings."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]  # AWS's runtime client has put one there, which writes text
    root.setLevel(logging.WARNING)
    logging.getLogger("chalicelib").setLevel(logging.INFO)
    logging.captureWarnings(capture=True)


class JsonLines(logging.Formatter):
    """A record that carries an `emf` document is that document; any other is written by Powertools."""

    def format(self, record: logging.LogRecord) -> str:
        """The record on one line."""
        if isinstance(emf := getattr(record, "emf", None), dict):
            return _dumps({"level": record.levelname, **ids(), **emf})
        line = copy(record)
        line.__dict__.update({**ids(), **record.__dict__})
        if record.exc_info and record.exc_info[1]:
            error = record.exc_info[1]
            line.__dict__.update(exc_info=None, exc_text=None, exception_name=_name(error))
            line.__dict__["exception"] = "".join(_told(error))
        return self._powertools.format(line)

    @cached_property
    def _powertools(self) -> logging.Formatter:
        from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

        place = "%(name)s.%(funcName)s:%(lineno)d"
        return LambdaPowertoolsFormatter(json_serializer=_dumps, utc=True, use_rfc3339=True, location=place)


def is_ours(error: BaseException) -> bool:
    """Whether the message was written here. Others quote what they were handed: Postgres a row, Pydantic a field."""
    return type(error).__module__.partition(".")[0] == "chalicelib"


def _words(error: BaseException) -> str:
    """What of an error's message can be told: of ours and of the network's all, of Postgres' what quotes no data."""
    if is_ours(error) or isinstance(error, OSError):
        return f": {error}"
    told = error.args[0] if error.args else None
    if isinstance(told, dict) and isinstance(code := told.get("C"), str):  # pg8000: the fields of Postgres' answer
        return f": {code}" if code[:2] in _DATA else f": {code} {told.get('M', '')}"
    return ""


def _told(error: BaseException) -> Iterator[str]:
    """A traceback with the errors that led to this one, the first first; without words of others."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _told(before)
        yield "\nand then:\n\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{_name(error)}{_words(error)}\n"


def _name(error: BaseException) -> str:
    return type(error).__qualname__
