"""The made-up schools: complete, in session whenever they are looked at, the same every time, nobody real."""

from __future__ import annotations

import csv
import re
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from local.demo_school import BEARERS, DEMO, OTHER, School, SchoolYear, write_school
from local.demo_school.people import people

TODAY = date(2026, 2, 11)


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(params=[DEMO, OTHER], ids=["demo", "other"])
def school(request: pytest.FixtureRequest) -> School:
    assert isinstance(request.param, School)
    return request.param


def test_the_demo_school_is_as_large_as_it_is_said_to_be(tmp_path: Path) -> None:
    write_school(DEMO, tmp_path, TODAY)
    roles = Counter(row["role"] for row in rows(tmp_path, "roles"))
    kinds = Counter(row["classType"] for row in rows(tmp_path, "classes"))
    assert roles["student"] == DEMO.students == 600
    assert roles.total() - roles["student"] - roles["guardian"] == 40
    assert 600 < roles["guardian"] <= 1200
    assert kinds == {"homeroom": 24, "scheduled": 73}
    on = Counter(row["classSourcedId"] for row in rows(tmp_path, "enrollments") if row["role"] == "student")
    assert on["assembly"] == 600
    assert {on[row["sourcedId"]] for row in rows(tmp_path, "classes")} == {600, 25}


@pytest.mark.parametrize(
    "today",
    [date(2024, 2, 29), date(2026, 1, 1), date(2026, 3, 31), date(2026, 9, 30), date(2026, 11, 29), date(2026, 12, 31)],
)
def test_every_day_and_the_weeks_before_it_are_in_session(today: date) -> None:
    """The semesters meet without a gap and are the year together."""
    year = SchoolYear.around(today)
    (first, middle), (after, last) = year.semesters
    assert first == year.start <= today - timedelta(days=60)
    assert last == year.end >= today + timedelta(days=60)
    assert middle + timedelta(days=1) == after
    assert (year.start.day, (year.end + timedelta(days=1)).day) == (1, 1)
    assert 365 <= (year.end - year.start).days + 1 <= 366


def test_the_same_people_come_out_whenever_it_is_made(school: School, tmp_path: Path) -> None:
    """So that a token names somebody before the stack is started; only the year moves."""
    for name, today in (("one", TODAY), ("two", date(2031, 7, 1))):
        (tmp_path / name).mkdir()
        write_school(school, tmp_path / name, today)
    for path in (tmp_path / "one").iterdir():
        same = path.read_text() == (tmp_path / "two" / path.name).read_text()
        assert same is (path.name != "academicSessions.csv"), path.name


def test_the_bearers_of_tokens_are_people_of_each_school(school: School) -> None:
    roles = {person.id: person.role for person in people(school)}
    found = {role: roles.get(subject) for role, subject in BEARERS.items()}
    assert found == {
        "admin": "principal",
        "office": "siteAdministrator",
        "service": None,
        "teacher": "teacher",
        "staff": "counselor",
        "guardian": "guardian",
    }


def test_nobody_is_in_two_places_in_one_period(school: School, tmp_path: Path) -> None:
    write_school(school, tmp_path, TODAY)
    periods = {row["sourcedId"]: row["periods"].split(",") for row in rows(tmp_path, "classes") if row["periods"]}
    booked = Counter(
        (row["userSourcedId"], period)
        for row in rows(tmp_path, "enrollments")
        for period in periods.get(row["classSourcedId"], ())
    )
    assert set(booked.values()) == {1}
    students = {user for user, _ in booked if user.startswith("student")}
    assert {(user, f"{number}") for user in students for number in range(1, 7)} <= booked.keys()


def test_no_address_or_number_can_reach_anybody(school: School) -> None:
    """.example is no domain, and 555-0100 to 555-0199 belong to nobody. Everybody at home has both."""
    for person in people(school):
        assert not person.email or person.email.endswith(".example")
        assert not person.phone or re.fullmatch(r"\+1 \d{3} 555 01\d\d", person.phone)
        if person.role == "guardian":
            assert person.email
            assert person.phone
        if person.role == "student":
            assert 1 <= len(person.agents) <= 2
