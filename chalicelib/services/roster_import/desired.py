"""What the tables should hold for a roster: its rows with our ids, and the stints of each pair."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from chalicelib.db.ids import roster_id
from chalicelib.services.roster_import.problems import RowProblem
from chalicelib.services.roster_import.references import dates_of
from chalicelib.services.roster_import.roster import TEACHING_ROLES, Role, Roster, User
from chalicelib.services.roster_import.stints import Stint, merge

Row = dict[str, Any]
Pair = tuple[str, str]
"""The ids of (section, student), (section, staff member) or (student, guardian)."""

_ALWAYS = Stint(date.min, date.max)
"""OneRoster does not say since when somebody is a guardian."""

_LEADING_NUMBER = re.compile(r"[0-9]{1,4}(?![0-9])")


@dataclass(slots=True)
class Desired:
    """Rows by table and id, stints by table and pair."""

    things: dict[str, dict[str, Row]] = field(default_factory=lambda: defaultdict(dict))
    stints: dict[str, dict[Pair, list[Stint]]] = field(default_factory=lambda: defaultdict(dict))
    warnings: list[RowProblem] = field(default_factory=list)


def desired(tenant_id: str, roster: Roster, sequences: Mapping[str, int]) -> Desired:
    """What the tables should hold for a complete, checked `roster`.

    `sequences` are the places of the periods that are known already, by name, and hold for those without a number.
    """
    return _Builder(tenant_id, roster).build(sequences)


class _Builder:
    def __init__(self, tenant_id: str, roster: Roster) -> None:
        self._tenant = tenant_id
        self._roster = roster
        self._id = cache(lambda kind, source_id: roster_id(tenant_id, kind, source_id))
        self._schools = {org.source_id for org in roster.orgs.rows if org.kind == "school"}
        self._out = Desired()

    def build(self, sequences: Mapping[str, int]) -> Desired:
        for org in self._roster.orgs.rows:
            if org.kind == "school":
                self._add("school", org.source_id, name=org.name)
        for session in self._roster.sessions.rows:
            self._add(
                "academic_session", session.source_id, title=session.title, kind=session.kind,
                start_date=session.start.isoformat(), end_date=session.end.isoformat(),
                parent_id=self._id("academic_session", session.parent) if session.parent else None,
                school_year=session.school_year,
            )  # fmt: skip
        self._periods(sequences)
        self._sections()
        self._people()
        self._families()
        self._memberships()
        return self._out

    def _add(self, table: str, source_id: str, **columns: Any) -> None:
        key = self._id(table, source_id)
        row = {"tenant_id": self._tenant, "id": key, "source_id": source_id, **columns, "active": True}
        self._out.things[table][key] = row

    def _periods(self, sequences: Mapping[str, int]) -> None:
        names = dict.fromkeys(name for row in self._roster.classes.rows for name in row.periods)
        for place, name in enumerate(names, start=1):
            number = _LEADING_NUMBER.match(name)
            sequence = int(number[0]) if number else sequences.get(name, place)
            self._add("period", name, name=name, sequence=sequence)

    def _sections(self) -> None:
        titles = {course.source_id: course.title for course in self._roster.courses.rows}
        for row in self._roster.classes.rows:
            self._add(
                "section", row.source_id, school_id=self._id("school", row.school), name=row.title, code=row.code,
                kind=row.kind, course=titles.get(row.course or "", row.course_title),
                session_ids=[self._id("academic_session", term) for term in row.sessions],
                period_ids=[self._id("period", name) for name in row.periods],
            )  # fmt: skip

    def _people(self) -> None:
        roles: dict[Pair, Role] = {}
        for role in sorted(self._roster.roles.rows, key=lambda role: not role.primary):
            roles.setdefault((role.user, role.kind), role)  # the primary one, else the first of the file
        for user in self._roster.users.rows:
            for kind in ("student", "staff_member", "guardian"):
                if (user.source_id, kind) in roles:
                    self._person(user, roles[user.source_id, kind], kind)

    def _person(self, user: User, role: Role, kind: str) -> None:
        own: Row = {"given_name": user.given_name, "family_name": user.family_name}
        # A role that we held already knows the school of then; the user's row, if there is one, that of now.
        orgs = (role.org, user.school) if role.line else (user.school, role.org)
        school = next((org for org in orgs if org in self._schools), None)
        school_id = self._id("school", school) if school else None
        if kind == "student":
            own |= {"grade": user.grade, "school_id": school_id}
        elif kind == "staff_member":
            own |= {"email": user.email, "job": role.job, "school_id": school_id}
        else:
            own |= {"email": user.email, "phone": user.phone}
        self._add(kind, user.source_id, **own)

    def _families(self) -> None:
        """Sources name the guardians of a student, the students of a guardian, or both."""
        students, guardians = self._out.things["student"], self._out.things["guardian"]
        for user in self._roster.users.rows:
            for agent in user.agents:
                for child, grown in ((user.source_id, agent), (agent, user.source_id)):
                    pair = self._id("student", child), self._id("guardian", grown)
                    if pair[0] in students and pair[1] in guardians:
                        self._out.stints["guardianship"][pair] = [_ALWAYS]

    def _memberships(self) -> None:
        classes = {row.source_id: row for row in self._roster.classes.rows}
        sessions = {row.source_id: row for row in self._roster.sessions.rows}
        lines: dict[str, int] = {}
        found: dict[str, dict[Pair, list[Stint]]] = defaultdict(lambda: defaultdict(list))
        for row in self._roster.enrollments.rows:
            dates = dates_of(row, classes, sessions)
            if dates is None:
                raise LookupError(f"the enrolment {row.source_id} was not checked against its class")
            table, person = ("enrollment", "student") if row.role == "student" else ("teaching", "staff_member")
            pair = self._id("section", row.class_id), self._id(person, row.user)
            role = "" if row.role == "student" else TEACHING_ROLES[row.role]
            found[table][pair].append(Stint(*dates, row.source_id, role))
            lines[row.source_id] = row.line
        for table, pairs in found.items():
            for pair, stints in pairs.items():
                self._out.stints[table][pair] = self._merged(stints, lines)

    def _merged(self, stints: list[Stint], lines: Mapping[str, int]) -> list[Stint]:
        if len(stints) == 1:
            return stints
        merged, swallowed = merge(stints)
        for stint in swallowed:
            reason = f"{stint.source_id!r} overlaps another enrolment of the same person in the class; they are one."
            self._out.warnings.append(RowProblem("enrollments.csv", lines[stint.source_id], "beginDate", reason))
        return merged
