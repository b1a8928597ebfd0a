"""Write a made-up school as a OneRoster 1.2 folder of CSV files."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path

from local.demo_school.people import Person, people
from local.demo_school.plan import COURSES, School, SchoolYear

Line = Sequence[str]

_SCHOOL = "school"
_YEAR = "school-year"
_ASSEMBLY = "assembly"


def write_school(school: School, folder: Path, today: date) -> None:
    """Fill the folder with a bundle whose school year holds `today`. The ids in it are always the same."""
    everybody = list(people(school))
    _write(folder, "orgs", "sourcedId,name,type,parentSourcedId", _orgs(school))
    _write(
        folder,
        "academicSessions",
        "sourcedId,title,type,startDate,endDate,parentSourcedId,schoolYear",
        _sessions(SchoolYear.around(today)),
    )
    _write(folder, "courses", "sourcedId,title", ((_slug(title), title) for title, _ in COURSES))
    _write(
        folder,
        "classes",
        "sourcedId,title,classCode,classType,courseSourcedId,schoolSourcedId,termSourcedIds,periods",
        _classes(school),
    )
    _write(
        folder,
        "users",
        "sourcedId,givenName,familyName,email,phone,grades,primaryOrgSourcedId,agentSourcedIds",
        (_user(person) for person in everybody),
    )
    _write(
        folder,
        "roles",
        "sourcedId,userSourcedId,roleType,role,orgSourcedId",
        ((f"role-{person.id}", person.id, "primary", person.role, _SCHOOL) for person in everybody),
    )
    # Blank dates: whoever belongs to a class belongs to it for the whole of its terms.
    _write(folder, "enrollments", "sourcedId,classSourcedId,userSourcedId,role,beginDate,endDate", _enrollments(school))
    files = ("orgs", "academicSessions", "courses", "classes", "users", "roles", "enrollments")
    modes = [(f"file.{name}", "bulk") for name in files]
    _write(
        folder, "manifest", "propertyName,value", [("manifest.version", "1.0"), ("oneroster.version", "1.2"), *modes]
    )


def _orgs(school: School) -> Iterator[Line]:
    yield "district", f"{school.name.removesuffix(' School')} District", "district", ""
    yield _SCHOOL, school.name, "school", "district"


def _sessions(year: SchoolYear) -> Iterator[Line]:
    name = f"{year.start.year}-{year.end.year}"
    yield _YEAR, name, "schoolYear", f"{year.start}", f"{year.end}", "", f"{year.end.year}"
    for number, (first, last) in enumerate(year.semesters, start=1):
        title = f"{name} semester {number}"
        yield f"semester-{number}", title, "semester", f"{first}", f"{last}", _YEAR, f"{year.end.year}"


def _classes(school: School) -> Iterator[Line]:
    yield _ASSEMBLY, "Assembly", "ASM", "scheduled", "", _SCHOOL, _YEAR, ""
    for group in school.groups:
        yield f"homeroom-{group}", f"Homeroom {group}", f"HR-{group}", "homeroom", "", _SCHOOL, _YEAR, ""
        for title, periods in COURSES:
            slug = _slug(title)
            code = f"{title[:3].upper()}-{group}"
            yield f"{slug}-{group}", f"{title} {group}", code, "scheduled", slug, _SCHOOL, _YEAR, periods


def _user(person: Person) -> Line:
    agents = ",".join(person.agents)
    contact = (person.email, person.phone, person.grade)
    return person.id, person.given_name, person.family_name, *contact, _SCHOOL, agents


def _enrollments(school: School) -> Iterator[Line]:
    """Each group meets a teacher in its homeroom and another one in each course, never two groups one at a time."""
    groups = school.groups
    yield _enrollment(_ASSEMBLY, "principal", "teacher")
    for place, group in enumerate(groups):
        meetings = [f"homeroom-{group}", *(f"{_slug(title)}-{group}" for title, _ in COURSES)]
        for turn, meeting in enumerate(meetings):
            shift = max(0, turn - 1) * len(groups) // len(COURSES)
            yield _enrollment(meeting, f"teacher-{(place + shift) % len(groups) + 1:02}", "teacher")
        if place < school.aides:
            yield _enrollment(meetings[0], f"aide-{place + 1}", "aide")
        for number in range(place * school.size + 1, (place + 1) * school.size + 1):
            for meeting in (_ASSEMBLY, *meetings):
                yield _enrollment(meeting, f"student-{number:04}", "student")


def _enrollment(meeting: str, person: str, role: str) -> Line:
    return f"{meeting}-{person}", meeting, person, role, "", ""


def _slug(title: str) -> str:
    return title.lower()


def _write(folder: Path, name: str, header: str, lines: Iterable[Line]) -> None:
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(header.split(","))
        out.writerows(lines)
