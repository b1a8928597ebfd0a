"""Who is on a list, and who may mark it, on which day."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.register import Register, Span
from tests import strategies

AUTUMN = Span(date(2026, 8, 31), date(2026, 12, 18))
SPRING = Span(date(2027, 1, 4), date(2027, 6, 25))


def of(*enrolled: tuple[Span, set[str]], teachers: tuple[tuple[Span, set[str]], ...] = ()) -> Register:
    """A section's register."""
    groups = tuple((span, frozenset(people)) for span, people in enrolled)
    return Register("7b", None, frozenset(), groups, tuple((span, frozenset(people)) for span, people in teachers))


def test_a_student_is_on_the_list_from_the_first_day_of_the_span() -> None:
    """The first day counts; the day before does not."""
    register = of((AUTUMN, {"kim"}))
    assert register.members_on(AUTUMN.start) == {"kim"}
    assert register.members_on(AUTUMN.start - timedelta(1)) == set()


def test_a_student_is_on_the_list_up_to_the_day_before_the_end() -> None:
    """A span ends before its end, as Postgres' `[first,past)` does."""
    register = of((AUTUMN, {"kim"}))
    assert register.members_on(AUTUMN.end - timedelta(1)) == {"kim"}
    assert register.members_on(AUTUMN.end) == set()


def test_a_student_who_left_and_came_back_is_on_the_list_in_both_spans_and_not_between() -> None:
    """Each span stands for itself."""
    register = of((AUTUMN, {"kim", "lou"}), (SPRING, {"kim"}))
    assert register.members_on(date(2026, 9, 1)) == {"kim", "lou"}
    assert register.members_on(date(2026, 12, 24)) == set()
    assert register.members_on(date(2027, 2, 1)) == {"kim"}


def test_students_of_spans_that_overlap_are_on_one_list() -> None:
    """Some came later than others."""
    late = Span(date(2026, 10, 1), AUTUMN.end)
    register = of((AUTUMN, {"kim"}), (late, {"lou"}))
    assert register.members_on(date(2026, 9, 30)) == {"kim"}
    assert register.members_on(date(2026, 10, 1)) == {"kim", "lou"}


def test_members_ever_are_those_of_any_span() -> None:
    """Past and future students are told from strangers."""
    assert of((AUTUMN, {"kim"}), (SPRING, {"lou"})).members_ever() == {"kim", "lou"}


def test_a_substitute_may_mark_on_the_days_of_the_teaching_only() -> None:
    """The week of a substitute is not the year of the teacher."""
    week = Span(date(2026, 11, 2), date(2026, 11, 7))
    register = of(teachers=((AUTUMN, {"ann"}), (week, {"bo"})))
    assert register.taught_by("ann", date(2026, 11, 2))
    assert register.taught_by("bo", date(2026, 11, 2))
    assert register.taught_by("bo", date(2026, 11, 6))
    assert not register.taught_by("bo", date(2026, 11, 7))
    assert register.taught_by("bo", None)
    assert not register.taught_by("cy", None)


@settings(max_examples=50, deadline=None)
@given(strategies.registers(), st.dates())
def test_who_is_on_the_list_on_a_day_is_on_it_ever(register: Register, day: date) -> None:
    """The two lists never contradict each other."""
    assert register.members_on(day) <= register.members_ever()
    assert register.members_on(day) == {who for span, people in register.enrolled if day in span for who in people}
