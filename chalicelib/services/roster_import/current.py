"""What the database holds now, read back as the bundle that would lead to it: what a delta is laid over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

from chalicelib.db.roster_writer import State, read_range
from chalicelib.services.roster_import.roster import (
    Class,
    Enrollment,
    Mode,
    Org,
    R,
    Role,
    Roster,
    Session,
    Sheet,
    User,
)
from chalicelib.services.roster_import.stints import last_day


def as_roster(state: State, today: date) -> Roster:
    """What is active in `state`, and the stints that are not over `today`, as rows with line 0."""
    names = {row["id"]: row["source_id"] for table in state.things.values() for row in table.values()}
    agents: dict[str, list[str]] = defaultdict(list)
    for row in state.ranges["guardianship"]:
        if read_range(row["valid"])[1] > today:
            agents[names[row["student_id"]]].append(names[row["guardian_id"]])
    users: dict[str, User] = {}
    roles: list[Role] = []
    for kind in ("guardian", "staff_member", "student"):
        for row in _active(state, kind):
            users[row["source_id"]] = _user(row, tuple(agents[row["source_id"]]), users)
            job = row["job"] if kind == "staff_member" else kind
            school = names.get(row.get("school_id", ""))
            roles.append(Role("", row["source_id"], job, school, primary=True))
    return Roster(
        orgs=_sheet(Org(row["source_id"], row["name"], "school") for row in _active(state, "school")),
        sessions=_sheet(_session(row, names) for row in _active(state, "academic_session")),
        classes=_sheet(_class(row, names) for row in _active(state, "section")),
        users=_sheet(users.values()),
        roles=_sheet(roles),
        enrollments=_sheet(
            [
                *_enrollments(state, "enrollment", "student_id", names, today),
                *_enrollments(state, "teaching", "staff_id", names, today),
            ]
        ),
    )


def lay_over(bundle: Roster, current: Roster) -> Roster:
    """The complete roster that results from `bundle`: each of its files laid over `current` in its mode."""
    return replace(
        bundle,
        orgs=bundle.orgs.over(current.orgs.rows),
        sessions=bundle.sessions.over(current.sessions.rows),
        classes=_with_course_titles(bundle, current).over(current.classes.rows),
        users=bundle.users.over(current.users.rows),
        roles=_roles(bundle, current),
        enrollments=bundle.enrollments.over(current.enrollments.rows),
    )


def _active(state: State, table: str) -> list[dict[str, Any]]:
    return [row for row in state.things[table].values() if row["active"]]


def _user(row: dict[str, Any], agents: tuple[str, ...], known: dict[str, User]) -> User:
    """A person; one who is in two tables keeps what the first one told."""
    other = known.get(row["source_id"])
    return User(
        row["source_id"],
        row["given_name"],
        row["family_name"],
        row.get("email") or (other.email if other else None),
        row.get("phone") or (other.phone if other else None),
        row.get("grade"),
        None,  # each of the roles has its own
        agents,
    )


def _session(row: dict[str, Any], names: dict[str, str]) -> Session:
    return Session(
        row["source_id"],
        row["title"],
        row["kind"],
        date.fromisoformat(row["start_date"]),
        date.fromisoformat(row["end_date"]),
        names.get(row["parent_id"]),
        row["school_year"],
    )


def _class(row: dict[str, Any], names: dict[str, str]) -> Class:
    return Class(
        row["source_id"],
        row["name"],
        row["code"],
        row["kind"],
        names[row["school_id"]],
        tuple(names[key] for key in row["session_ids"] if key in names),
        tuple(names[key] for key in row["period_ids"] if key in names),
        course=None,
        course_title=row["course"],
    )


def _enrollments(state: State, table: str, person: str, names: dict[str, str], today: date) -> Iterator[Enrollment]:
    for row in state.ranges[table]:
        begin, end = read_range(row["valid"])
        if end > today:
            role = row.get("role", "student")
            section, user = names[row["section_id"]], names[row[person]]
            yield Enrollment(row["source_id"], section, user, role, begin, last_day(end))


def _sheet(rows: Iterable[R]) -> Sheet[R]:
    return Sheet(Mode.BULK, tuple(rows))


def _with_course_titles(bundle: Roster, current: Roster) -> Sheet[Class]:
    """The bundle's classes; the title of a course that is not in the bundle is the one that the class has now."""
    titles = {row.source_id: row.course_title for row in current.classes.rows}
    courses = {row.source_id for row in bundle.courses.rows}
    rows = tuple(
        replace(row, course_title=titles.get(row.source_id)) if row.course and row.course not in courses else row
        for row in bundle.classes.rows
    )
    return replace(bundle.classes, rows=rows)


def _roles(bundle: Roster, current: Roster) -> Sheet[Role]:
    """Roles have no ids here, and a person one of each kind: that is what a bundle's row replaces or ends."""
    sheet = bundle.roles
    told = {(role.user, role.kind) for role in sheet.rows}
    kept = [
        role
        for role in current.roles.rows
        if (role.user, role.kind) not in told
        and (sheet.mode is not Mode.BULK or role.user in sheet.held)
        and not any(_ends(ended, role) for ended in bundle.ended_roles)
    ]
    return Sheet(Mode.BULK, (*kept, *sheet.rows))


def _ends(ended: Role, role: Role) -> bool:
    """Whether the end of one role ends this one: somebody may have the same at another school, or another job here."""
    same_job = ended.job == role.job or ended.kind == role.kind == "guardian"
    return ended.user == role.user and same_job and (role.org is None or ended.org in {None, role.org})
