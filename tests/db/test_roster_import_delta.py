"""A delta says what has changed: its rows are laid over what is there, and nothing else is closed."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from chalicelib.db.ids import roster_id
from chalicelib.db.session import Database
from chalicelib.services.roster_import import ImportRefused
from tests.db.test_roster_import import TERM, TODAY, YEAR, School, totals
from tests.oneroster import enrolled, row, small_school

GONE = {"status": "tobedeleted"}


@pytest.fixture
def school(database: Database, tenant: str, tmp_path: Path) -> School:
    """A school whose first bundle has been imported."""
    numbers = count()
    made = School(database, tenant, lambda: tmp_path / str(next(numbers)))
    made.bring(small_school(), strict=True)
    return made


def test_a_delta_without_rows_changes_nothing(school: School) -> None:
    report = school.bring({file: [] for file in small_school()}, mode="delta")
    assert totals(report) == (0, 0, 0)
    assert not report.changed


def test_absent_files_change_nothing(school: School) -> None:
    report = school.bring(small_school(), mode="absent")
    assert not report.changed


def test_a_changed_user_is_updated_and_nobody_leaves(school: School) -> None:
    bob = {**row(small_school(), "users", "bob"), "familyName": "Bellamy", "status": "active"}
    report = school.bring({"users": [bob]}, mode="delta")
    assert totals(report) == (0, 1, 0)
    assert school.one("student", "bob")["family_name"] == "Bellamy"
    assert school.active("student") == {"ann", "bob"}


def test_a_user_who_is_deleted_leaves_with_all_that_hangs_on_them(school: School) -> None:
    report = school.bring({"users": [{"sourcedId": "ann", **GONE}]}, mode="delta", strict=True)
    assert school.active("student") == {"bob"}
    assert school.ranges("enrollment", "home", "ann") == [(YEAR[0], TODAY.isoformat())]
    assert school.ranges("guardianship", "ann", "max") == [(None, TODAY.isoformat())]
    assert totals(report) == (0, 0, 5)


def test_a_deleted_enrolment_is_closed(school: School) -> None:
    report = school.bring({"enrollments": [{"sourcedId": "e3", **GONE}]}, mode="delta", strict=True)
    assert totals(report) == (0, 0, 1)
    assert school.ranges("enrollment", "art", "ann") == [(TERM[0], TODAY.isoformat())]


def test_a_deleted_class_closes_its_enrolments(school: School) -> None:
    school.bring({"classes": [{"sourcedId": "art", **GONE}]}, mode="delta", strict=True)
    assert school.active("section") == {"home"}
    assert school.ranges("teaching", "art", "eve") == [(TERM[0], TODAY.isoformat())]
    assert school.ranges("teaching", "home", "eve") == [YEAR]


def test_new_rows_may_name_what_is_only_in_the_database(school: School) -> None:
    new = {
        "users": [{"sourcedId": "cat", "givenName": "Cat", "familyName": "Cole", "agentSourcedIds": "max"}],
        "roles": [{"sourcedId": "r", "userSourcedId": "cat", "role": "student", "orgSourcedId": "s1"}],
        "enrollments": [
            enrolled("e9", "art", "cat", "student"),
            enrolled("e10", "home", "bob", "student", "2026-10-01"),
        ],
    }
    report = school.bring(new, mode="delta", strict=True)
    assert totals(report) == (3, 0, 0)
    assert school.ranges("enrollment", "art", "cat") == [TERM]
    assert school.ranges("guardianship", "cat", "max") == [(None, None)]


def test_an_orphan_is_found_in_the_database_too(school: School) -> None:
    report = school.bring({"enrollments": [enrolled("e9", "none", "ann", "student")]}, mode="delta")
    assert [(one.file, one.line, one.column) for one in report.problems] == [("enrollments.csv", 2, "classSourcedId")]
    assert not report.changed


def test_a_changed_date_of_an_enrolment_changes_its_range(school: School) -> None:
    ended = enrolled("e1", "home", "ann", "student", "2026-08-24", "2026-11-30")
    assert totals(school.bring({"enrollments": [ended]}, mode="delta", strict=True)) == (0, 1, 0)
    assert school.ranges("enrollment", "home", "ann") == [("2026-08-24", "2026-12-01")]


def test_who_becomes_something_else_as_well_keeps_what_they_were(school: School) -> None:
    role = {"sourcedId": "r", "userSourcedId": "max", "role": "counselor", "orgSourcedId": "s1"}
    school.bring({"roles": [role]}, mode="delta", strict=True)
    assert school.active("guardian") == {"eve", "max"}
    assert school.one("staff_member", "max")["job"] == "counselor"
    assert school.one("staff_member", "max")["given_name"] == "Max"


def test_a_deleted_role_ends_that_role_and_no_other(school: School) -> None:
    role = {"sourcedId": "eve-parent", "userSourcedId": "eve", "role": "parent", "orgSourcedId": "s1", **GONE}
    school.bring({"roles": [role]}, mode="delta", strict=True)
    assert school.active("guardian") == {"max"}
    assert school.active("staff_member") == {"eve", "ida"}
    assert school.ranges("guardianship", "ann", "eve") == [(None, TODAY.isoformat())]


def test_a_role_that_ends_at_another_school_does_not_end_the_one_here(school: School) -> None:
    role = {"sourcedId": "x", "userSourcedId": "eve", "role": "teacher", "orgSourcedId": "s2", **GONE}
    assert not school.bring({"roles": [role]}, mode="delta", strict=True).changed


def test_a_guardian_taken_off_a_student_is_unlinked(school: School) -> None:
    ann = {**row(small_school(), "users", "ann"), "agentSourcedIds": "max"}
    assert totals(school.bring({"users": [ann]}, mode="delta", strict=True)) == (0, 0, 1)
    assert school.ranges("guardianship", "ann", "eve") == [(None, TODAY.isoformat())]


def test_a_class_keeps_its_course_when_courses_are_not_sent(school: School) -> None:
    art = {**row(small_school(), "classes", "art"), "title": "Art in spring", "termSourcedIds": "year"}
    report = school.bring({"classes": [art]}, mode="delta", strict=True)
    assert school.one("section", "art")["name"] == "Art in spring"
    assert school.one("section", "art")["course"] == "Art"
    assert totals(report) == (0, 1, 0)


def test_a_period_that_is_known_keeps_its_place(school: School) -> None:
    art = {**row(small_school(), "classes", "art"), "periods": "Evening,2 - Morning,Noon"}
    school.bring({"classes": [art]}, mode="delta", strict=True)
    assert school.one("period", "Noon")["sequence"] == 2
    assert school.active("period") == {"Evening", "2 - Morning", "Noon"}


def test_a_class_whose_new_row_is_an_orphan_stays_as_it_is(school: School) -> None:
    art = {**row(small_school(), "classes", "art"), "title": "Lost", "schoolSourcedId": "s9"}
    report = school.bring({"classes": [art]}, mode="delta")
    assert [(one.file, one.line, one.column) for one in report.problems] == [("classes.csv", 2, "schoolSourcedId")]
    assert not report.changed


def test_strict_refuses_an_orphan_that_only_the_database_can_tell(school: School) -> None:
    before = school.revision
    with pytest.raises(ImportRefused, match="class 'none' is unknown"):
        school.bring({"enrollments": [enrolled("e9", "none", "ann", "student")]}, mode="delta", strict=True)
    assert school.revision == before


def test_what_is_over_stays_over_whatever_else_is_sent(school: School) -> None:
    ann = {**row(small_school(), "users", "ann"), "agentSourcedIds": "eve"}
    ended = {"users": [ann], "enrollments": [{"sourcedId": "e3", **GONE}]}
    school.bring(ended, mode="delta", strict=True)
    later = TODAY + timedelta(days=30)
    assert not school.bring({"users": []}, mode="delta", today=later).changed
    again = school.bring({"enrollments": [enrolled("e9", "art", "ann", "student")]}, mode="delta", today=later)
    assert again.warnings == ()
    assert school.ranges("enrollment", "art", "ann") == [(TERM[0], TODAY.isoformat()), (later.isoformat(), TERM[1])]
    assert school.ranges("guardianship", "ann", "max") == [(None, TODAY.isoformat())]


def test_a_student_who_changes_school_is_moved_by_the_users_row_alone(school: School) -> None:
    dale = {"sourcedId": "s2", "name": "Dale School", "type": "school"}
    bob = {**row(small_school(), "users", "bob"), "primaryOrgSourcedId": "s2"}
    school.bring({"orgs": [dale], "users": [bob]}, mode="delta", strict=True)
    assert str(school.one("student", "bob")["school_id"]) == roster_id(school.id, "school", "s2")
    assert str(school.one("student", "ann")["school_id"]) == roster_id(school.id, "school", "s1")


def test_files_may_differ_in_mode(school: School) -> None:
    files = small_school()
    bulk = {"users": files["users"], "roles": files["roles"], "enrollments": [{"sourcedId": "e6", **GONE}]}
    report = school.bring(bulk, enrollments="delta", strict=True)
    assert totals(report) == (0, 0, 1)
    assert school.ranges("teaching", "art", "ida") == [(TERM[0], TODAY.isoformat())]
