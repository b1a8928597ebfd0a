"""A roster import: what a bundle becomes in the tables, and what a second one does to them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from chalicelib.db.ids import roster_id, tenant_id
from chalicelib.db.session import Database
from chalicelib.services.roster_import import ImportRefused, ImportReport, RosterImporter
from tests.oneroster import Files, enrolled, row, save, small_school, texts, without, zipped

TODAY = date(2026, 10, 1)
TERM = ("2026-08-24", "2026-12-19")
YEAR = ("2026-08-24", "2027-06-12")


@dataclass
class School:
    """A tenant whose bundles are imported, and whose tables can be looked into."""

    database: Database
    tenant: str
    folder: Callable[[], Path]

    @property
    def id(self) -> str:
        return tenant_id(self.tenant)

    def bring(
        self, files: Files, *, today: date = TODAY, strict: bool = False, mode: str = "bulk", **modes: str
    ) -> ImportReport:
        """Import `files`."""
        path = save(self.folder(), texts(files, mode, **modes))
        return RosterImporter(self.database).run(path, tenant=self.tenant, today=today, strict=strict)

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """Rows of a query, as the app's role."""
        with self.database.transaction(self.id) as connection:
            return [tuple(one) for one in connection.execute(text(query), {"t": self.id, **values})]

    def one(self, table: str, key: str) -> dict[str, Any]:
        """The row of the thing that the source calls `key`."""
        with self.database.transaction(self.id) as connection:
            query = text(f"select * from {table} where tenant_id = :t and source_id = :k")
            return dict(connection.execute(query, {"t": self.id, "k": key}).mappings().one())

    def ranges(self, table: str, first: str, second: str) -> list[tuple[str | None, str | None]]:
        """The begins and ends of a pair's ranges, in order."""
        kinds = {
            "enrollment": ("section", "student"),
            "teaching": ("section", "staff_member"),
            "guardianship": ("student", "guardian"),
        }[table]
        one, two = (f"{kind.removesuffix('_member')}_id" for kind in kinds)
        query = (
            f"select lower(valid)::text, upper(valid)::text from {table} where {one} = :a and {two} = :b order by valid"
        )
        found = self.rows(query, a=roster_id(self.id, kinds[0], first), b=roster_id(self.id, kinds[1], second))
        return [(begin, end) for begin, end in found]

    def active(self, table: str) -> set[str]:
        """The source's ids of what is active."""
        return {key for (key,) in self.rows(f"select source_id from {table} where active")}

    @property
    def revision(self) -> int:
        return int(self.rows("select revision from tenant")[0][0])


@pytest.fixture
def school(database: Database, tenant: str, tmp_path: Path) -> School:
    numbers = count()
    return School(database, tenant, lambda: tmp_path / str(next(numbers)))


@pytest.fixture
def files() -> Files:
    return small_school()


def totals(report: ImportReport) -> tuple[int, int, int]:
    """Rows created, updated and closed, over all tables."""
    every = report.counts.values()
    return sum(c.created for c in every), sum(c.updated for c in every), sum(c.closed for c in every)


def test_a_new_tenant_gets_its_name_title_and_default_settings(
    school: School, files: Files, database: Database
) -> None:
    path = zipped(school.folder().with_suffix(".zip"), texts(files))
    report = RosterImporter(database).run(path, tenant=school.tenant, today=TODAY, timezone="America/Chicago")
    assert report.tenant_id == school.id
    assert school.rows("select name, title from tenant") == [(school.tenant, "Little District")]
    assert school.rows("select attendance_mode::text, backdate_days, timezone from attendance_settings") == [
        ("DAILY", 7, "America/Chicago")
    ]
    school.bring(files)
    assert school.rows("select timezone from attendance_settings") == [("America/Chicago",)]


def test_every_row_has_its_place(school: School, files: Files) -> None:
    report = school.bring(files, strict=True)
    assert {table: counts.created for table, counts in report.counts.items()} == {
        "school": 1, "academic_session": 2, "period": 2, "section": 2, "student": 2, "staff_member": 2, "guardian": 2,
        "guardianship": 2, "enrollment": 3, "teaching": 3,
    }  # fmt: skip
    assert totals(report)[1:] == (0, 0)
    assert report.changed


def test_sections_know_their_course_terms_and_periods(school: School, files: Files) -> None:
    school.bring(files)
    art, home = school.one("section", "art"), school.one("section", "home")
    assert (art["name"], art["code"], art["kind"], art["course"]) == ("Art 1", "ART", "scheduled", "Art")
    assert (home["kind"], home["course"], home["period_ids"]) == ("homeroom", None, [])
    assert [str(key) for key in art["session_ids"]] == [roster_id(school.id, "academic_session", "fall")]
    periods = [school.one("period", name) for name in ("2 - Morning", "Noon")]
    assert art["period_ids"] == [one["id"] for one in periods]
    assert [one["sequence"] for one in periods] == [2, 2]  # its number, then its place among the names


def test_people_are_what_their_roles_say_and_may_be_two_things(school: School, files: Files) -> None:
    school.bring(files)
    assert school.active("student") == {"ann", "bob"}
    assert school.active("staff_member") == {"eve", "ida"}
    assert school.active("guardian") == {"eve", "max"}
    assert (school.one("staff_member", "eve")["job"], school.one("staff_member", "ida")["job"]) == ("teacher", "aide")
    assert school.one("guardian", "eve")["phone"] == "+1 555 0100"
    assert school.one("student", "ann")["grade"] == "01"
    assert str(school.one("student", "ann")["school_id"]) == roster_id(school.id, "school", "s1")


def test_enrolments_hold_up_to_their_last_day_and_blank_dates_are_those_of_the_terms(
    school: School, files: Files
) -> None:
    school.bring(files)
    assert school.ranges("enrollment", "home", "ann") == [YEAR]
    assert school.ranges("enrollment", "home", "bob") == [YEAR]
    assert school.ranges("enrollment", "art", "ann") == [TERM]
    assert school.ranges("teaching", "art", "ida") == [TERM]
    assert school.rows("select role, count(*) from teaching group by 1 order by 1") == [("aide", 1), ("teacher", 2)]


def test_guardians_are_linked_from_either_side_and_once(school: School, files: Files) -> None:
    row(files, "users", "eve")["agentSourcedIds"] = "bob,ann"
    school.bring(files)
    for child, grown in (("ann", "eve"), ("ann", "max"), ("bob", "eve")):
        assert school.ranges("guardianship", child, grown) == [(None, None)]
    assert school.rows("select count(*) from guardianship") == [(3,)]


def test_a_substitute_is_one(school: School, files: Files) -> None:
    files["enrollments"].append(enrolled("e7", "home", "ida", "substitute", "2026-10-05", "2026-10-06"))
    school.bring(files, strict=True)
    assert school.ranges("teaching", "home", "ida") == [("2026-10-05", "2026-10-07")]
    assert school.rows("select role from teaching where source_id = 'e7'") == [("substitute",)]


def test_the_same_files_again_change_nothing(school: School, files: Files) -> None:
    school.bring(files)
    before = school.revision
    for later in (0, 1, 300):
        report = school.bring(files, today=TODAY + timedelta(days=later))
        assert totals(report) == (0, 0, 0)
        assert not report.changed
        assert sum(counts.unchanged for counts in report.counts.values()) == 21
    assert school.revision == before


def test_a_change_bumps_the_revision_once(school: School, files: Files) -> None:
    school.bring(files)
    before = school.revision
    row(files, "users", "ann")["familyName"] = "Abbot"
    row(files, "classes", "art")["title"] = "Art 2"
    report = school.bring(files)
    assert totals(report) == (0, 2, 0)
    assert school.revision == before + 1
    assert school.one("student", "ann")["family_name"] == "Abbot"


def test_who_left_is_out_from_today_on_and_stays_in_the_books(school: School, files: Files) -> None:
    school.bring(files)
    later = TODAY + timedelta(days=20)
    fewer = without(without(without(files, "users", "bob"), "roles", "bob-student"), "enrollments", "e2")
    report = school.bring(fewer, today=later)
    assert totals(report) == (0, 0, 2)
    assert school.active("student") == {"ann"}
    assert school.one("student", "bob")["given_name"] == "Bob"
    assert school.ranges("enrollment", "home", "bob") == [(YEAR[0], later.isoformat())]


def test_who_comes_back_gets_a_new_range(school: School, files: Files) -> None:
    school.bring(files)
    out, back = TODAY + timedelta(days=20), TODAY + timedelta(days=40)
    school.bring(without(files, "enrollments", "e2"), today=out)
    school.bring(files, today=back)
    expected = [(YEAR[0], out.isoformat()), (back.isoformat(), YEAR[1])]
    assert school.ranges("enrollment", "home", "bob") == expected
    assert not school.bring(files, today=back + timedelta(days=9)).changed


def test_a_range_that_has_not_begun_goes_and_one_that_is_over_stays(school: School, files: Files) -> None:
    files["enrollments"] += [
        enrolled("e7", "art", "bob", "student", "2026-08-24", "2026-09-11"),
        enrolled("e8", "art", "bob", "student", "2026-11-02", "2026-12-18"),
    ]
    school.bring(files, strict=True)
    assert len(school.ranges("enrollment", "art", "bob")) == 2
    report = school.bring(without(files, "enrollments", "e7", "e8"))
    assert report.counts["enrollment"].closed == 1
    assert school.ranges("enrollment", "art", "bob") == [("2026-08-24", "2026-09-12")]


def test_a_changed_end_changes_the_range(school: School, files: Files) -> None:
    school.bring(files)
    row(files, "enrollments", "e1")["endDate"] = "2027-01-15"
    report = school.bring(files)
    assert (report.counts["enrollment"].updated, totals(report)) == (1, (0, 1, 0))
    assert school.ranges("enrollment", "home", "ann") == [(YEAR[0], "2027-01-16")]


def test_blank_dates_follow_the_terms(school: School, files: Files) -> None:
    school.bring(files)
    row(files, "academicSessions", "fall")["endDate"] = "2026-12-11"
    school.bring(files)
    assert school.ranges("enrollment", "art", "ann") == [(TERM[0], "2026-12-12")]


def test_overlapping_enrolments_of_a_pair_are_one_with_a_warning(school: School, files: Files) -> None:
    files["enrollments"].append(enrolled("e7", "art", "ann", "student", "2026-12-01", "2027-01-31"))
    report = school.bring(files)
    assert report.problems == ()
    assert [(one.file, one.line) for one in report.warnings] == [("enrollments.csv", 8)]
    assert school.ranges("enrollment", "art", "ann") == [(TERM[0], "2027-02-01")]
    assert not school.bring(files).changed


def test_a_guardian_who_is_no_longer_named_is_unlinked_and_may_come_back(school: School, files: Files) -> None:
    school.bring(files)
    fewer = small_school()
    row(fewer, "users", "ann")["agentSourcedIds"] = "eve"
    school.bring(fewer, today=date(2026, 10, 5))
    assert school.ranges("guardianship", "ann", "max") == [(None, "2026-10-05")]
    school.bring(files, today=date(2026, 10, 9))
    assert school.ranges("guardianship", "ann", "max") == [(None, "2026-10-05"), ("2026-10-09", None)]


def test_what_the_school_no_longer_has_is_inactive_and_may_come_back(school: School, files: Files) -> None:
    school.bring(files)
    school.bring(without(without(files, "classes", "art"), "enrollments", "e3", "e5", "e6"))
    assert (school.active("section"), school.active("period")) == ({"home"}, set())
    assert school.ranges("teaching", "art", "ida") == [(TERM[0], TODAY.isoformat())]
    school.bring(files)
    assert school.active("section") == {"home", "art"}


def test_bad_rows_are_left_out_and_the_good_ones_imported(school: School, files: Files) -> None:
    files["enrollments"].append(enrolled("e7", "nowhere", "bob", "student"))
    files["enrollments"].append(enrolled("e8", "art", "bob", "student"))
    report = school.bring(files)
    assert [(one.file, one.line, one.column) for one in report.problems] == [("enrollments.csv", 8, "classSourcedId")]
    assert school.ranges("enrollment", "art", "bob") == [TERM]


def test_strict_imports_nothing_if_a_row_is_bad(school: School, files: Files) -> None:
    files["enrollments"].append(enrolled("e7", "nowhere", "bob", "student"))
    with pytest.raises(ImportRefused) as caught:
        school.bring(files, strict=True)
    assert [one.line for one in caught.value.problems] == [8]
    assert school.rows("select * from tenant") == []


@pytest.mark.parametrize(
    ("file", "key", "column", "value"),
    [
        ("users", "bob", "familyName", ""),
        ("roles", "bob-student", "role", "wizard"),
        ("enrollments", "e2", "beginDate", "soon"),
        ("classes", "home", "schoolSourcedId", "s9"),
        ("academicSessions", "year", "startDate", "never"),
    ],
)
def test_a_mistake_in_the_source_makes_nobody_leave(
    school: School, files: Files, file: str, key: str, column: str, value: str
) -> None:
    school.bring(files)
    row(files, file, key)[column] = value
    report = school.bring(files)
    assert len(report.problems) == 1
    assert not report.changed
    assert school.ranges("enrollment", "home", "bob") == [YEAR]


def test_months_of_the_sessions_can_be_marked(school: School, files: Files, owner_engine: Engine) -> None:
    for one in files["academicSessions"]:
        one["startDate"], one["endDate"] = (one[name].replace("202", "204") for name in ("startDate", "endDate"))
    school.bring(files)
    with owner_engine.connect() as connection:
        for month in ("2046_08", "2047_06"):
            assert connection.scalar(text("select to_regclass(:n)"), {"n": f"student_attendance_{month}"}) is not None
        assert connection.scalar(text("select to_regclass('student_attendance_2047_07')")) is None


@pytest.mark.parametrize("known", [False, True])
def test_imports_at_once_run_one_after_the_other(school: School, files: Files, database: Database, known: bool) -> None:
    if known:
        school.bring(without(files, "enrollments", "e1", "e2"))
    path = save(school.folder(), texts(files))
    importer = RosterImporter(database)
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(importer.run, path, tenant=school.tenant, today=TODAY) for _ in range(4)]
        reports = [run.result() for run in runs]
    assert sorted(report.changed for report in reports) == [False, False, False, True]
    assert school.ranges("enrollment", "home", "ann") == [YEAR]


def test_an_enrolment_without_end_has_none(school: School, files: Files) -> None:
    row(files, "enrollments", "e1")["endDate"] = "9999-12-31"
    school.bring(files)
    assert school.ranges("enrollment", "home", "ann") == [(YEAR[0], None)]
    assert not school.bring(files).changed
    assert not school.bring({"users": []}, mode="delta").changed
    school.bring(without(files, "enrollments", "e1"))
    assert school.ranges("enrollment", "home", "ann") == [(YEAR[0], TODAY.isoformat())]


def test_tenants_do_not_touch_each_other(school: School, files: Files, database: Database, tmp_path: Path) -> None:
    school.bring(files)
    other = School(database, f"{school.tenant}-b", lambda: tmp_path / "other")
    other.bring(without(files, "enrollments", "e1"))
    assert school.ranges("enrollment", "home", "ann") == [YEAR]
    assert other.ranges("enrollment", "home", "ann") == []


@pytest.mark.parametrize(("tenant", "zone"), [("Grand Bend", "UTC"), ("", "UTC"), ("a", "Mars/Base"), ("a", "../etc")])
def test_a_bad_name_of_a_tenant_or_zone_is_refused(database: Database, tmp_path: Path, tenant: str, zone: str) -> None:
    path = save(tmp_path / "a", texts(small_school()))
    with pytest.raises(ImportRefused):
        RosterImporter(database).run(path, tenant=tenant, today=TODAY, timezone=zone)


def test_the_summary_prints_few_problems_and_holds_all(school: School, files: Files) -> None:
    files["enrollments"] += [enrolled(f"x{n}", "nowhere", "bob", "student") for n in range(30)]
    report = school.bring(files)
    assert len(report.problems) == 30
    summary = report.summary(limit=5)
    assert summary.count("nowhere") == 5
    assert "and 25 more" in summary
    assert "enrollment: 3 created" in summary
