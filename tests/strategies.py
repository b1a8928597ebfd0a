"""Hypothesis strategies for the values of the domain, kept in one place."""

from __future__ import annotations

from datetime import date
from zoneinfo import available_timezones

from hypothesis import strategies as st

from chalicelib.domain.attendance import Mode, Weekday
from chalicelib.domain.register import Register, Span
from chalicelib.domain.rules import EVERY_SCHOOL, AcademicSession, Rules

ids = st.uuids().map(str)
dates = st.dates()
people = st.frozensets(ids, max_size=5)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    """Dates in order; an empty span is possible, as in a roster that was mended."""
    return Span(*sorted([draw(dates), draw(dates)]))


@st.composite
def sessions(draw: st.DrawFn) -> AcademicSession:
    """Academic sessions of at least a day."""
    return AcademicSession(draw(ids), *sorted([draw(dates), draw(dates)]))


def modes() -> st.SearchStrategy[tuple[tuple[date, Mode], ...]]:
    """The mode from the beginning, and its changes, ascending."""
    change = st.tuples(dates, st.sampled_from(Mode))
    return st.lists(change, min_size=1, max_size=4, unique_by=lambda pair: pair[0]).map(
        lambda pairs: tuple(sorted(pairs))
    )


def rules() -> st.SearchStrategy[Rules]:
    """Rules of a tenant."""
    return st.builds(
        Rules,
        revision=st.integers(1, 2**53),
        timezone=st.sampled_from(sorted(available_timezones())),
        modes=modes(),
        backdate_days=st.integers(0, 36_525),
        allow_future_date=st.booleans(),
        reason_required=st.booleans(),
        school_days=st.frozensets(st.sampled_from(Weekday), min_size=1),
        sessions=st.lists(sessions(), max_size=4).map(lambda held: {session.id: session for session in held}),
        period_ids=people,
        calendar=st.dictionaries(
            st.one_of(st.just(EVERY_SCHOOL), ids), st.dictionaries(dates, st.booleans(), max_size=4), max_size=3
        ),
    )


def registers() -> st.SearchStrategy[Register]:
    """Registers of sections, of all students, of the staff."""
    groups = st.lists(st.tuples(spans(), people), max_size=4).map(tuple)
    return st.builds(
        Register,
        section_id=st.none() | ids,
        school_id=st.none() | ids,
        session_ids=people,
        enrolled=groups,
        teachers=groups,
    )
