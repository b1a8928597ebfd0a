"""Bodies, query parameters and ids are read strictly, and what is wrong is told by its name."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.api.models.marks import MarkRequest
from chalicelib.api.models.reading import RecordQuery
from chalicelib.api.requests import MAX_BODY_BYTES, read_form, read_ids, read_json, read_query
from chalicelib.errors import MalformedJson, NotFound, Refused, TooLarge, UnsupportedMediaType

ID = "0b9f6c1e-58a1-5b0f-9d0b-0d3c5a4f7e21"


@pytest.mark.parametrize(
    "media",
    ["application/json", "Application/JSON", "application/json; charset=utf-8", 'application/json;charset="UTF-8"'],
)
def test_json_in_utf_8_is_read(media: str) -> None:
    """However its media type is written."""
    assert read_json({"content-type": media}, '{"name": "Zoë"}'.encode()) == {"name": "Zoë"}


def test_a_body_without_a_media_type_is_taken_for_json() -> None:
    """There is nothing else that it could be."""
    assert read_json({}, b"[1]") == [1]


@pytest.mark.parametrize(
    "media",
    ["text/plain", "application/x-www-form-urlencoded", "application/xml", "", "application/json; charset=utf-16"],
)
def test_another_media_type_is_refused(media: str) -> None:
    """415, also for JSON in another encoding."""
    with pytest.raises(UnsupportedMediaType):
        read_json({"content-type": media}, b"{}")


def test_a_body_may_have_a_mebibyte_and_not_a_byte_more() -> None:
    """The limit is told with the size that was sent."""
    assert read_json({}, b'"' + b"a" * (MAX_BODY_BYTES - 2) + b'"')
    with pytest.raises(TooLarge, match="1048577"):
        read_json({}, b'"' + b"a" * (MAX_BODY_BYTES - 1) + b'"')


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="cut short"),
        pytest.param(b"{} {}", id="two"),
        pytest.param(b"{'a': 1}", id="single quotes"),
        pytest.param(b'{"a": 1,}', id="trailing comma"),
        pytest.param(b'{"a": NaN}', id="NaN"),
        pytest.param(b'{"a": Infinity}', id="infinity"),
        pytest.param(b'{"a": -Infinity}', id="minus infinity"),
        pytest.param(b'{"date": "2026-11-23", "date": "2026-11-24"}', id="a key twice"),
        pytest.param(b'{"records": [{"a": 1, "\\u0061": 2}]}', id="a key twice, once escaped, deep inside"),
        pytest.param(b"[" * 100_000, id="nested deeply, never closed"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="nested deeply"),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, id="objects nested deeply"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte order mark"),
        pytest.param("{}".encode("utf-16"), id="UTF-16"),
        pytest.param("{}".encode("utf-16-le"), id="UTF-16 without a mark"),
        pytest.param("{}".encode("utf-32"), id="UTF-32"),
        pytest.param(b'{"a": "\xff"}', id="bytes that are no UTF-8"),
        pytest.param(b'{"a": "\xed\xa0\x80"}', id="a surrogate in UTF-8"),
        pytest.param(b'{"a": "\x01"}', id="a control character in a string"),
        pytest.param(b"9" * 10_000, id="a number of ten thousand digits"),
    ],
)
def test_what_is_not_json_is_malformed(body: bytes) -> None:
    """400 for each of them, never an error of ours."""
    with pytest.raises(MalformedJson) as refused:
        read_json({}, body)
    assert refused.value.detail.encode()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_make_the_reader_fall_over(body: bytes) -> None:
    """They are JSON, or malformed."""
    with contextlib.suppress(MalformedJson):
        read_json({}, body)


def refusal(raw: dict[str, list[str]], model: Any = RecordQuery) -> set[tuple[str, str | None]]:
    """The faults of a query, as (code, parameter)."""
    with pytest.raises(Refused) as refused:
        read_query(model, raw)
    assert refused.value.problem_code == "validation_failed"
    return {(fault.code, fault.parameter) for fault in refused.value.faults}


def test_query_parameters_become_the_model() -> None:
    """Numbers, dates and ids are read from text."""
    query = read_query(RecordQuery, {"limit": ["5"], "from": ["2026-11-23"], "student_id": [ID.upper()]})
    assert (query.limit, str(query.from_), query.student_id) == (5, "2026-11-23", ID)


def test_every_fault_of_a_query_is_told_at_once() -> None:
    """By the parameter as it was sent."""
    assert refusal(
        {"limit": ["501"], "from": ["yesterday"], "student_id": ["7"], "stauts": ["ABSENT"], "status": ["HERE"]}
    ) == {
        ("out_of_range", "limit"),
        ("invalid_date", "from"),
        ("invalid_format", "student_id"),
        ("unknown_parameter", "stauts"),
        ("invalid_value", "status"),
    }


@pytest.mark.parametrize("limit", ["0", "-1", "501", "1.5", "ten", "", "1e2", "9" * 5_000])
def test_a_limit_is_a_whole_number_from_1_to_500(limit: str) -> None:
    """Anything else is refused, not clamped."""
    [(_, parameter)] = refusal({"limit": [limit]})
    assert parameter == "limit"


def test_a_parameter_may_be_given_once() -> None:
    """Two values say two things, even when they are the same."""
    assert ("repeated", "limit") in refusal({"limit": ["5", "5"]})


def test_where_no_parameter_is_known_each_is_refused() -> None:
    """A filter that would be ignored is worse than an error."""
    assert refusal({"a": ["1"], "b": ["2"]}, None) == {("unknown_parameter", "a"), ("unknown_parameter", "b")}
    read_query(None, {})


def test_ids_in_the_path_are_told_in_lower_case() -> None:
    """UUIDs are equal in either case."""
    assert read_ids({"job_id": ID.upper()}) == {"job_id": ID}


@pytest.mark.parametrize("value", ["", "7", ID[:-1], ID + "0", f"{{{ID}}}", ID.replace("-", ""), f"{ID}\n", "../x"])
def test_what_cannot_be_an_id_is_not_found(value: str) -> None:
    """There is no such thing."""
    with pytest.raises(NotFound):
        read_ids({"job_id": value})


def faults_of(body: object) -> set[tuple[str, str | None]]:
    """The faults of a mark request's form, as (code, pointer)."""
    with pytest.raises(Refused) as refused:
        read_form(MarkRequest, body)
    assert all(fault.detail for fault in refused.value.faults)
    return {(fault.code, fault.pointer) for fault in refused.value.faults}


def test_faults_of_a_form_point_into_the_body() -> None:
    """Each at its own place, all at once."""
    assert faults_of(
        {"date": "2026-02-30", "section": ID, "records": [{"student_id": ID, "status": "HERE"}, {"status": "LATE"}]}
    ) == {
        ("invalid_date", "/date"),
        ("unknown_field", "/section"),
        ("invalid_value", "/records/0/status"),
        ("missing", "/records/1/student_id"),
    }


def test_pointers_are_escaped() -> None:
    """RFC 6901: ~ and / in a name are ~0 and ~1."""
    assert ("unknown_field", "/a~1b~0c") in faults_of({"a/b~c": 1})


@pytest.mark.parametrize("body", [None, [], "x", 1, True])
def test_a_body_that_is_no_object_is_one_fault_at_its_root(body: object) -> None:
    """The pointer of the whole is the empty string."""
    assert {pointer for _, pointer in faults_of(body)} == {""}


def test_a_name_that_cannot_be_stored_can_be_told() -> None:
    """A lone surrogate in a field's name must not break the answer about it."""
    body = read_json({}, b'{"\\ud800": 1}')
    assert [pointer.encode() for _, pointer in faults_of(body) if pointer is not None]
