"""A OneRoster bundle as plain values: its rows, and for each file what leaving a row out means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from chalicelib.services.roster_import.problems import RowProblem

GUARDIAN_ROLES = frozenset({"parent", "guardian", "relative"})
STAFF_ROLES = frozenset(
    {
        "administrator", "aide", "counselor", "districtAdministrator", "principal", "proctor", "siteAdministrator",
        "systemAdministrator", "teacher",
    }
)  # fmt: skip

TEACHING_ROLES = {
    "teacher": "teacher",
    "substitute": "substitute",
    "aide": "aide",
    "proctor": "aide",
    "administrator": "aide",
}
"""What a role in an enrolment means for a section; who neither teaches nor stands in gets the least of the three."""


class Mode(StrEnum):
    """How a file is to be read, as the manifest says."""

    BULK = "bulk"
    """All there is: what is not in the file has left."""
    DELTA = "delta"
    """What has changed since the last time."""
    ABSENT = "absent"
    """Not part of this exchange: nothing changes."""


class Sourced(Protocol):
    """A row with the source's id; `line` is 0 for one that came from the database."""

    @property
    def source_id(self) -> str: ...
    @property
    def line(self) -> int: ...


R = TypeVar("R", bound=Sourced)


@dataclass(frozen=True, slots=True)
class Sheet(Generic[R]):
    """The rows of one file. `gone` are ids marked `tobedeleted`; `held` are ids of bad rows: what we have stays."""

    mode: Mode = Mode.ABSENT
    rows: tuple[R, ...] = ()
    gone: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()

    @property
    def complete(self) -> bool:
        """Whether what is not in `rows` does not exist."""
        return self.mode is Mode.BULK

    def over(self, current: Iterable[R]) -> Sheet[R]:
        """The complete list that results from laying this sheet over the `current` rows."""
        replaced = self.gone | {row.source_id for row in self.rows}
        kept = [
            row
            for row in current
            if row.source_id not in replaced and (self.mode is not Mode.BULK or row.source_id in self.held)
        ]
        return Sheet(Mode.BULK, (*kept, *self.rows))


@dataclass(frozen=True, slots=True)
class Org:
    """A school or something above it."""

    source_id: str
    name: str
    kind: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Session:
    """A term, semester or school year; `end` is its last day, included."""

    source_id: str
    title: str
    kind: str
    start: date
    end: date
    parent: str | None
    school_year: str | None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Course:
    """A course, of which only the title is used."""

    source_id: str
    title: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Class:
    """A class, which we call a section. `course_title` is set when the course itself is not at hand."""

    source_id: str
    title: str
    code: str | None
    kind: str
    school: str
    sessions: tuple[str, ...]
    periods: tuple[str, ...]
    course: str | None
    course_title: str | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class User:
    """A person; `agents` are the users linked to them, children or guardians."""

    source_id: str
    given_name: str
    family_name: str
    email: str | None
    phone: str | None
    grade: str | None
    school: str | None
    agents: tuple[str, ...]
    line: int = 0


@dataclass(frozen=True, slots=True)
class Role:
    """What a user is: `job` is the standard's word."""

    source_id: str
    user: str
    job: str
    org: str | None
    primary: bool
    line: int = 0

    @property
    def kind(self) -> str:
        """The table that holds such a person."""
        if self.job in GUARDIAN_ROLES:
            return "guardian"
        return "student" if self.job == "student" else "staff_member"


@dataclass(frozen=True, slots=True)
class Enrollment:
    """A user in a class, learning or teaching; `end` is the last day, included; no date means that of the terms."""

    source_id: str
    class_id: str
    user: str
    role: str
    begin: date | None
    end: date | None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Roster:
    """A bundle that has been read. `problems` are the rows left out, `warnings` what was made sense of."""

    orgs: Sheet[Org] = field(default_factory=Sheet)
    sessions: Sheet[Session] = field(default_factory=Sheet)
    courses: Sheet[Course] = field(default_factory=Sheet)
    classes: Sheet[Class] = field(default_factory=Sheet)
    users: Sheet[User] = field(default_factory=Sheet)
    roles: Sheet[Role] = field(default_factory=Sheet)
    enrollments: Sheet[Enrollment] = field(default_factory=Sheet)
    ended_roles: tuple[Role, ...] = ()
    problems: tuple[RowProblem, ...] = ()
    warnings: tuple[RowProblem, ...] = ()
