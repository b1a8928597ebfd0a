"""The forms of the API: what may be sent, character by character."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.api.bodies import read_form
from chalicelib.api.models.fields import Sent
from chalicelib.api.models.marks import MAX_RECORDS, MarkRequest, StaffMarkRequest
from chalicelib.api.models.settings import SettingsChange
from chalicelib.errors import Refused

ID = "0b9f6c1e-58a1-5b0f-9d0b-0d3c5a4f7e21"
Faults = set[tuple[str, str | None]]


def faults(model: type[Sent], body: dict[str, Any]) -> Faults:
    """What is wrong with `body`, as (code, pointer); empty if it may be sent."""
    try:
        read_form(model, json.dumps(body).encode())
    except Refused as refused:
        return {(fault.code, fault.pointer) for fault in refused.faults}
    return set()


def of_mark(**parts: Any) -> Faults:
    """The faults of a mark request with one record that is otherwise right."""
    return faults(MarkRequest, {"date": "2026-02-11", "records": [{"student_id": ID, "status": "PRESENT"}]} | parts)


def of_record(**parts: Any) -> Faults:
    """The faults of a mark request whose one record has these parts."""
    return of_mark(records=[{"student_id": ID, "status": "PRESENT"} | parts])


def of_staff(**parts: Any) -> Faults:
    """The faults of a staff request whose one record has these parts."""
    record = {"staff_id": ID, "status": "PRESENT"} | parts
    return faults(StaffMarkRequest, {"date": "2026-02-11", "records": [record]})


def test_the_smallest_request_needs_a_date_and_a_record() -> None:
    """And nothing else; null is as good as leaving a field out."""
    assert of_mark() == set()
    assert of_mark(section_id=None, session_id=None, period_id=None, reason=None) == set()
    assert faults(MarkRequest, {}) == {("missing", "/date"), ("missing", "/records")}


@pytest.mark.parametrize("day", ["2026-02-11", "2024-02-29", "0001-01-01", "9999-12-31"])
def test_dates_that_exist_are_read(day: str) -> None:
    """Over the whole calendar."""
    assert of_mark(date=day) == set()


@pytest.mark.parametrize(
    "day",
    [
        "2026-02-30", "2025-02-29", "2026-13-01", "2026-00-10", "0000-01-01", "20260211", "2026-2-11", "11.02.2026",
        "2026-02-11T08:00:00Z", "2026-02-11 ", " 2026-02-11", "2026-W07-3", "2026-042", "-026-02-11",
        "\u0662\u0660\u0662\u0666-02-11", "today", "", 1_770_768_000, 1_770_768_000.5, True, None, [], {},
    ],
)  # fmt: skip
def test_what_is_no_date_is_refused(day: Any) -> None:
    """YYYY-MM-DD and nothing else: no timestamp is rounded, no week counted, no 30th of February moved."""
    assert of_mark(date=day) == {("invalid_date", "/date")}


@pytest.mark.parametrize("status", ["PRESENT", "ABSENT", "LATE", "EXCUSED"])
def test_the_four_statuses_are_known(status: str) -> None:
    """And no other."""
    assert of_record(status=status) == set()


@pytest.mark.parametrize("status", ["present", "HERE", "", "PRESENT ", "P", None, 1, ["PRESENT"]])
def test_another_status_is_refused(status: Any) -> None:
    """Lower case included."""
    assert of_record(status=status) == {("invalid_value", "/records/0/status")}


@pytest.mark.parametrize("minutes", [0, 1, 1440])
def test_minutes_go_with_late(minutes: int) -> None:
    """From none to a whole day."""
    assert of_record(status="LATE", late_minutes=minutes) == set()
    assert of_record(status="LATE", late_minutes=None) == set()


@pytest.mark.parametrize("status", ["PRESENT", "ABSENT", "EXCUSED"])
def test_minutes_go_with_nothing_else(status: str) -> None:
    """Nobody is absent ten minutes late; null says nothing and may come along."""
    assert of_record(status=status, late_minutes=10) == {("late_minutes_not_allowed", "/records/0/late_minutes")}
    assert of_record(status=status, late_minutes=None) == set()


@pytest.mark.parametrize(
    ("minutes", "code"),
    [
        (-1, "out_of_range"), (1441, "out_of_range"), (True, "invalid_type"), (False, "invalid_type"),
        ("10", "invalid_type"), (10.0, "invalid_type"), (1.5, "invalid_type"), (10**30, "out_of_range"),
        ([], "invalid_type"),
    ],
)  # fmt: skip
def test_minutes_are_a_whole_number_of_a_day(minutes: Any, code: str) -> None:
    """A boolean is no number, nor is text."""
    assert of_record(status="LATE", late_minutes=minutes) == {(code, "/records/0/late_minutes")}


@pytest.mark.parametrize("text", ["", "Sick", "a" * 500, "😀" * 500, "line\nbreak\ttab", "Zoë", "'; drop table"])
def test_text_of_500_characters_is_taken(text: str) -> None:
    """Characters are counted, not bytes."""
    assert of_record(remarks=text) == set()
    assert of_mark(reason=text) == set()


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("a" * 501, {"too_long"}), ("😀" * 501, {"too_long"}), ("a\0b", {"invalid_format", "not_storable"}),
        ("\0", {"invalid_format", "not_storable"}), ("a\n\0", {"invalid_format", "not_storable"}),
        ("\ud83d", {"not_storable"}), ("a\udc00b", {"not_storable"}), (1, {"invalid_type"}), (True, {"invalid_type"}),
        (["a"], {"invalid_type"}),
    ],
)  # fmt: skip
def test_text_that_cannot_be_stored_is_refused(text: Any, codes: set[str]) -> None:
    """NUL and lone surrogates have no place in Postgres; what is no text is not made text."""
    for found, pointer in ((of_record(remarks=text), "/records/0/remarks"), (of_mark(reason=text), "/reason")):
        [(code, where)] = found
        assert code in codes
        assert where == pointer


@pytest.mark.parametrize("name", ["section_id", "session_id", "period_id"])
@pytest.mark.parametrize("value", ["", "7b", ID[:-1], f" {ID}", f"{ID}\n", ID.replace("-", ""), f"urn:uuid:{ID}"])
def test_ids_are_uuids(name: str, value: str) -> None:
    """In their one usual form."""
    assert {where for _, where in of_mark(**{name: value})} == {f"/{name}"}
    assert {where for _, where in of_record(student_id=value)} == {"/records/0/student_id"}


def test_ids_are_taken_in_either_case() -> None:
    """And are one thing from then on."""
    body = {"date": "2026-02-11", "records": [{"student_id": ID.upper(), "status": "PRESENT"}]}
    assert MarkRequest.model_validate(body).records[0]["student_id"] == ID


def test_an_unknown_field_is_refused_wherever_it_stands() -> None:
    """A misspelt one is never ignored."""
    assert of_mark(peroid_id=ID) == {("unknown_field", "/peroid_id")}
    assert of_record(remark="Sick") == {("unknown_field", "/records/0/remark")}
    assert of_staff(checkin="08:00") == {("unknown_field", "/records/0/checkin")}
    assert of_mark(marked_by="somebody else") == {("unknown_field", "/marked_by")}


def test_a_list_has_1_to_5000_records() -> None:
    """The bounds themselves are allowed."""
    record = {"student_id": ID, "status": "PRESENT"}
    assert of_mark(records=[]) == {("too_few", "/records")}
    assert of_mark(records=[record] * MAX_RECORDS) == set()
    assert of_mark(records=[record] * (MAX_RECORDS + 1)) == {("too_many", "/records")}
    assert of_mark(records=record) == {("invalid_type", "/records")}
    assert of_mark(records=[None]) == {("invalid_type", "/records/0")}


@pytest.mark.parametrize("at", ["00:00", "08:05", "08:05:30", "23:59:59"])
def test_times_of_day_are_read(at: str) -> None:
    """With or without seconds."""
    assert of_staff(check_in=at, check_out=at) == set()


@pytest.mark.parametrize(
    "at",
    [
        "24:00", "25:00", "08:60", "8:05", "0805", "080530", "08:05Z", "0805Z", "T0805", "08,05", "08:05-01",
        "080530.5", "T080530Z", "08:05+01:00", "08:05:30.5", "8 a.m.", "", 805, 29_100, True,
    ],
)  # fmt: skip
def test_what_is_no_time_of_day_is_refused(at: Any) -> None:
    """HH:MM or HH:MM:SS, local to the tenant: no zone is dropped and no fraction rounded on the way."""
    assert of_staff(check_in=at) == {("invalid_time", "/records/0/check_in")}


SETTINGS = {
    "attendance_mode": "DAILY",
    "backdate_days": 7,
    "allow_future_date": False,
    "notification_on_absent": False,
    "timezone": "Pacific/Auckland",
}


def test_settings_come_as_a_whole() -> None:
    """A field that was forgotten is not silently reset."""
    assert faults(SettingsChange, SETTINGS) == set()
    assert faults(SettingsChange, {}) == {("missing", f"/{name}") for name in SETTINGS}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("attendance_mode", "WEEKLY"), ("attendance_mode", "daily"), ("backdate_days", -1), ("backdate_days", 36_526),
        ("backdate_days", True), ("backdate_days", "7"), ("backdate_days", 7.0), ("allow_future_date", 1),
        ("allow_future_date", "true"), ("notification_on_absent", None), ("timezone", "Mars/Olympus"), ("timezone", ""),
        ("timezone", "../../etc/passwd"), ("timezone", "/etc/localtime"), ("timezone", "Europe"), ("timezone", "a\0b"),
        ("timezone", "\ud800"), ("attendance_mode_from", "2026-02-30"), ("school_days", []),
        ("school_days", ["MON", "X"]), ("school_days", ["MON"] * 8), ("version", "1"), ("holidays", []),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_is_refused(name: str, value: Any) -> None:
    """At its own name."""
    places = {(pointer or "").split("/")[1] for _, pointer in faults(SettingsChange, SETTINGS | {name: value})}
    assert places == {name}
