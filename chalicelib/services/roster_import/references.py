"""Check what rows say of each other: a row that names a thing which is not there is a problem, and left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date

from chalicelib.services.roster_import.problems import RowProblem
from chalicelib.services.roster_import.roster import Class, Enrollment, R, Role, Roster, Session, Sheet, User
from chalicelib.services.roster_import.stints import day_after

Reason = tuple[str, str]
"""A column and what is wrong with it."""


def check(roster: Roster, current: Roster | None = None) -> Roster:
    """`roster` without the rows that name what is not there; their problems are added to it.

    Into a sheet that is not complete everything may be named. A row that is left out falls back to what `current`
    has under its id, so that a mistake in the source makes nobody leave.
    """
    return _Check(roster, current or Roster()).run()


class _Check:
    def __init__(self, roster: Roster, current: Roster) -> None:
        self._roster = roster
        self._current = current
        self._problems = list(roster.problems)
        self._warnings = list(roster.warnings)
        self._schools = _ids(roster.orgs, (org.source_id for org in roster.orgs.rows if org.kind == "school"))
        self._sessions = {row.source_id: row for row in roster.sessions.rows}
        self._session_ids = _ids(roster.sessions)
        self._courses = _ids(roster.courses)
        self._user_ids = _ids(roster.users)
        self._classes: dict[str, Class] = {}
        self._class_ids: frozenset[str] | None = None
        self._kinds: dict[str, set[str]] = defaultdict(set)

    def run(self) -> Roster:
        roster, current = self._roster, self._current
        sessions = replace(roster.sessions, rows=tuple(self._parented(row) for row in roster.sessions.rows))
        classes = self._sound("classes.csv", roster.classes, current.classes, self._class)
        self._classes = {row.source_id: row for row in classes.rows}
        self._class_ids = _ids(classes)
        roles = self._roles()
        for role in roles.rows:
            self._kinds[role.user].add(role.kind)
        users = replace(roster.users, rows=tuple(self._linked(row) for row in roster.users.rows))
        enrollments = self._sound("enrollments.csv", roster.enrollments, current.enrollments, self._enrollment)
        return replace(
            roster, sessions=sessions, classes=classes, roles=roles, users=users, enrollments=enrollments,
            problems=tuple(self._problems), warnings=tuple(self._warnings),
        )  # fmt: skip

    def _sound(self, file: str, sheet: Sheet[R], current: Sheet[R], judge: Callable[[R], Reason | None]) -> Sheet[R]:
        """The rows that pass; for those that do not, what we have already."""
        before: dict[str, list[R]] = defaultdict(list)
        for row in current.rows:
            before[row.source_id].append(row)
        kept: list[R] = []
        held: set[str] = set()
        for row in sheet.rows:
            reason = judge(row)
            if reason is None:
                kept.append(row)
            elif row.line:
                self._problems.append(RowProblem(file, row.line, *reason))
                held.add(row.source_id)
                kept += [old for old in before[row.source_id] if judge(old) is None]
        return replace(sheet, rows=tuple(kept), held=sheet.held | held)

    def _parented(self, session: Session) -> Session:
        if session.parent is None or self._session_ids is None or session.parent in self._session_ids:
            return session
        if session.line:
            self._warn("academicSessions.csv", session.line, "parentSourcedId", f"{session.parent!r} is unknown.")
        return replace(session, parent=None)

    def _class(self, row: Class) -> Reason | None:
        if _unknown(row.school, self._schools):
            return "schoolSourcedId", f"the school {row.school!r} is unknown."
        for term in row.sessions:
            if _unknown(term, self._session_ids):
                return "termSourcedIds", f"the academic session {term!r} is unknown."
        if row.course is not None and _unknown(row.course, self._courses):
            return "courseSourcedId", f"the course {row.course!r} is unknown."
        return None

    def _roles(self) -> Sheet[Role]:
        sheet = self._roster.roles
        kept = []
        for role in sheet.rows:
            if not _unknown(role.user, self._user_ids):
                kept.append(role)
            elif role.line and role.source_id != role.user:
                self._problems.append(
                    RowProblem("roles.csv", role.line, "userSourcedId", f"the user {role.user!r} is unknown.")
                )
        return replace(sheet, rows=tuple(kept))

    def _linked(self, user: User) -> User:
        """The user without agents that are not there: a child whose contact is unknown still comes to school."""
        known = tuple(agent for agent in user.agents if not _unknown(agent, self._user_ids))
        if user.line:
            for agent in user.agents:
                if agent not in known:
                    self._problems.append(
                        RowProblem("users.csv", user.line, "agentSourcedIds", f"the user {agent!r} is unknown.")
                    )
            if self._roster.roles.complete and user.source_id not in self._roster.roles.held:
                self._warn_of_roles(user, known)
        return user if known == user.agents else replace(user, agents=known)

    def _warn_of_roles(self, user: User, agents: Iterable[str]) -> None:
        mine = self._kinds[user.source_id]
        if not mine:
            self._warn("users.csv", user.line, "sourcedId", f"{user.source_id!r} has no role and is left out.")
        for agent in agents:
            theirs = self._kinds[agent]
            family = ("student" in mine and "guardian" in theirs) or ("guardian" in mine and "student" in theirs)
            if not family and self._roster.users.complete and agent not in self._roster.roles.held:
                reason = f"{agent!r} is not the guardian or child of {user.source_id!r} by role; no link is made."
                self._warn("users.csv", user.line, "agentSourcedIds", reason)

    def _enrollment(self, row: Enrollment) -> Reason | None:
        if _unknown(row.class_id, self._class_ids):
            return "classSourcedId", f"the class {row.class_id!r} is unknown."
        if _unknown(row.user, self._user_ids):
            return "userSourcedId", f"the user {row.user!r} is unknown."
        kind = "student" if row.role == "student" else "staff_member"
        roles = self._roster.roles
        if roles.complete and row.user not in roles.held and kind not in self._kinds[row.user]:
            wanted = "a student" if kind == "student" else "a member of staff"
            return "userSourcedId", f"the user {row.user!r} is not {wanted} by role."
        span = dates_of(row, self._classes, self._sessions)
        if span is not None and span[0] >= span[1]:
            return "endDate", "the enrolment ends before it begins."
        return None

    def _warn(self, file: str, line: int, column: str, reason: str) -> None:
        self._warnings.append(RowProblem(file, line, column, reason))


def dates_of(
    row: Enrollment, classes: Mapping[str, Class], sessions: Mapping[str, Session]
) -> tuple[date, date] | None:
    """The begin and the end (not included) of an enrolment; a blank date is that of the terms of the class.

    None when the class or a term is not at hand.
    """
    begin, end = row.begin, row.end
    if begin is None or end is None:
        terms = classes[row.class_id].sessions if row.class_id in classes else ()
        if not terms or any(term not in sessions for term in terms):
            return None
        begin = begin or min(sessions[term].start for term in terms)
        end = end or max(sessions[term].end for term in terms)
    return begin, day_after(end)


def _ids(sheet: Sheet[R], ids: Iterable[str] | None = None) -> frozenset[str] | None:
    """The ids that may be named, None for any. A bad row may still be there from an earlier import."""
    if not sheet.complete:
        return None
    return frozenset(ids if ids is not None else (row.source_id for row in sheet.rows)) | sheet.held


def _unknown(name: str, ids: frozenset[str] | None) -> bool:
    return ids is not None and name not in ids
