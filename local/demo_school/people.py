"""The people of a made-up school: names by Faker from a fixed seed, addresses and numbers that can reach nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from faker import Generator
from faker.providers.person.en_US import Provider

from local.demo_school.plan import School

_POOL = 200
"""Names of each sort that Faker makes; people share them, since Faker is slow and so are real names few."""

_SECOND_GUARDIAN = 0.6
_AREA_CODES = ("201", "312", "415", "512", "617", "702", "808", "907", "303", "404")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at the school; `role` is a word of OneRoster, `agents` are the ids of the guardians."""

    id: str
    given_name: str
    family_name: str
    role: str
    email: str = ""
    phone: str = ""
    grade: str = ""
    agents: tuple[str, ...] = ()


def people(school: School) -> Iterator[Person]:
    """Everybody: staff, then each student with the guardians before it."""
    make = Generator()
    make.seed_instance(school.seed)
    names = Provider(make)
    given = [names.first_name() for _ in range(_POOL)]
    family = [names.last_name() for _ in range(_POOL)]
    yield from _staff(school, make, given, family)
    grades = [grade for grade in school.grades for _ in range(len(school.forms) * school.size)]
    calls = 0
    for number, grade in enumerate(grades, start=1):
        name = make.random.choice(family)
        guardians = []
        for place in range(1, 3 if make.random.random() < _SECOND_GUARDIAN else 2):
            own = name if place == 1 else make.random.choice(family)
            guardians.append(_guardian(f"guardian-{number:04}-{place}", make.random.choice(given), own, calls))
            calls += 1
        yield from guardians
        agents = tuple(guardian.id for guardian in guardians)
        yield Person(f"student-{number:04}", make.random.choice(given), name, "student", grade=grade, agents=agents)


def _staff(school: School, make: Generator, given: list[str], family: list[str]) -> Iterator[Person]:
    jobs = [("principal", "principal")]
    jobs += [(f"teacher-{place:02}", "teacher") for place in range(1, len(school.groups) + 1)]
    jobs += [(f"office-{place}", "siteAdministrator") for place in range(1, school.offices + 1)]
    jobs += [(f"counselor-{place}", "counselor") for place in range(1, school.counselors + 1)]
    jobs += [(f"aide-{place}", "aide") for place in range(1, school.aides + 1)]
    for key, job in jobs:
        yield Person(key, make.random.choice(given), make.random.choice(family), job, f"{key}@school.example")


def _guardian(key: str, given: str, family: str, number: int) -> Person:
    # 555-0100 to 555-0199 are set aside for fiction in every area.
    area = _AREA_CODES[number // 100 % len(_AREA_CODES)]
    return Person(key, given, family, "guardian", f"{key}@families.example", f"+1 {area} 555 01{number % 100:02}")
