"""The rules of a mark request: each breach with its code and its place, all of them at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from chalicelib.domain.attendance import Mode, Weekday
from chalicelib.domain.policy import Draft, breaches
from chalicelib.domain.register import Register, Span
from chalicelib.domain.rules import AcademicSession, Rules

TODAY = date(2026, 11, 23)  # a Monday
YEAR = AcademicSession("year", date(2026, 8, 31), date(2027, 6, 25))
RULES = Rules(
    revision=1,
    timezone="UTC",
    modes=((date.min, Mode.DAILY),),
    backdate_days=7,
    allow_future_date=False,
    reason_required=False,
    school_days=frozenset(Weekday) - {Weekday.SAT, Weekday.SUN},
    sessions={"year": YEAR},
    period_ids=frozenset({"p1"}),
)
ENROLLED = Span(date(2026, 8, 31), date(2027, 6, 26))
REGISTER = Register("7b", "north", frozenset({"year"}), ((ENROLLED, frozenset({"kim", "lou"})),))

Told = list[tuple[str, tuple[str | int, ...]]]


def told(*people: str, rules: Rules = RULES, register: Register = REGISTER, **draft: Any) -> Told:
    """The breaches of a request for `people` today, unless told otherwise, as (code, path)."""
    parts: dict[str, Any] = {"noun": "student", "date": TODAY, "people": people or ("kim",)}
    return [(breach.code, breach.path) for breach in breaches(Draft(**parts | draft), rules, register, TODAY)]


def test_a_register_of_today_breaks_nothing() -> None:
    """The ordinary case passes."""
    assert told("kim", "lou") == []


def test_tomorrow_is_refused_unless_the_tenant_allows_the_future() -> None:
    """`date_in_future` begins the day after today."""
    tomorrow = TODAY + timedelta(1)
    assert told(date=tomorrow) == [("date_in_future", ("date",))]
    assert told(date=tomorrow, rules=replace(RULES, allow_future_date=True)) == []
    assert told(date=TODAY) == []


def test_the_last_day_of_backdating_is_open_and_the_one_before_is_not() -> None:
    """The boundary counts calendar days: weekends count too."""
    assert told(date=TODAY - timedelta(7)) == []
    assert told(date=TODAY - timedelta(10)) == [("date_too_old", ("date",))]
    assert told(date=TODAY - timedelta(10), rules=replace(RULES, backdate_days=10)) == []
    assert told(date=TODAY - timedelta(3), rules=replace(RULES, backdate_days=2)) == [("date_too_old", ("date",))]


@pytest.mark.parametrize(("day", "inside"), [(YEAR.start, True), (YEAR.end, True), (YEAR.end + timedelta(3), False)])
def test_the_first_and_the_last_day_of_a_session_are_inside(day: date, inside: bool) -> None:
    """The session's bounds are days of school."""
    rules = replace(RULES, backdate_days=365, allow_future_date=True)
    assert told("kim", date=day, rules=rules) == ([] if inside else [("date_outside_session", ("date",))])


def test_a_named_session_must_hold_the_date() -> None:
    """Another session that would hold it does not help."""
    spring = AcademicSession("spring", date(2027, 1, 4), date(2027, 6, 25))
    rules = replace(RULES, sessions={"year": YEAR, "spring": spring})
    assert told(session_id="spring", rules=rules) == [("date_outside_session", ("date",))]
    assert told(session_id="year", rules=rules) == []


def test_a_section_is_marked_in_its_own_sessions_only() -> None:
    """A term that the section does not have is no term of its."""
    register = replace(REGISTER, session_ids=frozenset({"spring"}))
    assert told(register=register) == [("date_outside_session", ("date",))]


def test_a_weekend_is_not_a_school_day() -> None:
    """The tenant's weekdays hold where the calendar says nothing."""
    assert told(date=date(2026, 11, 21)) == [("not_a_school_day", ("date",))]


def test_the_calendar_of_the_sections_school_decides() -> None:
    """A holiday of another school closes nothing here."""
    holiday = {"north": {TODAY: False}}
    assert told(rules=replace(RULES, calendar=holiday)) == [("not_a_school_day", ("date",))]
    assert told(rules=replace(RULES, calendar={"south": {TODAY: False}})) == []


def test_period_mode_asks_for_a_period() -> None:
    """`period_required` stands at the period."""
    rules = replace(RULES, modes=((date.min, Mode.PERIOD),))
    assert told(rules=rules) == [("period_required", ("period_id",))]
    assert told(rules=rules, period_id="p1") == []


def test_daily_mode_takes_no_period() -> None:
    """Else two marks of one day would stand side by side."""
    assert told(period_id="p1") == [("period_not_allowed", ("period_id",))]


def test_a_date_is_judged_by_the_mode_that_held_on_it() -> None:
    """A change of mode today leaves last Friday in the mode of last Friday."""
    rules = replace(RULES, modes=((date.min, Mode.DAILY), (TODAY, Mode.PERIOD)))
    friday = TODAY - timedelta(3)
    assert told(date=friday, rules=rules) == []
    assert told(date=friday, rules=rules, period_id="p1") == [("period_not_allowed", ("period_id",))]
    assert told(rules=rules) == [("period_required", ("period_id",))]


def test_staff_have_no_periods() -> None:
    """They are marked once a day in either mode."""
    assert told(noun="staff", rules=replace(RULES, modes=((date.min, Mode.PERIOD),))) == []


def test_each_repetition_of_a_person_is_told_at_its_record() -> None:
    """Who is named three times is a duplicate twice."""
    assert told("kim", "lou", "kim", "kim") == [
        ("duplicate_student", ("records", 2, "student_id")),
        ("duplicate_student", ("records", 3, "student_id")),
    ]
    assert told("kim", "kim", noun="staff") == [("duplicate_staff", ("records", 1, "staff_id"))]


def test_a_stranger_is_told_at_its_record() -> None:
    """Each student who is not on the list stands out by the index that was sent."""
    assert told("kim", "max") == [("not_enrolled", ("records", 1, "student_id"))]
    assert told("max", noun="staff") == [("not_enrolled", ("records", 0, "staff_id"))]
    unreadable_first = [None, "max"]
    assert told(people=unreadable_first) == [("not_enrolled", ("records", 1, "student_id"))]


def test_enrolment_is_judged_on_the_date_of_the_mark() -> None:
    """From the first day of the enrolment up to the day before it ends."""
    span = Span(TODAY - timedelta(3), TODAY)
    register = replace(REGISTER, enrolled=((span, frozenset({"kim"})),))
    stranger = [("not_enrolled", ("records", 0, "student_id"))]
    assert told(register=register, date=TODAY - timedelta(3)) == []
    assert told(register=register, date=TODAY - timedelta(4)) == stranger
    assert told(register=register, date=TODAY) == stranger


def test_on_a_date_that_cannot_be_marked_only_those_never_enrolled_are_strangers() -> None:
    """A wrong year in the date must not come back as 500 students who are not enrolled."""
    assert told("kim", "max", date=date(2025, 11, 24)) == [
        ("date_too_old", ("date",)),
        ("date_outside_session", ("date",)),
        ("not_enrolled", ("records", 1, "student_id")),
    ]


def test_everything_that_is_wrong_is_told_at_once_the_date_first() -> None:
    """One answer is enough to mend the whole request."""
    day = date(2027, 7, 3)  # a Saturday after the school year
    assert told("kim", "kim", "max", date=day, period_id="p1") == [
        ("date_in_future", ("date",)),
        ("date_outside_session", ("date",)),
        ("not_a_school_day", ("date",)),
        ("period_not_allowed", ("period_id",)),
        ("duplicate_student", ("records", 1, "student_id")),
        ("not_enrolled", ("records", 2, "student_id")),
    ]


def test_a_date_that_could_not_be_read_leaves_the_rest_to_be_judged() -> None:
    """Its own fault is told elsewhere; duplicates and strangers are told all the same."""
    assert told("kim", "kim", "max", date=None, period_id="p1") == [
        ("duplicate_student", ("records", 1, "student_id")),
        ("not_enrolled", ("records", 2, "student_id")),
    ]


def test_a_breach_says_in_words_what_is_wrong() -> None:
    """The detail names the date and today, so that a wrong clock or zone shows."""
    [breach] = breaches(Draft("student", TODAY + timedelta(1), ["kim"]), RULES, REGISTER, TODAY)
    assert breach.detail == "2026-11-24 is after today, 2026-11-23."
