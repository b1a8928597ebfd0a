"""Lines of log: one JSON object each whatever is in it, with the ids at hand, and nothing that an error quotes."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from sqlalchemy import text

from chalicelib.db.session import Database
from chalicelib.errors import Unavailable
from chalicelib.watch.ids import ids, note, work
from chalicelib.watch.logs import JsonLines
from local.folder import ROOT

_FORMATTER = JsonLines()
CHILD = "Mabel has the measles"


def line_of(message: str, *args: object, error: BaseException | None = None, **extra: Any) -> tuple[str, Any]:
    """A line as it is printed, and what it says."""
    told = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("chalicelib.x", logging.WARNING, "x.py", 1, message, args, told, "act")
    record.__dict__.update(extra)
    printed = _FORMATTER.format(record)
    return printed, json.loads(printed)


def test_a_line_says_when_where_what_and_of_which_work() -> None:
    """The ids that the work began with, those that became known, and the line's own."""
    with work(request="r1", trace=None):
        note(tenant="t1")
        _, line = line_of("job %s cannot be written", "j1", job="j1")
    assert line["message"] == "job j1 cannot be written"
    assert (line["level"], line["location"]) == ("WARNING", "chalicelib.x.act:1")
    assert line["timestamp"].endswith("+00:00")
    assert {"request": "r1", "tenant": "t1", "job": "j1"}.items() <= line.items()
    assert "trace" not in line


def test_ids_end_with_their_work() -> None:
    """The next request of the same environment is somebody else's."""
    with work(request="r1"):
        note(tenant="t1")
    note(tenant="t2")
    assert ids() == {}


@settings(max_examples=50)
@given(st.text(max_size=50), st.text(max_size=50))
def test_nothing_that_is_sent_makes_a_second_line(said: str, id_: str) -> None:
    """Line breaks, terminal codes, halves of pairs: all come out as they went in, on one line of ASCII."""
    with work(request=id_):
        printed, line = line_of("asked for %s", said, job=id_)
    assert printed.isascii()
    assert printed.isprintable()
    assert len(printed.splitlines()) == 1
    assert (line["message"], line["request"], line["job"]) == (f"asked for {said}", id_, id_)


def test_a_forged_line_stays_inside_its_string() -> None:
    """The classic."""
    forged = 'x\n{"level":"ERROR","message":"the admin has signed in"}\r\n\u2028\x1b[2J'
    printed, line = line_of("paused by %s", forged)
    assert "\n" not in printed
    assert line["message"] == f"paused by {forged}"
    assert line["level"] == "WARNING"


def test_an_error_is_told_with_its_places_and_those_it_came_from() -> None:
    """Types, files, lines, and the words of our own errors."""
    try:
        try:
            json.loads("{")
        except ValueError as error:
            raise Unavailable("Redis does not answer.") from error
    except Unavailable as error:
        _, line = line_of("failed", error=error)
    assert line["exception_name"] == "Unavailable"
    assert "test_an_error_is_told_with_its_places" in line["exception"]
    assert line["exception"].index("JSONDecodeError") < line["exception"].index("Unavailable: Redis does not answer.")


class Remark(BaseModel):
    """Pydantic quotes what it refuses."""

    remarks: int


def _quoting() -> list[BaseException]:
    found: list[BaseException] = []
    for act in (lambda: Remark.model_validate({"remarks": CHILD}), lambda: os.environ[CHILD], lambda: int(CHILD)):
        try:
            act()
        except Exception as error:  # noqa: BLE001  each its own
            error.add_note(CHILD)
            found.append(error)
    return found


@pytest.mark.parametrize("error", _quoting(), ids=lambda error: type(error).__name__)
def test_no_error_of_others_quotes_what_it_was_handed(error: BaseException) -> None:
    """Not even by a note. Where it happened is told."""
    assert CHILD in str(error)
    printed, line = line_of("failed", error=error)
    assert "Mabel" not in printed
    assert type(error).__name__ in line["exception"]
    assert "_quoting" in line["exception"]


def test_postgres_tells_its_code_and_quotes_no_row(database: Database) -> None:
    """What quotes data is left out, what tells of the schema is not."""
    told = []
    for statement in (f"select '{CHILD}'::date", "select mood from tenant"):
        with pytest.raises(Exception) as failed, database.transaction() as connection:  # noqa: PT011  of the driver
            connection.execute(text(statement))
        printed, line = line_of("failed", error=failed.value)
        assert "Mabel" not in printed
        told.append(line["exception"])
    assert ": 22007\n" in told[0]
    assert ': 42703 column "mood" does not exist' in told[1]


def test_on_lambda_the_app_logs_json_and_warnings_of_python_too() -> None:
    """What AWS's runtime client had put there is gone."""
    code = """
import logging, warnings, sys
logging.basicConfig(format="text %(message)s")
import app
logging.getLogger("chalicelib.x").info("told")
logging.getLogger("botocore").info("not told")
warnings.warn("old\\nnews")
app.app.log.error("chalice's own")
print("powertools" in str([name for name in sys.modules if "powertools" in name]), file=sys.stderr)
"""
    environment = {**os.environ, "AWS_LAMBDA_FUNCTION_NAME": "rollcall-dev", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, cwd=ROOT
    )
    messages = [json.loads(line)["message"] for line in ran.stdout.splitlines()]
    assert (messages[0], messages[2]) == ("told", "chalice's own")
    assert "old\nnews" in messages[1]
    assert len(messages) == 3
