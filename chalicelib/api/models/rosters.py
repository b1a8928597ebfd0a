"""What is told of sections, their rosters, staff, academic sessions and periods, and how to ask."""

from __future__ import annotations

from chalicelib.api.models.fields import Id, IsoDate, Sent, Told
from chalicelib.api.models.reading import Mark


class RosterQuery(Sent):
    """For which date, and which period's marks."""

    date: IsoDate | None = None
    period_id: Id | None = None


class Section(Told):
    """A section; `session_id` is the first of its academic sessions."""

    id: Id
    name: str
    kind: str
    school_id: Id
    session_id: Id | None
    session_ids: list[Id]
    period_ids: list[Id]
    code: str | None
    course: str | None


class RosterStudent(Told):
    """A student on a register, with the mark that stands (null: not taken)."""

    id: Id
    given_name: str
    family_name: str
    mark: Mark | None


class Roster(Told):
    """Who is enrolled in a section on a date, by family name."""

    section_id: Id
    date: IsoDate
    students: list[RosterStudent]


class StaffMember(Told):
    """A staff member."""

    id: Id
    source_id: str
    given_name: str
    family_name: str
    email: str | None
    job: str
    school_id: Id | None


class AcademicSession(Told):
    """A school year, semester or term; `end_date` is its last day."""

    id: Id
    title: str
    kind: str
    start_date: IsoDate
    end_date: IsoDate
    parent_id: Id | None
    school_year: str | None


class Period(Told):
    """A period of the day."""

    id: Id
    name: str
    sequence: int


class SectionPage(Told):
    """Sections by name."""

    items: list[Section]
    next_cursor: str | None


class StaffPage(Told):
    """Staff by name."""

    items: list[StaffMember]
    next_cursor: str | None


class AcademicSessionPage(Told):
    """Academic sessions by their first day."""

    items: list[AcademicSession]
    next_cursor: str | None


class PeriodPage(Told):
    """Periods in the order of the day."""

    items: list[Period]
    next_cursor: str | None
