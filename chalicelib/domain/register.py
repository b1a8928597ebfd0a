"""A register: the people on one list, and who may mark them, each with the dates between which that holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

ALL_STUDENTS = "*"
"""The name of the register of every student of a tenant; a section's register is named by the section's id."""

STAFF = "staff"
"""The name of the register of a tenant's staff."""


@dataclass(frozen=True, slots=True)
class Span:
    """Dates from `start` up to, not including, `end`."""

    start: date
    end: date

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end


@dataclass(frozen=True, slots=True)
class Register:
    """A section's list, the list of all students of a tenant, or its staff (the last two have no section).

    `enrolled` groups ids by the span of their enrolment; `teachers` gives the ids (ours and the source's) by which a
    token may name each teacher or substitute, with the span of the teaching.
    """

    section_id: str | None
    school_id: str | None
    session_ids: frozenset[str]
    enrolled: tuple[tuple[Span, frozenset[str]], ...]
    teachers: tuple[tuple[Span, frozenset[str]], ...] = ()

    def members_on(self, day: date) -> frozenset[str]:
        """Who is on the list on `day`."""
        return _members(self.enrolled, day)

    def members_ever(self) -> frozenset[str]:
        """Who is on the list on any day."""
        return _members(self.enrolled, None)

    def taught_by(self, subject: str, day: date | None) -> bool:
        """Whether the bearer `subject` teaches here on `day` (None: on any day)."""
        return subject in _members(self.teachers, day)


def _members(groups: tuple[tuple[Span, frozenset[str]], ...], day: date | None) -> frozenset[str]:
    holding = [members for span, members in groups if day is None or day in span]
    if len(holding) == 1:
        return holding[0]
    return frozenset().union(*holding)
