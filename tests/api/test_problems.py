"""Problem documents: every refusal has the same shape, and none tells of the inside."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.container import Container
from tests.api.client import Answer, Client
from tests.api.conftest import Bearer
from tests.api.steps import depth, register
from tests.school import Section, new_id

PROBLEMS: dict[str, tuple[int, str, Callable[[Client, Section], Answer]]] = {
    "malformed": (400, "malformed_json", lambda office, maths: office.post("/mark", raw=b"{")),
    "no token": (401, "unauthenticated", lambda office, maths: Client().get("/settings")),
    "no right": (403, "forbidden", lambda office, maths: office.put("/settings", {})),
    "nothing there": (404, "not_found", lambda office, maths: office.get(f"/jobs/{new_id()}")),
    "too large": (413, "too_large", lambda office, maths: office.post("/mark", raw=b" " * 2**21)),
    "not JSON": (415, "unsupported_media_type", lambda office, maths: office.post("/mark", {}, content_type="a/b")),
    "a wrong form": (422, "validation_failed", lambda office, maths: office.post("/mark", {})),
    "a broken rule": (
        422, "not_enrolled", lambda office, maths: office.post("/mark", register(maths) | {
            "records": [{"student_id": new_id(), "status": "LATE"}]}),
    ),
    "a wrong query": (422, "validation_failed", lambda office, maths: office.get("/records", {"limit": 0})),
}  # fmt: skip


@pytest.mark.parametrize(("status", "code", "ask"), PROBLEMS.values(), ids=list(PROBLEMS))
def test_the_shape(
    status: int, code: str, ask: Callable[[Client, Section], Answer], office: Client, maths: Section
) -> None:
    """RFC 9457: the fields, their kinds, and the content type; what may not be cached says so."""
    answer = ask(office, maths)
    problem = answer.json
    assert (answer.status, problem["status"], problem["code"]) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert set(problem) - {"errors"} == {"type", "title", "status", "code", "detail", "instance"}
    assert all(isinstance(problem[name], str) and problem[name] for name in set(problem) - {"errors", "status"})
    for fault in problem.get("errors", []):
        assert set(fault) in ({"pointer", "code", "detail"}, {"parameter", "code", "detail"})
    assert ("errors" in problem) == (status == 422)


def test_each_request_has_a_number(office: Client) -> None:
    """`instance` tells two refusals apart in the logs."""
    one, other = (office.get(f"/jobs/{new_id()}").json["instance"] for _ in range(2))
    assert one != other
    assert one.startswith("urn:request:")


def test_an_unexpected_error(
    ann: Client,
    maths: Section,
    container: Container,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """500 tells nothing of what happened; the log tells everything."""

    def burst(*_: object) -> None:
        raise KeyError("the password is swordfish")

    monkeypatch.setattr(type(container.queue), "enqueue", burst)
    with caplog.at_level(logging.CRITICAL + 1):
        answer = ann.post("/mark", register(maths))
    assert (answer.status, answer.code) == (500, "internal_error")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["detail"] == "An unexpected error occurred."
    for inside in ("swordfish", "KeyError", "Traceback", ".py"):
        assert inside not in answer.text
    assert depth(container) == 0


def test_an_unexpected_error_is_logged(
    ann: Client, maths: Section, container: Container, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With its traceback and the operation."""
    monkeypatch.setattr(type(container.rosters), "find", lambda *_: 1 / 0)
    assert ann.post("/mark", register(maths)).status == 500
    [record] = [record for record in caplog.records if record.name == "chalicelib.api.router"]
    assert "mark_students" in record.getMessage()
    assert record.exc_info is not None


def test_settings_that_are_missing(anyone: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment without its environment answers 500, and not with the name of a variable."""
    import app

    app.container.cache_clear()
    with monkeypatch.context() as patch:
        patch.delenv("REDIS_URL")
        answer = anyone.get("/health")
    assert (answer.status, answer.code) == (500, "internal_error")
    assert "REDIS_URL" not in answer.text


NOISE: list[Any] = [
    None, True, 0, -1, 1.5, 10**30, "", "x", "\0", "\ud800", "🤒" * 600, [], [[]], {}, {"a": {}}, [None],
    [{"student_id": None}], [{"status": []}], [{"student_id": {}, "status": {"a": 1}, "remarks": []}],
]  # fmt: skip


@pytest.mark.parametrize("path", ["/mark", "/staff/mark"])
@pytest.mark.parametrize("field", ["date", "section_id", "session_id", "period_id", "reason", "records"])
def test_wrong_types_never_break_it(field: str, path: str, office: Client, maths: Section) -> None:
    """Whatever stands in a field, the answer is 202 or tells what is wrong."""
    for noise in NOISE:
        answer = office.post(path, raw=json.dumps(register(maths) | {field: noise}).encode())
        assert answer.status in {202, 422}, (noise, answer.text)


@pytest.mark.parametrize("field", ["student_id", "status", "late_minutes", "remarks"])
def test_wrong_types_in_a_record_never_break_it(field: str, office: Client, maths: Section) -> None:
    """Nor in a record."""
    for noise in NOISE:
        body = register(maths)
        body["records"][0][field] = noise
        answer = office.post("/mark", raw=json.dumps(body).encode())
        assert answer.status in {202, 422}, (noise, answer.text)


@pytest.mark.parametrize("field", ["attendance_mode", "backdate_days", "timezone", "school_days", "version"])
def test_wrong_types_in_settings_never_break_it(field: str, bearer: Bearer) -> None:
    """Nor in the settings."""
    admin = bearer("admin")
    settings = admin.get("/settings").json
    for noise in NOISE:
        answer = admin.put("/settings", raw=json.dumps(settings | {field: noise}).encode())
        assert answer.status in {200, 422}, (noise, answer.text)


@pytest.mark.parametrize(
    "path", ["/records", "/staff/records", "/audit", "/jobs", "/sections", "/staff", "/sessions", "/periods"]
)
def test_noise_in_a_query_never_breaks_it(path: str, office: Client) -> None:
    """Whatever stands in a parameter."""
    names = (
        "date",
        "from",
        "to",
        "section_id",
        "student_id",
        "staff_id",
        "status",
        "state",
        "actor",
        "cursor",
        "limit",
    )
    for name in names:
        for noise in (
            "",
            "\0",
            "%00",
            "x" * 5000,
            "-1",
            "1e400",
            "🤒",
            "2026-02-11",
            "9999-12-31",
            "0001-01-01",
            "NaN",
        ):
            assert office.get(path, {name: noise}).status in {200, 422}, (name, noise)
