"""The form of POST /mark: what is no JSON, too large, misspelt or impossible is told by its place, all at once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.container import Container
from tests.api.client import Answer, Client
from tests.api.steps import Drain, depth, mark, records, register
from tests.school import School, Section, new_id

MIB = 1024 * 1024


def refused(answer: Answer, container: Container, status: int, code: str) -> None:
    """A problem document of this status and code, and nothing on the queue."""
    assert (answer.status, answer.json["status"], answer.code) == (status, status, code), answer.text[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    assert depth(container) == 0


MALFORMED = {
    "nothing": b"",
    "cut short": b'{"date": "2026-02-11", "records": [',
    "not JSON": b"date=2026-02-11",
    "two values": b"{} {}",
    "NaN": b'{"date": NaN}',
    "Infinity": b'{"date": -Infinity}',
    "a key twice": b'{"date": "2026-02-11", "date": "2026-02-12"}',
    "a key twice in a record": b'{"records": [{"status": "PRESENT", "status": "ABSENT"}]}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"date": "x"}'.encode("utf-16"),
    "Latin-1": '{"reason": "é"}'.encode("latin-1"),
    "nested without end": b"[" * 200_000,
    "a number without end": b'{"date": ' + b"9" * 10_000 + b"}",
    "a raw line break in text": b'{"reason": "a\nb"}',
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=list(MALFORMED))
def test_malformed_json(raw: bytes, office: Client, container: Container) -> None:
    """400 for what is no JSON, or JSON that says two things."""
    refused(office.post("/mark", raw=raw), container, 400, "malformed_json")


@pytest.mark.parametrize(
    "media",
    ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", "application/xml", "json"],
)
def test_another_media_type(media: str, office: Client, maths: Section, container: Container) -> None:
    """415, even if the body would be good JSON."""
    refused(office.post("/mark", register(maths), content_type=media), container, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "media", ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"']
)
def test_json_by_any_spelling(media: str, office: Client, maths: Section) -> None:
    """The media type's case and a charset of UTF-8 make no difference."""
    assert office.post("/mark", register(maths), content_type=media).status == 202


def test_one_mebibyte(office: Client, maths: Section, container: Container) -> None:
    """Exactly 1 MiB is taken, one byte more is not."""
    good = json.dumps(register(maths)).encode()
    refused(office.post("/mark", raw=good.ljust(MIB + 1)), container, 413, "too_large")
    assert office.post("/mark", raw=good.ljust(MIB)).status == 202


def test_bytes_are_counted_not_characters(office: Client, maths: Section, container: Container) -> None:
    """A letter of two bytes counts twice."""
    body = json.dumps(register(maths, reason="é" * (MIB // 2)), ensure_ascii=False).encode()
    refused(office.post("/mark", raw=body), container, 413, "too_large")


def test_a_huge_body_is_refused_not_broken(office: Client, container: Container) -> None:
    """10 MB, the most that API Gateway passes on."""
    refused(office.post("/mark", raw=b"[" * (10 * MIB)), container, 413, "too_large")


@pytest.mark.parametrize("body", [None, True, 7, "text", [], [{}]], ids=str)
def test_a_body_that_is_no_object(body: Any, office: Client, container: Container) -> None:
    """The fault is the whole document's, whose pointer is empty."""
    answer = office.post("/mark", raw=json.dumps(body).encode())
    refused(answer, container, 422, "validation_failed")
    assert answer.faults == {("", "invalid_type")}


WRONG: dict[str, tuple[dict[str, Any], set[tuple[str, str]]]] = {
    "no date": ({"date": ...}, {("/date", "missing")}),
    "a date of null": ({"date": None}, {("/date", "invalid_date")}),
    "a date that does not exist": ({"date": "2026-02-30"}, {("/date", "invalid_date")}),
    "a date without hyphens": ({"date": "20260211"}, {("/date", "invalid_date")}),
    "an instant": ({"date": "2026-02-11T08:00:00Z"}, {("/date", "invalid_date")}),
    "a number for a date": ({"date": 20260211}, {("/date", "invalid_date")}),
    "a section that is no UUID": ({"section_id": "7b"}, {("/section_id", "invalid_format")}),
    "a section with a line break": ({"section_id": new_id() + "\n"}, {("/section_id", "invalid_format")}),
    "a number for a section": ({"section_id": 7}, {("/section_id", "invalid_type")}),
    "a session that is no UUID": ({"session_id": ""}, {("/session_id", "invalid_format")}),
    "a period that is no UUID": ({"period_id": {}}, {("/period_id", "invalid_type")}),
    "a long reason": ({"reason": "r" * 501}, {("/reason", "too_long")}),
    "a reason with NUL": ({"reason": "a\0b"}, {("/reason", "not_storable")}),
    "a reason with half a character": ({"reason": "a\ud800b"}, {("/reason", "not_storable")}),
    "a reason that is no text": ({"reason": ["late"]}, {("/reason", "invalid_type")}),
    "an unknown field": ({"sektion_id": new_id()}, {("/sektion_id", "unknown_field")}),
    "a field with slash and tilde": ({"a/b~c": 1}, {("/a~1b~0c", "unknown_field")}),
    "an empty name": ({"": 1}, {("/", "unknown_field")}),
    "no records": ({"records": ...}, {("/records", "missing")}),
    "records of null": ({"records": None}, {("/records", "invalid_type")}),
    "an object for records": ({"records": {}}, {("/records", "invalid_type")}),
    "an empty list": ({"records": []}, {("/records", "too_few")}),
    "a record that is no object": ({"records": [7]}, {("/records/0", "invalid_type")}),
    "an empty record": (
        {"records": [{}]},
        {("/records/0/student_id", "missing"), ("/records/0/status", "missing")},
    ),
}


@pytest.mark.parametrize(("change", "faults"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_field(
    change: dict[str, Any], faults: set[tuple[str, str]], office: Client, maths: Section, container: Container
) -> None:
    """422 validation_failed, with a JSON pointer to the field."""
    body = {name: value for name, value in register(maths, **change).items() if value is not ...}
    answer = office.post("/mark", body)
    refused(answer, container, 422, "validation_failed")
    assert answer.faults == faults


WRONG_RECORD: dict[str, tuple[dict[str, Any], set[tuple[str, str]]]] = {
    "a status of one's own": ({"status": "HERE"}, {("status", "invalid_value")}),
    "a status in lower case": ({"status": "present"}, {("status", "invalid_value")}),
    "a status of null": ({"status": None}, {("status", "invalid_value")}),
    "a student that is no UUID": ({"student_id": "me"}, {("student_id", "invalid_format")}),
    "long remarks": ({"remarks": "r" * 501}, {("remarks", "too_long")}),
    "remarks with NUL": ({"remarks": "\0"}, {("remarks", "not_storable")}),
    "remarks with half a character": ({"remarks": "\udfff"}, {("remarks", "not_storable")}),
    "minutes of one present": ({"late_minutes": 5}, {("late_minutes", "late_minutes_not_allowed")}),
    "negative minutes": ({"status": "LATE", "late_minutes": -1}, {("late_minutes", "out_of_range")}),
    "more than a day late": ({"status": "LATE", "late_minutes": 1441}, {("late_minutes", "out_of_range")}),
    "half a minute": ({"status": "LATE", "late_minutes": 0.5}, {("late_minutes", "invalid_type")}),
    "minutes of true": ({"status": "LATE", "late_minutes": True}, {("late_minutes", "invalid_type")}),
    "minutes as text": ({"status": "LATE", "late_minutes": "5"}, {("late_minutes", "invalid_type")}),
    "minutes beyond counting": ({"status": "LATE", "late_minutes": 10**400}, {("late_minutes", "out_of_range")}),
    "an unknown field": ({"remark": "Sick"}, {("remark", "unknown_field")}),
    "the marker": ({"marked_by": "me"}, {("marked_by", "unknown_field")}),
}


@pytest.mark.parametrize(("change", "faults"), WRONG_RECORD.values(), ids=list(WRONG_RECORD))
def test_a_wrong_record(
    change: dict[str, Any], faults: set[tuple[str, str]], office: Client, maths: Section, container: Container
) -> None:
    """422 validation_failed, with a pointer into the record at fault and no other."""
    body = register(maths)
    body["records"][1] |= change
    answer = office.post("/mark", body)
    refused(answer, container, 422, "validation_failed")
    assert answer.faults == {(f"/records/1/{name}", code) for name, code in faults}


def test_the_sentences_are_for_people(office: Client, maths: Section) -> None:
    """No pattern, class name or library speaks to the sender."""
    wrong = register(maths, section_id="x", reason="\0", extra=1, records=[{"status": "HERE"}, 7])
    details = {fault["pointer"]: fault["detail"] for fault in office.post("/mark", wrong).json["errors"]}
    assert details == {
        "/section_id": "This must be a UUID.",
        "/reason": "Text may not contain NUL.",
        "/extra": "There is no such field.",
        "/records/0/student_id": "This is required.",
        "/records/0/status": "This must be 'PRESENT', 'ABSENT', 'LATE' or 'EXCUSED'.",
        "/records/1": "This must be an object.",
    }


def test_all_faults_at_once(office: Client, maths: Section, container: Container) -> None:
    """Those of the form and those of the rules, in one answer; the form gives the code."""
    first, second, third = maths.students
    stranger = new_id()
    body = {
        "date": "2000-01-01", "section_id": maths.id, "reason": "r" * 501, "typo": 1,
        "records": [
            {"student_id": first, "status": "HERE"},
            {"student_id": second, "status": "PRESENT", "late_minutes": 3},
            {"student_id": second, "status": "PRESENT"},
            {"student_id": stranger, "status": "ABSENT", "remarks": "\0"},
            {"student_id": "x", "status": "ABSENT"},
            {"student_id": third, "status": "ABSENT"},
        ],
    }  # fmt: skip
    answer = office.post("/mark", body)
    refused(answer, container, 422, "validation_failed")
    assert answer.faults == {
        ("/reason", "too_long"),
        ("/typo", "unknown_field"),
        ("/records/0/status", "invalid_value"),
        ("/records/1/late_minutes", "late_minutes_not_allowed"),
        ("/records/3/remarks", "not_storable"),
        ("/records/4/student_id", "invalid_format"),
        ("/date", "date_too_old"),
        ("/date", "date_outside_session"),
        ("/records/2/student_id", "duplicate_student"),
        ("/records/3/student_id", "not_enrolled"),
    }


def test_faults_of_the_form_beside_a_section_that_is_not_there(office: Client, maths: Section) -> None:
    """The form's faults are told; whose section it is cannot be judged yet."""
    answer = office.post("/mark", register(maths, section_id=new_id(), typo=1))
    assert (answer.status, answer.faults) == (422, {("/typo", "unknown_field")})


def test_a_field_whose_name_cannot_be_told(office: Client, maths: Section, container: Container) -> None:
    """The answer is well-formed text, although the name is not."""
    raw = json.dumps(register(maths) | {"a\udc00b": 1}).encode()
    answer = office.post("/mark", raw=raw)
    refused(answer, container, 422, "validation_failed")
    assert answer.faults == {("", "not_storable")}


def test_a_body_of_nothing_but_faults(office: Client, container: Container) -> None:
    """The answer stays within the 6 MB that Lambda may return."""
    raw = b'{"records": [{' + b",".join(b'"%x":0' % n for n in range(100_000)) + b"}]}"
    assert len(raw) < MIB
    answer = office.post("/mark", raw=raw)
    refused(answer, container, 422, "validation_failed")
    assert len(answer.json["errors"]) > 10_000
    assert len(json.dumps(answer.text)) < 6_000_000


def test_every_record_may_be_wrong(office: Client, school: School, maths: Section, container: Container) -> None:
    """5,000 wrong records are 5,000 pointers: none is left out."""
    body = register(maths, records=records([new_id() for _ in range(5_000)], "HERE"))
    answer = office.post("/mark", body)
    refused(answer, container, 422, "validation_failed")
    assert answer.faults == {(f"/records/{n}/status", "invalid_value") for n in range(5_000)} | {
        (f"/records/{n}/student_id", "not_enrolled") for n in range(5_000)
    }


def test_one_to_five_thousand_records(office: Client, school: School, container: Container) -> None:
    """One and 5,000 are taken, 5,001 are not."""
    large = school.section(students=5_001)
    over = office.post("/mark", register(large))
    refused(over, container, 422, "validation_failed")
    assert over.faults == {("/records", "too_many")}
    for count in (1, 5_000):
        answer = office.post("/mark", register(large, records=records(large.students[:count])))
        assert (answer.status, answer.json["total"]) == (202, count)


def test_text_comes_back_as_it_was_sent(office: Client, maths: Section, drain: Drain) -> None:
    """500 characters of any script, emoji, controls and quotes included."""
    text = ('Sick 🤒 "flu" \\ \t\n\x7f नमस्ते ' * 30)[:500]
    assert len(text) == 500
    body = register(maths, reason=text, records=records(maths.students[:1], "ABSENT", remarks=text))
    assert mark(office, drain, body)["result"]["applied"] == 1
    [record] = office.get("/records").json["items"]
    assert (record["remarks"], record["reason"]) == (text, text)


def test_the_fields_that_may_be_null(office: Client, maths: Section) -> None:
    """`null` says the same as leaving the field out."""
    body = register(maths, session_id=None, period_id=None, reason=None)
    body["records"][0] |= {"remarks": None, "late_minutes": None}
    assert office.post("/mark", body).status == 202


def test_ids_in_upper_case(office: Client, maths: Section, drain: Drain) -> None:
    """A UUID is the same in either case, and is told in lower case."""
    body = register(maths, section_id=maths.id.upper())
    body["records"] = records([student.upper() for student in maths.students])
    assert mark(office, drain, body)["result"]["applied"] == 3
    assert {item["student_id"] for item in office.get("/records").json["items"]} == set(maths.students)


def test_a_query_parameter_is_not_ignored(office: Client, maths: Section, container: Container) -> None:
    """What a misspelt field is refused for, a parameter that means nothing here is refused for too."""
    answer = office.send("POST", "/mark", query={"dry_run": "1"}, body=json.dumps(register(maths)).encode(), headers={})
    refused(answer, container, 422, "validation_failed")
    assert answer.faults == {("dry_run", "unknown_parameter")}


def test_minutes_of_one_who_is_late(office: Client, maths: Section, drain: Drain) -> None:
    """0 to 1,440, and none is fine too."""
    body = register(maths, "LATE")
    body["records"][0]["late_minutes"] = 0
    body["records"][1]["late_minutes"] = 1440
    mark(office, drain, body)
    told = {item["student_id"]: item["late_minutes"] for item in office.get("/records").json["items"]}
    assert [told[student] for student in maths.students] == [0, 1440, None]
