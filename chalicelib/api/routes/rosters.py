"""Who there is to mark: sections and their rosters, staff, academic sessions, periods."""

from __future__ import annotations

from chalicelib.api.models.reading import PageQuery
from chalicelib.api.models.rosters import (
    AcademicSessionPage,
    PeriodPage,
    Roster,
    RosterQuery,
    SectionPage,
    StaffPage,
)
from chalicelib.api.operations import Call, Operations, Reply
from chalicelib.domain.questions import Window
from chalicelib.errors import BadInput, NotFound, Unavailable

operations = Operations("Roster")

_RAISES = (BadInput, Unavailable)


@operations.add("Sections", query=PageQuery, answer=SectionPage, raises=_RAISES)
def list_sections(call: Call) -> Reply:
    """A teacher's own; all of them for the office."""
    page = call.container.reader.sections(call.actor, _window(call))
    return Reply(SectionPage.model_validate(page))


@operations.add(
    "Who is in a section on a date", query=RosterQuery, answer=Roster,
    raises=(NotFound, *_RAISES),
)  # fmt: skip
def section_roster(call: Call) -> Reply:
    """The students enrolled on the date (default: today), each with the mark that stands."""
    section = call.path["section_id"]
    day, students = call.container.reader.roster(call.actor, section, call.query.date, call.query.period_id)
    return Reply(Roster.model_validate({"section_id": section, "date": day, "students": students}))


@operations.add("Staff", query=PageQuery, answer=StaffPage, raises=_RAISES)
def list_staff(call: Call) -> Reply:
    """All for the office; anybody else finds oneself."""
    return Reply(StaffPage.model_validate(call.container.reader.staff(call.actor, _window(call))))


@operations.add("Academic sessions", query=PageQuery, answer=AcademicSessionPage, raises=_RAISES)
def list_sessions(call: Call) -> Reply:
    """School years, semesters and terms."""
    return Reply(AcademicSessionPage.model_validate(call.container.reader.sessions(call.actor, _window(call))))


@operations.add("Periods of the day", query=PageQuery, answer=PeriodPage, raises=_RAISES)
def list_periods(call: Call) -> Reply:
    """In the order of the day."""
    return Reply(PeriodPage.model_validate(call.container.reader.periods(call.actor, _window(call))))


def _window(call: Call) -> Window:
    return Window(call.query.limit, call.query.cursor)
