"""Each error has a stable code and a status, and becomes a problem document that tells all of it."""

from __future__ import annotations

import json
from http import HTTPStatus

import pytest

from chalicelib import errors
from chalicelib.api.problems import problem
from chalicelib.errors import Fault, Refused, RollcallError, Unavailable

CODES = {
    errors.RollcallError: ("internal_error", 500),
    errors.BadInput: ("validation_failed", 422),
    errors.MalformedJson: ("malformed_json", 400),
    errors.TooLarge: ("too_large", 413),
    errors.UnsupportedMediaType: ("unsupported_media_type", 415),
    errors.Refused: ("validation_failed", 422),
    errors.IdempotencyKeyReused: ("idempotency_key_reused", 422),
    errors.Unauthenticated: ("unauthenticated", 401),
    errors.Forbidden: ("forbidden", 403),
    errors.NotFound: ("not_found", 404),
    errors.MethodNotAllowed: ("method_not_allowed", 405),
    errors.Conflict: ("conflict", 409),
    errors.VersionMismatch: ("version_mismatch", 412),
    errors.QueueFull: ("queue_full", 429),
    errors.RateLimited: ("rate_limited", 429),
    errors.Unavailable: ("unavailable", 503),
}


def all_errors() -> list[type[RollcallError]]:
    """Every class of the tree."""
    found = [RollcallError]
    for kind in found:
        found += kind.__subclasses__()
    return [kind for kind in found if kind.__module__ == errors.__name__]


def test_no_error_is_missing_here() -> None:
    """A code is a promise to clients: a new one is written down."""
    assert set(all_errors()) == set(CODES)


@pytest.mark.parametrize("kind", CODES, ids=lambda kind: kind.__name__)
def test_codes_and_statuses_are_stable(kind: type[RollcallError]) -> None:
    """Clients branch on them."""
    error = kind()
    assert (error.problem_code, error.status) == CODES[kind]
    assert HTTPStatus(error.status)


@pytest.mark.parametrize("kind", CODES, ids=lambda kind: kind.__name__)
def test_an_error_without_words_says_its_docstring(kind: type[RollcallError]) -> None:
    """One sentence for a person, never an empty detail; each class has its own."""
    assert "__doc__" in vars(kind)
    assert kind().detail == (kind.__doc__ or "").strip() != ""
    assert str(kind("Because.")) == kind("Because.").detail == "Because."


def test_a_refusal_takes_the_code_of_the_first_broken_rule() -> None:
    """Without one the form is at fault."""
    fault = Fault("date_too_old", "Too old.", pointer="/date")
    assert Refused(code="date_too_old", faults=[fault]).problem_code == "date_too_old"
    assert Refused(faults=[fault]).problem_code == "validation_failed"


def test_a_single_fault_is_the_detail() -> None:
    """With several, each says its own."""
    one, two = Fault("a", "First.", pointer="/a"), Fault("b", "Second.", parameter="b")
    assert Refused(faults=[one]).detail == "First."
    assert Refused(faults=[one, two]).detail == Refused().detail != ""


def test_a_fault_says_where_it_is() -> None:
    """By pointer or by parameter, whichever is known; the pointer of the whole body is the empty string."""
    assert Fault("c", "d", pointer="/x/0").to_json() == {"pointer": "/x/0", "code": "c", "detail": "d"}
    assert Fault("c", "d", parameter="p").to_json() == {"parameter": "p", "code": "c", "detail": "d"}
    assert Fault("c", "d", pointer="").to_json() == {"pointer": "", "code": "c", "detail": "d"}
    assert Fault("c", "d").to_json() == {"code": "c", "detail": "d"}


def test_a_problem_document_tells_everything() -> None:
    """RFC 9457, with a code, the faults and the request's id."""
    error = Refused(code="date_too_old", faults=[Fault("date_too_old", "Zu früh.", pointer="/date")])
    response = problem(error, "42")
    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/problem+json"
    assert json.loads(response.body) == {
        "type": "about:blank",
        "title": HTTPStatus(422).phrase,
        "status": 422,
        "code": "date_too_old",
        "detail": "Zu früh.",
        "instance": "urn:request:42",
        "errors": [{"pointer": "/date", "code": "date_too_old", "detail": "Zu früh."}],
    }


def test_a_problem_keeps_the_headers_of_its_error() -> None:
    """Retry-After tells a client when to come back."""
    assert problem(Unavailable(headers={"Retry-After": "2"})).headers["Retry-After"] == "2"
