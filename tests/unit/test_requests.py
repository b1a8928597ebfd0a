"""Query parameters and ids are read strictly, and what is wrong is told by its name."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.api.models.reading import RecordQuery
from chalicelib.api.requests import read_ids, read_query
from chalicelib.errors import NotFound, Refused

ID = "0b9f6c1e-58a1-5b0f-9d0b-0d3c5a4f7e21"


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
