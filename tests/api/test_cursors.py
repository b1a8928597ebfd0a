"""Cursors that were tampered with are refused: no list answers them with an error of its own, or with other data."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.api.client import Client
from tests.api.steps import Drain, mark, register
from tests.school import School, Section, new_id

DAY, ID = "2026-02-11", "0b9f6c1e-58a1-5b0f-9d0b-0d3c5a4f7e21"

# For each list, a cursor's values that are right in kind.
LISTS: dict[str, list[str]] = {
    "/records": [DAY, ID, ID],
    "/staff/records": [DAY, ID],
    "/audit": [ID],
    "/settings/history": [ID],
    "/sections": ["7b", ID],
    "/staff": ["Staff", "Ann", ID],
    "/sessions": [DAY, ID],
    "/periods": ["1", ID],
}


def cursor(values: Any) -> str:
    """A cursor as the API makes them, of whatever values."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@pytest.mark.parametrize("path", LISTS)
def test_a_good_one(path: str, office: Client) -> None:
    """The values below are what the lists take."""
    assert office.get(path, {"cursor": cursor(LISTS[path])}).status == 200


@pytest.mark.parametrize("path", LISTS)
def test_noise(path: str, office: Client) -> None:
    """422 for what is no cursor at all."""
    for noise in ("", "x", "====", "-_-_", "AAAA", "é", "\0", "null", cursor(None), cursor({}), cursor([]), cursor("x"),
                  cursor([None]), cursor([[1]]), cursor(LISTS[path][:-1]), cursor([*LISTS[path], ID]),
                  cursor([1] * len(LISTS[path])), cursor([{}] * len(LISTS[path])), "W" * 3_000):  # fmt: skip
        refused(office, path, noise)


@pytest.mark.parametrize("path", LISTS)
def test_values_that_no_row_has(path: str, office: Client) -> None:
    """Each value in turn is replaced by one that its column could not hold."""
    wrong = {
        DAY: ["", "2026-02-30", "infinity", "99999-01-01", "now"],
        ID: ["", "x", ID + "0", ID[:-1], "'; drop table tenant; --", "\0" * 36],
        "1": ["", "x", "1.5", "9" * 30, "-" + "9" * 30, "1e3", "NaN"],
        "7b": ["\0", "a\0b", "\ud800"],
        "Staff": ["\0"],
        "Ann": ["a\0"],
    }
    for index, value in enumerate(LISTS[path]):
        for other in wrong[value]:
            refused(office, path, cursor([*LISTS[path][:index], other, *LISTS[path][index + 1 :]]))


def refused(client: Client, path: str, sent: str) -> None:
    """422 that names the parameter."""
    answer = client.get(path, {"cursor": sent})
    assert (answer.status, answer.code) == (422, "validation_failed"), (sent, answer.text)
    assert [fault["parameter"] for fault in answer.json["errors"]] == ["cursor"]


def test_too_long(office: Client) -> None:
    """A cursor is bounded like everything else."""
    assert office.get("/records", {"cursor": "A" * 4_001}).faults == {("cursor", "too_long")}


def test_a_cursor_of_another_list(office: Client, school: School, maths: Section, drain: Drain) -> None:
    """It does not fit, or it is only a place: never a way to see more."""
    mark(office, drain, register(maths))
    place = office.get("/records", {"limit": 1}).json["next_cursor"]
    assert office.get("/audit", {"cursor": place}).status == 422
    assert office.get("/jobs", {"cursor": place}).status == 422


def test_a_history(office: Client, maths: Section) -> None:
    """A student's history reads cursors as the records do."""
    path = f"/students/{maths.students[0]}/history"
    assert office.get(path, {"cursor": cursor([DAY, ID, ID])}).status == 200
    refused(office, path, cursor([DAY, ID]))
    refused(office, path, cursor([DAY, ID, "x"]))


def test_jobs(office: Client) -> None:
    """The cursor of the jobs is the id of a job, known or not."""
    assert office.get("/jobs", {"cursor": new_id()}).status == 200
    for wrong in ("x", "", ID + "0", "+", "[a", "\0"):
        assert office.get("/jobs", {"cursor": wrong}).faults == {("cursor", "invalid_format")}
