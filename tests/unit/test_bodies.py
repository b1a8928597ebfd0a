"""Bodies are read strictly, and quickly only where that is as strict."""

from __future__ import annotations

import contextlib
import gzip
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.api.bodies import MAX_BODY_BYTES, read_body, read_form, read_json
from chalicelib.api.models.marks import MarkRequest, StaffMarkRequest
from chalicelib.errors import MalformedJson, Refused, TooLarge, UnsupportedMediaType

ID = "0b9f6c1e-58a1-5b0f-9d0b-0d3c5a4f7e21"


@pytest.mark.parametrize(
    "media",
    ["application/json", "Application/JSON", "application/json; charset=utf-8", 'application/json;charset="UTF-8"'],
)
def test_json_in_utf_8_is_read(media: str) -> None:
    """However its media type is written."""
    assert read_body({"content-type": media}, b"{}") == b"{}"


def test_a_body_without_a_media_type_is_taken_for_json() -> None:
    """There is nothing else that it could be."""
    assert read_body({}, b"[1]") == b"[1]"


@pytest.mark.parametrize(
    "media",
    ["text/plain", "application/x-www-form-urlencoded", "application/xml", "", "application/json; charset=utf-16"],
)
def test_another_media_type_is_refused(media: str) -> None:
    """415, also for JSON in another encoding."""
    with pytest.raises(UnsupportedMediaType):
        read_body({"content-type": media}, b"{}")


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "zstd", "gzip, identity", "x"])
def test_a_compressed_body_is_refused_unopened(coding: str) -> None:
    """A kilobyte of it may hold a gigabyte; what is taken instead is told."""
    bomb = gzip.compress(bytes(10 * MAX_BODY_BYTES))
    with pytest.raises(UnsupportedMediaType, match="uncompressed") as refused:
        read_body({"content-encoding": coding}, bomb)
    assert refused.value.headers == {"Accept-Encoding": "identity"}
    assert read_body({"content-encoding": "Identity"}, b"{}") == b"{}"


def test_a_body_may_have_a_mebibyte_and_not_a_byte_more() -> None:
    """The limit is told with the size that was sent."""
    assert read_body({}, bytes(MAX_BODY_BYTES))
    with pytest.raises(TooLarge, match="1048577"):
        read_body({}, bytes(MAX_BODY_BYTES + 1))


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
        read_json(body)
    assert refused.value.detail.encode()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_make_the_reader_fall_over(body: bytes) -> None:
    """They are JSON, or malformed."""
    with contextlib.suppress(MalformedJson):
        read_json(body)


def faults_of(body: object) -> set[tuple[str, str | None]]:
    """The faults of a mark request's form, as (code, pointer)."""
    with pytest.raises(Refused) as refused:
        read_form(MarkRequest, json.dumps(body).encode())
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
    assert [pointer.encode() for _, pointer in faults_of({"\ud800": 1}) if pointer is not None]


RECORD = st.fixed_dictionaries(
    {"student_id": st.uuids().map(str), "status": st.sampled_from(["PRESENT", "ABSENT", "LATE", "EXCUSED"])},
    optional={
        "remarks": st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9),
        "late_minutes": st.none(),
    },
)
REQUEST = st.fixed_dictionaries(
    {"date": st.dates().map(str), "records": st.lists(RECORD, min_size=1, max_size=4)},
    optional={"section_id": st.none() | st.uuids().map(str), "reason": st.sampled_from([None, "x", ":", "a: b", ""])},
)


@settings(max_examples=200, deadline=None)
@given(REQUEST, st.booleans(), st.sampled_from([None, 1]))
def test_a_request_is_read_quickly_as_it_is_read_with_care(body: Any, ascii_only: bool, indent: int | None) -> None:
    """Whatever it says, and however it is written."""
    text = json.dumps(body, ensure_ascii=ascii_only, indent=indent).encode()
    assert read_form(MarkRequest, text) == MarkRequest.model_validate(body)


@settings(max_examples=200, deadline=None)
@given(REQUEST, st.data())
def test_a_key_that_is_named_twice_is_found_wherever_it_is(body: Any, data: st.DataObject) -> None:
    """At the top or in a record, whatever its value, escaped or not."""
    target = data.draw(st.sampled_from([body, *body["records"]]))
    name = data.draw(st.sampled_from(sorted(target)))
    value = data.draw(st.sampled_from([target[name], None, "x", 7]))
    target["again"] = value
    text = json.dumps(body, ensure_ascii=data.draw(st.booleans())).replace('"again"', json.dumps(name))
    with pytest.raises(MalformedJson, match="twice"):
        read_form(MarkRequest, text.encode())


def test_times_of_staff_do_not_hide_a_repeated_key() -> None:
    """A time is told otherwise than it was sent, but is one text both times."""
    record = f'"staff_id": "{ID}", "status": "LATE", "check_in": "08:10"'
    body = '{"date": "2026-02-11", "records": [{%s}]}'
    assert read_form(StaffMarkRequest, (body % record).encode()).records[0]["staff_id"] == ID
    with pytest.raises(MalformedJson, match="twice"):
        read_form(StaffMarkRequest, (body % (record + ', "check_in": "08:15"')).encode())


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "9" * 10_000])
def test_a_number_that_json_does_not_know_is_malformed_in_a_form_too(number: str) -> None:
    """Pydantic's parser takes some of them."""
    record = f'{{"student_id": "{ID}", "status": "LATE", "late_minutes": {number}}}'
    with pytest.raises(MalformedJson):
        read_form(MarkRequest, f'{{"date": "2026-02-11", "records": [{record}]}}'.encode())
