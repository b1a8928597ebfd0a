"""Whatever bytes come in, a parser gives a value or refuses clearly: it never falls over, and never guesses.

CI plays the same few hundred inputs each time; for a long run of new ones: `make soak`.
"""

from __future__ import annotations

import base64
import io
import json
import os
import zipfile
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import Column, Date, Integer, Text, Uuid

from chalicelib.api.bodies import read_body, read_form, read_json
from chalicelib.api.models.marks import MarkRequest, StaffMarkRequest
from chalicelib.api.models.settings import SettingsChange
from chalicelib.api.problems import problem
from chalicelib.api.requests import check_headers, read_ids, read_query
from chalicelib.api.routes import operations
from chalicelib.db.queries import paging
from chalicelib.errors import BadInput, MalformedJson, NotFound, Refused, TooLarge, UnsupportedMediaType
from chalicelib.queue.job import CLAIMED, SHOWN, Job, NewJob, job_from_values
from chalicelib.queue.ref import JobRef, Lane
from chalicelib.realtime.messages import ClientMessage, answer, error_event, read_message
from chalicelib.services import calendar
from chalicelib.services.roster_import import ImportRefused, Roster, read_bundle
from chalicelib.services.roster_import.sheet import Row, read_rows
from tests.oneroster import small_school
from tests.oneroster import texts as csv_texts
from tests.security.hostile import tampered, texts

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"


def much(examples: int) -> settings:
    """So many examples, the same each time; thirty times as many new ones in a soak."""
    return settings(
        max_examples=examples * 30 if SOAK else examples, derandomize=not SOAK, database=None, deadline=None,
        suppress_health_check=list(HealthCheck), print_blob=True,
    )  # fmt: skip


IDS = st.uuids().map(str) | st.uuids().map(lambda one: str(one).upper())
STATUSES = st.sampled_from(["PRESENT", "ABSENT", "LATE", "EXCUSED"])
WORDS = st.none() | texts
MINUTES = st.none() | st.integers() | st.floats() | st.booleans()
TIMES = st.times().map(lambda at: f"{at:%H:%M}") | texts

MARKS = st.fixed_dictionaries(
    {
        "date": st.dates().map(str),
        "records": st.lists(
            st.fixed_dictionaries(
                {"student_id": IDS, "status": STATUSES}, optional={"remarks": WORDS, "late_minutes": MINUTES}
            ),
            max_size=3,
        ),
    },
    optional={"section_id": st.none() | IDS, "session_id": IDS, "period_id": st.none() | IDS, "reason": WORDS},
)
STAFF_MARKS = st.fixed_dictionaries(
    {
        "date": st.dates().map(str),
        "records": st.lists(
            st.fixed_dictionaries({"staff_id": IDS, "status": STATUSES}, optional={"check_in": TIMES}), max_size=3
        ),
    },
    optional={"reason": WORDS},
)
SETTINGS = st.fixed_dictionaries(
    {
        "attendance_mode": st.sampled_from(["DAILY", "PERIOD"]), "backdate_days": st.integers(0, 99) | MINUTES,
        "allow_future_date": st.booleans(), "notification_on_absent": st.booleans(),
        "timezone": st.sampled_from(["UTC", "Pacific/Auckland"]) | texts,
    },
    optional={
        "attendance_mode_from": st.none() | st.dates().map(str), "version": MINUTES,
        "school_days": st.lists(st.sampled_from(["MON", "TUE", "SUN"]), max_size=3),
    },
)  # fmt: skip
MESSAGES = st.fixed_dictionaries(
    {"action": st.sampled_from(["subscribe", "unsubscribe", "ping"]) | texts},
    optional={"jobId": st.none() | IDS | texts, "queue": st.none() | st.booleans() | st.integers(0, 1)},
)
FORMS: dict[Any, st.SearchStrategy[Any]] = {
    MarkRequest: MARKS, StaffMarkRequest: STAFF_MARKS, SettingsChange: SETTINGS, ClientMessage: MESSAGES,
}  # fmt: skip


def tellable(refused: BadInput) -> None:
    """The refusal can be answered: the problem document is JSON that leaves as UTF-8."""
    assert json.loads(problem(refused).body.encode())["detail"]


def with_care(model: Any, body: bytes) -> object:
    """What Python's parser, which finds every fault, makes of a body: a form, or how it is refused."""
    try:
        raw = read_json(body)
    except MalformedJson:
        return MalformedJson
    try:
        return model.model_validate(raw)
    except ValidationError:
        return Refused


@pytest.mark.parametrize("model", FORMS, ids=lambda model: model.__name__)
def test_a_body_is_a_form_or_refused_and_the_quick_reader_agrees_with_the_careful_one(model: Any) -> None:
    """Whatever was cut out of it or put into it."""

    @much(150)
    @given(tampered(FORMS[model]))
    def read(body: bytes) -> None:
        quickly: object
        try:
            quickly = read_form(model, body)
        except (MalformedJson, Refused) as refused:
            tellable(refused)
            quickly = type(refused)
        assert quickly == with_care(model, body)

    read()


@much(100)
@given(st.binary(max_size=200), st.sampled_from([*FORMS]))
def test_any_bytes_are_a_form_or_refused(body: bytes, model: Any) -> None:
    """Not JSON at all, mostly."""
    with suppress(MalformedJson, Refused):
        read_form(model, body)


@much(100)
@given(st.dictionaries(st.just("content-type"), texts | texts.map("application/json;charset={}".format)), st.binary())
def test_any_media_type_is_json_or_refused(headers: dict[str, str], body: bytes) -> None:
    """What is let through is the body as it came."""
    with suppress(UnsupportedMediaType, TooLarge):
        assert read_body(headers, body) == body


@much(100)
@given(tampered(MESSAGES).map(lambda data: data.decode("utf-8", "surrogateescape")) | texts)
def test_any_message_of_a_websocket_is_understood_or_answered_by_an_error(body: str) -> None:
    """And the answer is JSON that a WebSocket can carry."""
    try:
        told = answer(read_message(body))
    except BadInput as refused:
        told = error_event(refused)
    assert json.loads(told.encode())["type"]


QUERIES = [operation for operation in operations() if operation.query is not None]
PARAMETERS = sorted({name for one in QUERIES if one.query for name in one.query.model_json_schema()["properties"]})


@much(120)
@given(st.sampled_from(QUERIES), st.data())
def test_any_query_is_read_or_refused(operation: Any, data: st.DataObject) -> None:
    """Known parameters with anything in them, and unknown ones."""
    names = st.sampled_from(PARAMETERS) | texts
    values = st.lists(texts | IDS | st.integers().map(str) | st.dates().map(str), min_size=1, max_size=2)
    try:
        assert isinstance(
            read_query(operation.query, data.draw(st.dictionaries(names, values, max_size=4))), operation.query
        )
    except Refused as refused:
        tellable(refused)


@much(100)
@given(st.dictionaries(st.sampled_from(["idempotency-key", "if-match"]), texts), texts)
def test_any_header_and_any_id_in_a_path_is_read_or_refused(headers: dict[str, str], id_: str) -> None:
    """An id that is none is not found."""
    for operation in operations():
        with suppress(Refused):
            check_headers(operation.headers, headers)
    with suppress(NotFound):
        assert read_ids({"job_id": id_})["job_id"] == id_.lower()


STORABLE = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
COLUMNS = [Column("id", Uuid), Column("day", Date), Column("number", Integer), Column("name", Text)]


@much(120)
@given(
    texts
    | st.lists(STORABLE | IDS | st.integers().map(str), max_size=4).map(paging.encode)
    | tampered(st.lists(st.none() | texts | st.lists(texts, max_size=2), max_size=3)).map(
        lambda raw: base64.urlsafe_b64encode(raw).decode()
    ),
    st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=3),
)
def test_any_cursor_is_a_place_or_refused(cursor: str, key: Any) -> None:
    """And a place is made of values that Postgres takes for those columns."""
    try:
        values = paging._typed(key, paging.decode(cursor, len(key)))
    except Refused as refused:
        tellable(refused)
        return
    for column, value in zip(key, values, strict=True):
        assert isinstance(value, {Uuid: str, Date: date, Integer: int, Text: str}[type(column.type)])
        assert "\0" not in str(value).encode().decode()


@much(100)
@given(st.binary(max_size=80), st.sampled_from(Lane), st.integers(0, 10**6), STORABLE, st.uuids().map(str))
def test_a_ref_is_read_as_it_was_written_and_nothing_else_is_a_ref(
    noise: bytes, lane: Lane, size: int, tenant: str, id_: str
) -> None:
    """Whatever the tenant is called."""
    ref = JobRef(lane, size, tenant, id_)
    assert JobRef.parse(ref.encode().encode()) == ref
    with suppress(ValueError):
        assert JobRef.parse(noise).encode()


@much(100)
@given(
    st.lists(st.none() | st.binary(max_size=12), min_size=len(CLAIMED), max_size=len(CLAIMED)), STORABLE, st.binary()
)
def test_a_job_is_read_as_it_was_written_and_nothing_else_is_a_job(
    noise: list[bytes | None], text: str, data: bytes
) -> None:
    """A hash that no queue wrote is a ValueError; one that is gone is None."""
    new = NewJob("an id", text or "t", text, Lane.BULK, 3, data, text, text)
    fields = {**new.to_fields(), "state": "waiting", "submitted_at": 7}
    wire = [str(fields[n]).encode() if n in fields and n != "data" else None for n in SHOWN]
    job = job_from_values([*wire, b"token", data], 0)
    assert job is not None
    assert (job.tenant, job.kind, job.submitted_by, job.meta) == (new.tenant, text, text, text)
    assert (job.data, job.ref) == (data, new.ref)
    with suppress(ValueError):
        assert isinstance(job_from_values(noise, 0), Job | None)


CSV = st.lists(
    st.sampled_from([",", '"', '""', "\n", "\r\n", "\r", "\0", "\ufeff", "sourcedId", "value", "date", " "])
    | texts,
    max_size=12,
).map("".join)  # fmt: skip


@much(120)
@given(CSV, st.sets(st.sampled_from(["sourcedId", "date", "value"])))
def test_any_csv_is_rows_or_refused(text: str, required: set[str]) -> None:
    """A row's cells are read without a fuss, and what is wrong is noted."""
    with suppress(ImportRefused):
        for row in read_rows("a.csv", text, sorted(required)):
            read_every_way(row)
            assert all(str(problem) for problem in row.problems)


def read_every_way(row: Row) -> None:
    """Each kind of cell, of a column that may be there."""
    for column in ("sourcedId", "date", "nowhere"):
        for read in (row.optional, row.text, row.id, row.optional_day, row.day, row.items):
            read(column)


@much(120)
@given(
    st.lists(st.tuples(CSV | st.dates().map(str), st.sampled_from(["yes", "0"]) | CSV, CSV | texts), max_size=3),
    st.booleans(),
)  # fmt: skip
def test_any_calendar_is_days_or_refused(rows: list[tuple[str, str, str]], quoted: bool) -> None:
    """Each day is a date of this calendar with a yes or a no."""
    cell = '"{}"' if quoted else "{}"
    lines = [",".join(cell.format(part.replace('"', '""') if quoted else part) for part in (*row, "x")) for row in rows]
    text = "\n".join(["date,is_school_day,school_source_id,title", *lines])
    with suppress(ImportRefused):
        days = calendar._days("c.csv", [*read_rows("c.csv", text, calendar.COLUMNS)], {"s1": "an id"})
        assert all(date.fromisoformat(day["date"]) and isinstance(day["is_school_day"], bool) for day in days)


SCHOOL = csv_texts(small_school())


@much(60)
@given(st.data())
def test_any_bundle_is_a_roster_or_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """A good one in which a file was tampered with; its zip is whole."""
    name = data.draw(st.sampled_from(sorted(SCHOOL)))
    content = SCHOOL[name].encode()
    for _ in range(data.draw(st.integers(1, 4))):
        at, cut = data.draw(st.integers(0, len(content))), data.draw(st.integers(0, 9))
        filling = data.draw(texts.map(lambda text: text.encode("utf-8", "surrogatepass")) | CSV.map(_encoded))
        content = content[:at] + filling + content[at + cut :]
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        for file, text in SCHOOL.items():
            archive.writestr(file, content if file == name else text)
    path = _written(tmp_path_factory, zipped.getvalue())
    with suppress(ImportRefused):
        roster = read_bundle(path)
        assert isinstance(roster, Roster)
        assert all(str(problem) for problem in roster.problems)


@much(60)
@given(st.binary(max_size=400))
def test_any_bytes_are_a_bundle_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """Behind the signature of a zip, or not."""
    for content in (data, b"PK\x03\x04" + data, b"PK\x05\x06" + data):
        with suppress(ImportRefused):
            read_bundle(_written(tmp_path_factory, content))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _written(folders: pytest.TempPathFactory, data: bytes) -> Path:
    path = folders.getbasetemp() / "fuzzed.zip"
    path.write_bytes(data)
    return path
