"""One function a file of the standard: a row of cells to a value. What is wrong is noted in the row, never raised."""

from __future__ import annotations

from datetime import date

from chalicelib.services.roster_import.roster import (
    GUARDIAN_ROLES,
    STAFF_ROLES,
    TEACHING_ROLES,
    Class,
    Course,
    Enrollment,
    Org,
    Role,
    Session,
    User,
)
from chalicelib.services.roster_import.sheet import Row

_JOBS = {job.lower(): job for job in (*STAFF_ROLES, *GUARDIAN_ROLES, "student")}
_YEARS = range(1900, 2200)
_LONGEST_SESSION_DAYS = 3660
"""Ten years. A mistyped century would have Postgres make a partition for each of its months."""


def org(row: Row) -> Org:
    """A row of orgs.csv."""
    return Org(row.id("sourcedId"), row.text("name"), row.text("type").lower(), row.line)


def session(row: Row) -> Session:
    """A row of academicSessions.csv."""
    start, end = row.day("startDate"), row.day("endDate")
    if not row.problems:
        if end < start:
            row.problem("endDate", "is before startDate.")
        elif start.year not in _YEARS or (end - start).days > _LONGEST_SESSION_DAYS:
            row.problem("startDate", "a session lies between 1900 and 2199 and lasts ten years at most.")
    return Session(
        row.id("sourcedId"),
        row.text("title"),
        row.text("type"),
        start,
        end,
        row.optional("parentSourcedId"),
        row.optional("schoolYear"),
        row.line,
    )


def course(row: Row) -> Course:
    """A row of courses.csv."""
    return Course(row.id("sourcedId"), row.text("title"), row.line)


def school_class(row: Row) -> Class:
    """A row of classes.csv."""
    kind = row.text("classType").lower()
    if kind.startswith("ext:"):  # an extension of the standard's vocabulary; it meets like any other class
        kind = "scheduled"
    if kind and kind not in {"homeroom", "scheduled"}:
        row.problem("classType", f"{kind!r} is not homeroom or scheduled.")
    terms = row.items("termSourcedIds")
    if not terms:
        row.problem("termSourcedIds", "must not be blank.")
    return Class(
        row.id("sourcedId"),
        row.text("title"),
        row.optional("classCode"),
        kind,
        row.id("schoolSourcedId"),
        terms,
        row.items("periods"),
        row.optional("courseSourcedId"),
        line=row.line,
    )


def user(row: Row) -> User:
    """A row of users.csv."""
    return User(
        row.id("sourcedId"),
        row.text("givenName"),
        row.text("familyName"),
        row.optional("email"),
        row.optional("sms") or row.optional("phone"),
        row.optional("grades"),
        row.optional("primaryOrgSourcedId"),
        row.items("agentSourcedIds"),
        row.line,
    )


def role(row: Row) -> Role:
    """A row of roles.csv."""
    primary = (row.optional("roleType") or "").lower() == "primary"
    return Role(
        row.id("sourcedId"), row.id("userSourcedId"), _job(row), row.optional("orgSourcedId"), primary, row.line
    )


def role_of_user(row: Row) -> Role:
    """The role in a row of users.csv, as it was before version 1.2."""
    key = row.id("sourcedId")
    return Role(key, key, _job(row), None, primary=True, line=row.line)


def enrollment(row: Row) -> Enrollment:
    """A row of enrollments.csv."""
    word = row.text("role").lower()
    if word and word != "student" and word not in TEACHING_ROLES:
        row.problem("role", f"{word!r} is no role in a class.")
    begin, end = row.optional_day("beginDate"), row.optional_day("endDate")
    if begin is not None and begin == date.max:
        row.problem("beginDate", "lies beyond the calendar.")
    return Enrollment(
        row.id("sourcedId"),
        row.id("classSourcedId"),
        row.id("userSourcedId"),
        word,
        begin,
        end,
        row.line,
    )


def _job(row: Row) -> str:
    word = row.text("role")
    if word and word.lower() not in _JOBS:
        row.problem("role", f"{word!r} is no role of the standard.")
    return _JOBS.get(word.lower(), "")
