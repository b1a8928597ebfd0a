"""A tenant's rules: which day it is there, which mode held, how far back one may mark, when school is held."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.attendance import Mode, Weekday
from chalicelib.domain.rules import EVERY_SCHOOL, AcademicSession, Rules
from tests import strategies

USUAL = Rules(
    revision=1,
    timezone="UTC",
    modes=((date.min, Mode.DAILY),),
    backdate_days=7,
    allow_future_date=False,
    reason_required=False,
    school_days=frozenset(Weekday),
)


@pytest.mark.parametrize(
    ("zone", "instant", "local"),
    [
        ("Pacific/Auckland", datetime(2026, 11, 23, 23, 30, tzinfo=UTC), date(2026, 11, 24)),
        ("UTC", datetime(2026, 11, 23, 23, 30, tzinfo=UTC), date(2026, 11, 23)),
        ("America/Los_Angeles", datetime(2026, 11, 24, 7, 59, 59, tzinfo=UTC), date(2026, 11, 23)),
        ("America/Los_Angeles", datetime(2026, 11, 24, 8, 0, tzinfo=UTC), date(2026, 11, 24)),
        ("Asia/Kolkata", datetime(2026, 11, 23, 18, 30, tzinfo=UTC), date(2026, 11, 24)),
        ("Pacific/Kiritimati", datetime(2026, 11, 23, 10, 0, tzinfo=UTC), date(2026, 11, 24)),
    ],
)
def test_today_is_the_date_on_the_wall_of_the_school(zone: str, instant: datetime, local: date) -> None:
    """At half past eleven in London it is tomorrow in Auckland, and the register there is tomorrow's."""
    assert replace(USUAL, timezone=zone).today(instant) == local


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", date(2026, 3, 8), 23),  # the clock springs forward
        ("America/New_York", date(2026, 11, 1), 25),  # and falls back
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("America/Santiago", date(2026, 9, 6), 23),  # there the missing hour is the one from midnight on
    ],
)
def test_a_day_on_which_the_clock_changes_is_one_day(zone: str, day: date, hours: float) -> None:
    """23, 25 or 23½ hours long: each minute of it is that day, the minutes around it are not."""
    rules = replace(USUAL, timezone=zone)
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)
    minutes = [start + timedelta(minutes=n) for n in range(60 * 55)]
    local = [rules.today(minute) for minute in minutes]
    assert local.count(day) == hours * 60
    assert local == sorted(local)


def test_backdating_counts_calendar_days_over_a_change_of_the_clock() -> None:
    """Seven days are seven dates, whatever number of hours they have."""
    rules = replace(USUAL, timezone="America/New_York", backdate_days=7)
    assert rules.oldest_markable(date(2026, 3, 10)) == date(2026, 3, 3)


def test_no_backdating_means_today_only() -> None:
    """0 days is a setting, not the absence of one."""
    assert replace(USUAL, backdate_days=0).oldest_markable(date(2026, 11, 23)) == date(2026, 11, 23)


def test_backdating_never_leaves_the_calendar() -> None:
    """A century before the year 1 has no date; the first one is used."""
    assert replace(USUAL, backdate_days=36_525).oldest_markable(date(1, 1, 2)) == date.min


def test_a_mode_holds_from_its_date_on_and_leaves_the_days_before_alone() -> None:
    """A change of mode on a date does not touch the marks of the day before."""
    rules = replace(
        USUAL, modes=((date.min, Mode.DAILY), (date(2026, 9, 1), Mode.PERIOD), (date(2027, 1, 4), Mode.DAILY))
    )
    assert rules.mode_on(date(2026, 8, 31)) is Mode.DAILY
    assert rules.mode_on(date(2026, 9, 1)) is Mode.PERIOD
    assert rules.mode_on(date(2027, 1, 3)) is Mode.PERIOD
    assert rules.mode_on(date(2027, 1, 4)) is Mode.DAILY


def test_before_the_first_change_the_first_mode_held() -> None:
    """There is a mode on every day."""
    assert replace(USUAL, modes=((date(2026, 9, 1), Mode.PERIOD),)).mode_on(date(2020, 1, 1)) is Mode.PERIOD


def test_weekdays_decide_where_the_calendar_says_nothing() -> None:
    """A school may be held from Sunday to Thursday."""
    rules = replace(USUAL, school_days=frozenset(Weekday) - {Weekday.FRI, Weekday.SAT})
    held = [rules.is_school_day(date(2026, 11, 23) + timedelta(n), None) for n in range(7)]  # from a Monday on
    assert held == [True, True, True, True, False, False, True]


def test_a_schools_own_exception_goes_before_the_tenants() -> None:
    """All schools are closed for the holiday but the one that makes up a day."""
    day = date(2026, 11, 26)
    rules = replace(USUAL, calendar={EVERY_SCHOOL: {day: False}, "north": {day: True}})
    assert rules.is_school_day(day, "north")
    assert not rules.is_school_day(day, "south")
    assert not rules.is_school_day(day, None)
    assert rules.is_school_day(day + timedelta(1), "south")


def test_an_exception_can_open_school_on_a_weekend() -> None:
    """Exceptions work both ways."""
    saturday = date(2026, 11, 28)
    rules = replace(USUAL, school_days=frozenset({Weekday.MON}), calendar={"north": {saturday: True}})
    assert rules.is_school_day(saturday, "north")
    assert not rules.is_school_day(saturday, "south")


YEAR = AcademicSession("year", date(2026, 8, 31), date(2027, 6, 25))
TERM = AcademicSession("term", date(2026, 8, 31), date(2026, 12, 18))
MONTH = AcademicSession("month", date(2026, 11, 1), date(2026, 11, 30))
HELD = replace(USUAL, sessions={session.id: session for session in (YEAR, MONTH, TERM)})


def test_a_session_holds_its_first_and_its_last_day() -> None:
    """Both bounds are inside, as OneRoster's are."""
    assert TERM.holds(TERM.start)
    assert TERM.holds(TERM.end)
    assert not TERM.holds(TERM.start - timedelta(1))
    assert not TERM.holds(TERM.end + timedelta(1))


def test_the_shortest_session_that_holds_the_date_is_meant() -> None:
    """A mark in November belongs to the term, not only to the year."""
    anywhere: frozenset[str] = frozenset()
    assert HELD.session_holding(date(2026, 11, 23), anywhere) == MONTH
    assert HELD.session_holding(date(2026, 10, 1), anywhere) == TERM
    assert HELD.session_holding(date(2027, 2, 1), anywhere) == YEAR
    assert HELD.session_holding(date(2027, 7, 1), anywhere) is None


def test_only_the_sessions_of_the_section_count() -> None:
    """A section of the whole year is not marked in somebody else's month."""
    assert HELD.session_holding(date(2026, 11, 23), frozenset({"year", "term"})) == TERM
    assert HELD.session_holding(date(2027, 2, 1), frozenset({"term"})) is None
    assert HELD.session_holding(date(2026, 11, 23), frozenset({"gone"})) is None


@settings(max_examples=50, deadline=None)
@given(strategies.rules(), st.dates())
def test_rules_have_an_answer_for_every_day(rules: Rules, day: date) -> None:
    """No date of the calendar makes them fall over."""
    assert rules.mode_on(day) in Mode
    assert rules.oldest_markable(day) <= day
    assert rules.is_school_day(day, None) in {True, False}
    held = rules.session_holding(day, frozenset())
    assert held is None or held.holds(day)
