"""Stints follow the source: what it says holds from today on, what it dropped stays as history, twice is once."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.services.roster_import.stints import Change, Stint, day_after, follow, last_day, merge

DAY0 = date(2026, 9, 1)


def day(number: int) -> date:
    return DAY0 + timedelta(days=number)


def stint(begin: int, end: int, key: str = "e1", role: str = "") -> Stint:
    return Stint(day(begin), day(end), key, role)


def applied(current: list[Stint], changes: list[Change]) -> list[Stint]:
    """The stints after the changes."""
    gone = [change.old for change in changes]
    assert all(old is None or old in current for old in gone)
    kept = [one for one in current if one not in gone]
    return sorted([*kept, *(change.new for change in changes if change.new)], key=lambda one: one.begin)


def outcome(current: list[Stint], wanted: list[Stint], today: int) -> list[Stint]:
    return applied(current, follow(current, wanted, day(today)))


def test_a_new_stint_is_taken_as_it_is_even_if_it_is_over() -> None:
    assert outcome([], [stint(0, 10)], 50) == [stint(0, 10)]


def test_what_the_source_drops_is_closed_today() -> None:
    assert outcome([stint(0, 90)], [], 50) == [stint(0, 50)]


def test_what_has_not_begun_and_is_dropped_leaves_no_trace() -> None:
    assert outcome([stint(60, 90)], [], 50) == []
    assert outcome([stint(50, 90)], [], 50) == []


def test_what_is_over_and_dropped_stays() -> None:
    assert outcome([stint(0, 20)], [], 50) == [stint(0, 20)]


def test_who_comes_back_gets_a_new_stint_and_the_gap_stays_a_gap() -> None:
    back = [stint(0, 20), stint(50, 90)]
    assert outcome([stint(0, 20)], [stint(0, 90)], 50) == back
    assert outcome(back, [stint(0, 90)], 70) == back
    assert outcome(back, [stint(0, 90)], 95) == back
    assert outcome(back, [stint(0, 80)], 70) == [stint(0, 20), stint(50, 80)]


def test_a_gap_that_lies_ahead_is_closed_when_the_source_closes_it() -> None:
    assert outcome([stint(0, 20), stint(60, 90)], [stint(0, 90)], 50) == [stint(0, 20), stint(50, 90)]


def test_who_was_closed_by_mistake_and_is_back_the_same_day_was_never_out() -> None:
    assert outcome([stint(0, 50)], [stint(0, 90)], 50) == [stint(0, 90)]


def test_a_changed_end_moves_the_end() -> None:
    assert outcome([stint(0, 90)], [stint(0, 80)], 50) == [stint(0, 80)]
    assert outcome([stint(0, 90)], [stint(0, 99)], 50) == [stint(0, 99)]
    assert outcome([stint(0, 90)], [stint(0, 40)], 50) == [stint(0, 40)]


def test_an_end_in_the_past_may_be_put_right() -> None:
    assert outcome([stint(0, 20)], [stint(0, 30)], 50) == [stint(0, 30)]
    assert outcome([stint(0, 20)], [stint(0, 10)], 50) == [stint(0, 10)]


def test_an_earlier_begin_moves_the_begin() -> None:
    assert outcome([stint(10, 90)], [stint(0, 90)], 50) == [stint(0, 90)]


def test_a_later_begin_is_a_second_stint_and_the_first_one_is_kept_as_history() -> None:
    assert outcome([stint(0, 90)], [stint(40, 90)], 50) == [stint(0, 40), stint(40, 90)]
    assert outcome([stint(0, 90)], [stint(60, 90)], 50) == [stint(0, 50), stint(60, 90)]


def test_a_re_enrolment_leaves_the_first_one_alone() -> None:
    second = stint(60, 90, "e2")
    assert outcome([stint(0, 20)], [second], 50) == [stint(0, 20), second]
    assert outcome([stint(0, 20)], [stint(0, 20), second], 50) == [stint(0, 20), second]


def test_a_changed_role_is_taken_over() -> None:
    assert outcome([stint(0, 90, role="aide")], [stint(0, 90, role="teacher")], 50) == [stint(0, 90, role="teacher")]


def test_overlapping_stints_are_merged_and_the_stronger_role_wins() -> None:
    found, swallowed = merge([stint(5, 20, "b", "teacher"), stint(0, 10, "a", "aide"), stint(20, 30, "c", "aide")])
    assert found == [stint(0, 20, "a", "teacher"), stint(20, 30, "c", "aide")]
    assert [one.source_id for one in swallowed] == ["b"]


def test_the_last_day_of_the_calendar_is_no_end() -> None:
    assert (day_after(date.max), last_day(date.max)) == (date.max, date.max)
    assert last_day(day_after(DAY0)) == DAY0


@st.composite
def disjoint(draw: st.DrawFn) -> list[Stint]:
    edges = sorted(draw(st.sets(st.integers(0, 30), max_size=8)))
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    return [stint(begin, end, f"e{number}") for number, (begin, end) in enumerate(pairs)]


def days(stints: list[Stint], *, since: int = 0, until: int = 40) -> set[int]:
    return {n for n in range(since, until) if any(one.begin <= day(n) < one.end for one in stints)}


@given(disjoint(), disjoint(), st.integers(0, 35))
def test_from_today_on_the_outcome_is_what_is_wanted(current: list[Stint], wanted: list[Stint], today: int) -> None:
    assert days(outcome(current, wanted, today), since=today) == days(wanted, since=today)


@given(disjoint(), disjoint(), st.integers(0, 35))
def test_stints_never_overlap_and_are_never_empty(current: list[Stint], wanted: list[Stint], today: int) -> None:
    after = outcome(current, wanted, today)
    assert all(one.begin < one.end for one in after)
    assert all(one.end <= two.begin for one, two in pairwise(after))


@given(disjoint(), disjoint(), st.integers(0, 35), st.integers(0, 10))
def test_following_again_on_any_later_day_changes_nothing(
    current: list[Stint], wanted: list[Stint], today: int, later: int
) -> None:
    after = outcome(current, wanted, today)
    assert follow(after, wanted, day(today + later)) == []


@given(disjoint(), st.integers(0, 35))
def test_what_is_dropped_keeps_every_day_of_its_past(current: list[Stint], today: int) -> None:
    assert days(outcome(current, [], today)) == days(current, until=today)
