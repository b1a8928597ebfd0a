"""The shape of the made-up schools: how many of what, which school year, and whom a token of each role names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Self

from chalicelib.domain.attendance import Role

COURSES = (("Mathematics", "1,4"), ("English", "2,5"), ("Science", "3,6"))
"""Each group of students has each course, in two periods of the day."""


@dataclass(frozen=True, slots=True)
class School:
    """One school. A group of `size` students is a homeroom, and takes its courses together."""

    name: str
    seed: int
    grades: tuple[str, ...]
    forms: str
    size: int
    offices: int
    counselors: int
    aides: int

    @property
    def groups(self) -> list[str]:
        """The names of the groups, such as `07-A`."""
        return [f"{grade}-{form}" for grade in self.grades for form in self.forms]

    @property
    def students(self) -> int:
        """How many students there are."""
        return len(self.groups) * self.size


DEMO = School("Riverside School", 7, ("07", "08", "09", "10", "11", "12"), "ABCD", 25, 3, 4, 8)
"""600 students in 24 homerooms, 97 sections, 40 staff."""

OTHER = School("Hilltop School", 11, ("01", "02", "03"), "A", 20, 1, 1, 1)
"""60 students in 3 homerooms: somebody else, whose data nobody at Riverside may see."""

SCHOOLS: Mapping[str, School] = MappingProxyType({"demo": DEMO, "other": OTHER})
"""The schools by the names of their tenants."""

BEARERS: Mapping[str, str] = MappingProxyType(
    {
        Role.ADMIN: "principal",
        Role.OFFICE: "office-1",
        Role.SERVICE: "student-information-system",
        Role.TEACHER: "teacher-01",
        Role.STAFF: "counselor-1",
        Role.GUARDIAN: "guardian-0001-1",
    }
)
"""The `sub` of a token by its role: source ids of people who are in every made-up school (a service is nobody)."""


@dataclass(frozen=True, slots=True)
class SchoolYear:
    """Twelve months in two semesters without a gap; `end` is the last day."""

    start: date
    second_half: date
    end: date

    @classmethod
    def around(cls, today: date) -> Self:
        """The year that began three months ago, so that `today` and the weeks before it are in session."""
        return cls(_month(today, -3), _month(today, 3), _month(today, 9) - timedelta(days=1))

    @property
    def semesters(self) -> tuple[tuple[date, date], tuple[date, date]]:
        """The first and last day of each semester."""
        return (self.start, self.second_half - timedelta(days=1)), (self.second_half, self.end)


def _month(day: date, later: int) -> date:
    """The first of the month that is `later` months after the month of `day`."""
    year, month = divmod(day.year * 12 + day.month - 1 + later, 12)
    return date(year, month + 1, 1)
