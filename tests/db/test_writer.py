"""The batch writer: what becomes of each record, what stands afterwards, and what the ledger and the log keep."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chalicelib.db.engine import make_engine
from chalicelib.db.faults import Blame, blame
from chalicelib.db.session import Database
from chalicelib.db.writer import BatchWriter, JobRow, Outcome
from chalicelib.errors import Unavailable
from tests.db.steps import NOON, a_job, audit_count, audit_entries, counts, history, mark_of, standing
from tests.school import TODAY, School, new_id


@pytest.fixture
def writer(database: Database) -> BatchWriter:
    """The writer, as the app's role."""
    return BatchWriter(database)


def write(writer: BatchWriter, job: JobRow) -> Outcome:
    """The outcome of one job, written alone."""
    return writer.write([job])[job.job_id]


def test_first_marks_are_applied(writer: BatchWriter, school: School) -> None:
    """And stand with everything that was said and who said it."""
    section = school.section(students=2)
    kim, lou = section.students
    said: dict[str, Any] = {kim: "PRESENT", lou: {"status": "LATE", "late_minutes": 7, "remarks": "Bus"}}
    job = a_job(school, said, section=section.id, session_id=school.session_id, actor="ann")
    assert counts(write(writer, job)) == (2, 0, 0, 0)
    mark = mark_of(school, lou)
    assert (mark.status, mark.late_minutes, mark.remarks, mark.version) == ("LATE", 7, "Bus", 1)
    assert (str(mark.section_id), str(mark.session_id), mark.date) == (section.id, school.session_id, TODAY)
    assert (mark.marked_by, mark.marked_role, mark.marked_at, str(mark.job_id)) == ("ann", "teacher", NOON, job.job_id)
    assert standing(school)[kim] == "PRESENT"
    assert audit_count(school) == 0


def test_a_mark_that_says_what_stands_is_unchanged(writer: BatchWriter, school: School) -> None:
    """No new version, no entry in the log; the mark stays the first marker's."""
    section = school.section(students=1)
    [kim] = section.students
    write(writer, a_job(school, {kim: "PRESENT"}, at=1, section=section.id, actor="ann"))
    outcome = write(writer, a_job(school, {kim: "PRESENT"}, at=2, section=section.id, actor="bo"))
    assert counts(outcome) == (0, 1, 0, 0)
    mark = mark_of(school, kim)
    assert (mark.version, mark.marked_by, mark.marked_at) == (1, "ann", NOON + timedelta(seconds=1))
    assert audit_count(school) == 0


def test_a_correction_is_applied_and_the_log_keeps_what_stood_before(writer: BatchWriter, school: School) -> None:
    """Original and amended entry, reason, who, role, when, job."""
    section = school.section(students=1)
    [kim] = section.students
    first = a_job(school, {kim: "ABSENT"}, at=1, section=section.id, actor="ann")
    said = {kim: {"status": "LATE", "late_minutes": 12, "remarks": "Dentist"}}
    second = a_job(school, said, at=2, section=section.id, actor="olga", role="office", reason="Came later")
    write(writer, first)
    assert counts(write(writer, second)) == (1, 0, 0, 0)
    mark = mark_of(school, kim)
    assert (mark.status, mark.version, mark.reason, mark.marked_by) == ("LATE", 2, "Came later", "olga")
    [entry] = audit_entries(school)
    marked_at = entry.before.pop("marked_at")
    assert entry.before == {
        "status": "ABSENT", "late_minutes": None, "remarks": None, "check_in": None, "check_out": None,
        "marked_by": "ann", "job_id": first.job_id,
    }  # fmt: skip
    assert marked_at.startswith((NOON + timedelta(seconds=1)).isoformat()[:19])
    assert entry.after == {
        "status": "LATE", "late_minutes": 12, "remarks": "Dentist", "check_in": None, "check_out": None,
    }  # fmt: skip
    assert (entry.reason, entry.actor_id, entry.actor_role) == ("Came later", "olga", "office")
    assert (str(entry.student_id), entry.staff_id, entry.date) == (kim, None, TODAY)
    assert (entry.at, str(entry.job_id)) == (NOON + timedelta(seconds=2), second.job_id)


@pytest.mark.parametrize("change", [{"remarks": "Sick"}, {"late_minutes": 9}, {"remarks": "", "late_minutes": 5}])
def test_a_change_of_remarks_or_minutes_alone_is_a_change(
    writer: BatchWriter, school: School, change: dict[str, object]
) -> None:
    """A new version, and an entry in the log."""
    section = school.section(students=1)
    [kim] = section.students
    said = {"status": "LATE", "late_minutes": 5}
    write(writer, a_job(school, {kim: said}, at=1, section=section.id))
    assert counts(write(writer, a_job(school, {kim: said | change}, at=2, section=section.id))) == (1, 0, 0, 0)
    assert mark_of(school, kim).version == 2
    assert audit_count(school) == 1


def test_an_older_submission_that_comes_late_is_superseded(writer: BatchWriter, school: School) -> None:
    """The correction overtook the mark that it corrects, and still wins."""
    section = school.section(students=1)
    [kim] = section.students
    write(writer, a_job(school, {kim: "EXCUSED"}, at=2, section=section.id))
    assert counts(write(writer, a_job(school, {kim: "ABSENT"}, at=1, section=section.id))) == (0, 0, 1, 0)
    assert standing(school) == {kim: "EXCUSED"}
    assert audit_count(school) == 0


def test_a_submission_that_changed_nothing_still_supersedes_older_ones(writer: BatchWriter, school: School) -> None:
    """PRESENT, then PRESENT again at noon; what was sent between the two and comes later is older than noon."""
    section = school.section(students=1)
    [kim] = section.students
    write(writer, a_job(school, {kim: "PRESENT"}, at=1, section=section.id))
    write(writer, a_job(school, {kim: "PRESENT"}, at=3, section=section.id))
    assert counts(write(writer, a_job(school, {kim: "ABSENT"}, at=2, section=section.id))) == (0, 0, 1, 0)
    assert standing(school) == {kim: "PRESENT"}


def test_a_microsecond_decides(writer: BatchWriter, school: School) -> None:
    """Submissions are told apart to the microsecond that Redis gave them."""
    section = school.section(students=1)
    [kim] = section.students
    jobs = [a_job(school, {kim: status}, section=section.id) for status in ("ABSENT", "PRESENT")]
    later = replace(jobs[1], submitted_at=NOON + timedelta(microseconds=1))
    write(writer, later)
    assert counts(write(writer, jobs[0])) == (0, 0, 1, 0)
    assert standing(school) == {kim: "PRESENT"}


def test_several_submissions_of_one_mark_in_one_batch_are_each_audited(writer: BatchWriter, school: School) -> None:
    """As if they had come one by one, in the order of their submission, however the batch is sorted."""
    section = school.section(students=2)
    kim, lou = section.students
    said = ["ABSENT", "LATE", "LATE", "EXCUSED"]
    jobs = [a_job(school, {kim: status, lou: "PRESENT"}, at=at, section=section.id) for at, status in enumerate(said)]
    outcomes = writer.write(list(reversed(jobs)))
    assert [counts(outcomes[job.job_id]) for job in jobs] == [(2, 0, 0, 0), (1, 1, 0, 0), (0, 2, 0, 0), (1, 1, 0, 0)]
    assert history(school, kim) == [("ABSENT", "LATE"), ("LATE", "EXCUSED")]
    assert history(school, lou) == []
    assert (mark_of(school, kim).version, mark_of(school, lou).version) == (3, 1)


def test_a_batch_that_meets_newer_marks_is_superseded_as_a_whole(writer: BatchWriter, school: School) -> None:
    """Also when several submissions of one mark met in it."""
    section = school.section(students=1)
    [kim] = section.students
    write(writer, a_job(school, {kim: "PRESENT"}, at=9, section=section.id))
    jobs = [a_job(school, {kim: status}, at=at, section=section.id) for at, status in enumerate(["ABSENT", "LATE"])]
    outcomes = writer.write(jobs)
    assert [counts(outcomes[job.job_id]) for job in jobs] == [(0, 0, 1, 0)] * 2
    assert standing(school) == {kim: "PRESENT"}
    assert audit_count(school) == 0


def test_a_redelivered_job_changes_nothing(writer: BatchWriter, school: School) -> None:
    """Ten times: same outcome, same version, no entry in the log, also after somebody else's correction."""
    section = school.section(students=2)
    kim, lou = section.students
    first = a_job(school, {kim: "ABSENT", lou: "PRESENT"}, at=1, section=section.id)
    outcome = write(writer, first)
    write(writer, a_job(school, {kim: "LATE"}, at=2, section=section.id))
    before = school.run("select * from student_attendance order by student_id")
    for _ in range(10):
        assert write(writer, first) == outcome
    assert school.run("select * from student_attendance order by student_id") == before
    assert audit_count(school) == 1


def test_a_batch_may_hold_jobs_that_were_applied_before(writer: BatchWriter, school: School) -> None:
    """They get their old outcome, the others are applied."""
    section = school.section(students=1)
    [kim] = section.students
    old = a_job(school, {kim: "ABSENT", new_id(): "PRESENT"}, at=1, section=section.id)
    outcome = write(writer, old)
    assert counts(outcome) == (1, 0, 0, 1)
    new = a_job(school, {kim: "PRESENT"}, at=2, section=section.id)
    outcomes = writer.write([new, old])
    assert outcomes[old.job_id] == outcome
    assert counts(outcomes[new.job_id]) == (1, 0, 0, 0)


def test_an_empty_batch_is_nothing(writer: BatchWriter) -> None:
    """No jobs, no outcomes, no error."""
    assert writer.write([]) == {}


def test_the_four_counts_add_up_to_the_total(writer: BatchWriter, school: School) -> None:
    """One of each in one job."""
    section = school.section(students=3)
    kim, lou, max_ = section.students
    write(writer, a_job(school, {lou: "PRESENT"}, at=1, section=section.id))
    write(writer, a_job(school, {max_: "PRESENT"}, at=9, section=section.id))
    stranger = new_id()
    job = a_job(school, dict.fromkeys([stranger, kim, lou, max_], "PRESENT"), at=5, section=section.id)
    assert counts(write(writer, job)) == (1, 1, 1, 1)


def test_a_student_who_left_since_is_rejected(writer: BatchWriter, school: School) -> None:
    """By id and code; the rest of the register is applied."""
    section = school.section(students=3)
    school.leave(section.students[1])
    outcome = write(writer, a_job(school, dict.fromkeys(section.students, "PRESENT"), section=section.id))
    assert counts(outcome) == (2, 0, 0, 1)
    assert outcome.rejected == ({"student_id": section.students[1], "code": "not_enrolled"},)
    assert section.students[1] not in standing(school)


def test_enrolment_is_judged_by_the_date_of_the_mark(writer: BatchWriter, school: School) -> None:
    """The last day of an enrolment can be marked a week later, the day after it cannot."""
    section = school.section()
    [kim] = students = school.students(1)
    school.enroll(section.id, students, TODAY - timedelta(9), TODAY - timedelta(3))
    wanted = {TODAY - timedelta(10): 0, TODAY - timedelta(9): 1, TODAY - timedelta(4): 1, TODAY - timedelta(3): 0}
    found = {day: write(writer, a_job(school, {kim: "PRESENT"}, section=section.id, day=day)).applied for day in wanted}
    assert found == wanted


def test_a_student_of_another_section_is_rejected(writer: BatchWriter, school: School) -> None:
    """Enrolment somewhere is not enrolment here."""
    here, there = school.section(students=1), school.section(students=1)
    outcome = write(writer, a_job(school, dict.fromkeys(here.students + there.students, "PRESENT"), section=here.id))
    assert outcome.rejected == ({"student_id": there.students[0], "code": "not_enrolled"},)


def test_rejected_records_are_told_in_the_order_in_which_they_were_sent(writer: BatchWriter, school: School) -> None:
    """Whatever order the database found them in."""
    section = school.section(students=1)
    strangers = [new_id() for _ in range(20)]
    outcome = write(writer, a_job(school, dict.fromkeys(strangers + section.students, "PRESENT"), section=section.id))
    assert [fault["student_id"] for fault in outcome.rejected] == strangers


def test_a_list_across_sections_takes_whoever_is_enrolled_somewhere(writer: BatchWriter, school: School) -> None:
    """The office's list names no section; the marks carry none."""
    one, two = school.section(students=1), school.section(students=1)
    [nowhere] = school.students(1)
    marks = dict.fromkeys([*one.students, *two.students, nowhere], "EXCUSED")
    outcome = write(writer, a_job(school, marks, role="office"))
    assert counts(outcome) == (2, 0, 0, 1)
    assert outcome.rejected == ({"student_id": nowhere, "code": "not_enrolled"},)
    assert mark_of(school, one.students[0]).section_id is None


def test_a_student_of_two_sections_has_one_mark_a_day(writer: BatchWriter, school: School) -> None:
    """In DAILY mode the second section's mark is a correction of the first's."""
    one = school.section(students=1)
    two = school.section(students=one.students)
    [kim] = one.students
    write(writer, a_job(school, {kim: "ABSENT"}, at=1, section=one.id))
    assert counts(write(writer, a_job(school, {kim: "LATE"}, at=2, section=two.id))) == (1, 0, 0, 0)
    assert str(mark_of(school, kim).section_id) == two.id
    assert history(school, kim) == [("ABSENT", "LATE")]


def test_periods_have_marks_of_their_own(writer: BatchWriter, school: School) -> None:
    """Present in the first lesson, absent in the second."""
    section = school.section(students=1)
    [kim] = section.students
    first, second = school.period(1), school.period(2)
    write(writer, a_job(school, {kim: "PRESENT"}, at=1, section=section.id, period_id=first))
    write(writer, a_job(school, {kim: "ABSENT"}, at=2, section=section.id, period_id=second))
    found = {str(row.period_id): row.status for row in school.run("select period_id, status from student_attendance")}
    assert found == {first: "PRESENT", second: "ABSENT"}
    assert audit_count(school) == 0


def test_a_change_without_a_reason_is_rejected_where_one_is_required(writer: BatchWriter, school: School) -> None:
    """First marks and marks that change nothing need none; with a reason the change is applied."""
    section = school.section(students=3)
    kim, lou, max_ = section.students
    write(writer, a_job(school, {kim: "ABSENT", lou: "PRESENT"}, at=1, section=section.id, reason_required=True))
    marks = dict.fromkeys(section.students, "PRESENT")
    outcome = write(writer, a_job(school, marks, at=2, section=section.id, reason_required=True))
    assert counts(outcome) == (1, 1, 0, 1)
    assert outcome.rejected == ({"student_id": kim, "code": "reason_required"},)
    assert standing(school) == {kim: "ABSENT", lou: "PRESENT", max_: "PRESENT"}
    job = a_job(school, {kim: "PRESENT"}, at=3, section=section.id, reason_required=True, reason="Was there")
    assert counts(write(writer, job)) == (1, 0, 0, 0)


def test_a_late_change_without_a_reason_is_superseded_not_rejected(writer: BatchWriter, school: School) -> None:
    """It changes nothing any more, so nobody is asked why."""
    section = school.section(students=1)
    [kim] = section.students
    write(writer, a_job(school, {kim: "ABSENT"}, at=2, section=section.id))
    outcome = write(writer, a_job(school, {kim: "PRESENT"}, at=1, section=section.id, reason_required=True))
    assert counts(outcome) == (0, 0, 1, 0)


def test_reasons_are_asked_for_within_a_batch_as_well(writer: BatchWriter, school: School) -> None:
    """The second of two submissions that met changes the first's mark."""
    section = school.section(students=1)
    [kim] = section.students
    jobs = [
        a_job(school, {kim: status}, at=at, section=section.id, reason_required=True)
        for at, status in enumerate(["ABSENT", "PRESENT"])
    ]
    outcomes = writer.write(jobs)
    assert [counts(outcomes[job.job_id]) for job in jobs] == [(1, 0, 0, 0), (0, 0, 0, 1)]
    assert standing(school) == {kim: "ABSENT"}


def test_staff_are_marked_with_the_times_of_coming_and_going(writer: BatchWriter, school: School) -> None:
    """The first mark, going home, and the log of it."""
    ann = school.staff("ann")
    came = {"status": "LATE", "late_minutes": 10, "check_in": "08:10"}
    first = a_job(school, {ann: came}, at=1, kind="staff", role="office")
    assert counts(write(writer, first)) == (1, 0, 0, 0)
    went = a_job(school, {ann: came | {"check_out": "15:30:30"}}, at=2, kind="staff", role="office", reason="Home")
    assert counts(write(writer, went)) == (1, 0, 0, 0)
    assert counts(write(writer, a_job(school, {ann: "PRESENT"}, at=0, kind="staff"))) == (0, 0, 1, 0)
    [mark] = school.run("select * from staff_attendance")
    assert (mark.status, mark.late_minutes, mark.check_in, mark.check_out) == (
        "LATE",
        10,
        time(8, 10),
        time(15, 30, 30),
    )
    assert (mark.version, mark.reason) == (2, "Home")
    [entry] = audit_entries(school)
    assert (str(entry.staff_id), entry.student_id) == (ann, None)
    assert (entry.before["check_out"], entry.after["check_out"]) == (None, "15:30:30")
    assert entry.before["marked_by"] == "ann"


def test_staff_who_left_are_rejected(writer: BatchWriter, school: School) -> None:
    """As students are, by staff_id."""
    ann, gone, stranger = school.staff(), school.staff(active=False), new_id()
    outcome = write(writer, a_job(school, dict.fromkeys([gone, ann, stranger], "PRESENT"), kind="staff"))
    assert counts(outcome) == (1, 0, 0, 2)
    assert outcome.rejected == tuple({"staff_id": who, "code": "not_enrolled"} for who in (gone, stranger))


def test_staff_marks_in_one_batch_are_each_audited_and_asked_for_reasons(writer: BatchWriter, school: School) -> None:
    """The same promises as for students."""
    ann = school.staff()
    said = [("ABSENT", None), ("LATE", "Traffic"), ("LATE", None), ("PRESENT", None)]
    jobs = [
        a_job(school, {ann: status}, at=at, kind="staff", reason=reason, reason_required=True)
        for at, (status, reason) in enumerate(said)
    ]
    outcomes = writer.write(list(reversed(jobs)))
    assert [counts(outcomes[job.job_id]) for job in jobs] == [(1, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 0, 1)]
    assert outcomes[jobs[3].job_id].rejected == ({"staff_id": ann, "code": "reason_required"},)
    assert audit_count(school) == 1


def test_students_and_staff_of_several_tenants_share_a_batch(writer: BatchWriter, school: School) -> None:
    """Each mark lands with its tenant, also where two tenants have the same ids."""
    other = School(school.database)
    section = school.section(students=1)
    [kim] = section.students
    other.run(
        "insert into student (tenant_id, id, source_id, given_name, family_name) values (:t, :i, 'x', 'x', 'x')",
        t=other.tenant, i=kim,
    )  # fmt: skip
    theirs = other.section(students=[kim])
    ann = other.staff()
    jobs = [
        a_job(school, {kim: "PRESENT"}, at=1, section=section.id),
        a_job(other, {kim: "ABSENT"}, at=2, section=theirs.id),
        a_job(other, {ann: "PRESENT"}, at=3, kind="staff"),
        a_job(school, {ann: "PRESENT"}, at=4, kind="staff"),  # nobody's here
        a_job(school, {kim: "PRESENT"}, at=5, section=theirs.id),  # the other tenant's section
    ]
    outcomes = writer.write(jobs)
    assert [counts(outcomes[job.job_id]) for job in jobs] == [
        (1, 0, 0, 0), (1, 0, 0, 0), (1, 0, 0, 0), (0, 0, 0, 1), (0, 0, 0, 1),
    ]  # fmt: skip
    assert standing(school) == {kim: "PRESENT"}
    assert standing(other) == {kim: "ABSENT"}
    assert audit_count(school) == audit_count(other) == 0


def test_the_ledger_keeps_each_job_with_its_outcome(writer: BatchWriter, school: School) -> None:
    """It answers when Redis has forgotten."""
    section = school.section(students=1)
    stranger = new_id()
    marks = {section.students[0]: "PRESENT", stranger: "ABSENT"}
    job = a_job(school, marks, section=section.id, actor="ann")
    write(writer, job)
    [row] = school.run("select * from attendance_job")
    assert (str(row.job_id), row.kind, row.state, row.total) == (job.job_id, "student", "completed", 2)
    assert (row.applied, row.unchanged, row.superseded) == (1, 0, 0)
    assert row.rejected == [{"student_id": stranger, "code": "not_enrolled"}]
    assert (row.submitted_by, row.submitted_at, row.started_at) == ("ann", job.submitted_at, job.started_at)
    assert (row.attempts_made, row.max_attempts, row.error) == (1, 3, None)
    assert row.finished_at is not None


def test_a_dead_job_stands_in_the_ledger_with_its_reason(writer: BatchWriter, school: School) -> None:
    """And takes a new one when it dies again."""
    job = a_job(school, {new_id(): "PRESENT"})
    writer.bury(job, json.dumps({"code": "not_writable", "detail": "Why."}))
    writer.bury(replace(job, attempts_made=3), json.dumps({"code": "not_writable", "detail": "Again."}))
    [row] = school.run("select state, error, attempts_made, applied from attendance_job")
    assert row == ("failed", {"code": "not_writable", "detail": "Again."}, 3, 0)


def test_a_dead_job_that_is_sent_again_is_applied(writer: BatchWriter, school: School) -> None:
    """Its row in the ledger becomes that of a completed job."""
    section = school.section(students=1)
    job = a_job(school, {section.students[0]: "PRESENT"}, section=section.id)
    writer.bury(job, json.dumps({"code": "not_writable"}))
    assert counts(write(writer, job)) == (1, 0, 0, 0)
    [row] = school.run("select state, error, applied from attendance_job")
    assert row == ("completed", None, 1)


def test_an_applied_job_is_never_marked_dead(writer: BatchWriter, school: School) -> None:
    """A consumer that lost its lease may think so."""
    section = school.section(students=1)
    job = a_job(school, {section.students[0]: "PRESENT"}, section=section.id)
    write(writer, job)
    writer.bury(job, json.dumps({"code": "stalled"}))
    assert school.run("select state, error, applied from attendance_job") == [("completed", None, 1)]


HEAD = b'"date": "DAY", "actor": {"id": "a", "role": "b"}'
RECORD = b'{"student_id": "STUDENT", "status": "PRESENT"}'
BAD = {
    "no JSON": b"not json",
    "no UTF-8": b"\xff",
    "a status that does not exist": b'{%b, "records": [{"student_id": "STUDENT", "status": "HERE"}]}' % HEAD,
    "no status": b'{%b, "records": [{"student_id": "STUDENT"}]}' % HEAD,
    "a date that does not exist": b'{%b, "records": [%b]}' % (HEAD.replace(b"DAY", b"2026-02-30"), RECORD),
    "a date without a partition": b'{%b, "records": [%b]}' % (HEAD.replace(b"DAY", b"1999-01-04"), RECORD),
    "no actor": b'{"date": "DAY", "records": [%b]}' % RECORD,
    "no list": b'{%b, "records": 7}' % HEAD,
    "NUL": b'{%b, "records": [{"student_id": "STUDENT", "status": "LATE", "remarks": "\\u0000"}]}' % HEAD,
}


@pytest.mark.parametrize("what", BAD)
def test_a_batch_with_bad_data_is_written_not_at_all_and_blamed_on_the_data(
    writer: BatchWriter, school: School, what: str
) -> None:
    """Neither marks nor ledger, of the good job beside it either; it is the drain that parts them."""
    section = school.section()
    [kim] = students = school.students(1)
    school.enroll(section.id, students, date(1990, 1, 1))
    good = a_job(school, {kim: "PRESENT"}, section=section.id)
    data = BAD[what].replace(b"STUDENT", kim.encode()).replace(b"DAY", str(TODAY).encode())
    with pytest.raises((DBAPIError, UnicodeError)) as error:
        writer.write([good, replace(a_job(school, {kim: "PRESENT"}, at=1), data=data)])
    assert blame(error.value) is Blame.DATA
    assert standing(school) == {}
    assert school.run("select * from attendance_job") == []
    assert counts(write(writer, good)) == (1, 0, 0, 0)


def test_the_writer_leaves_nothing_behind_on_its_connection(database: Database, school: School) -> None:
    """Staged rows of a batch are gone before the next: another tenant's batch may use the same connection."""
    writer = BatchWriter(database)
    section = school.section(students=2)
    for at in range(10):
        write(writer, a_job(school, dict.fromkeys(section.students, "PRESENT"), at=at, section=section.id))
    with database.transaction(school.tenant) as connection:
        staged = connection.scalar(text("select to_regclass('pg_temp.staged_student')"))
        if staged is not None:
            assert connection.scalar(text("select count(*) from staged_student")) == 0


def test_text_comes_out_as_it_went_in(writer: BatchWriter, school: School) -> None:
    """Quotes, colons, percent signs, backslashes and emoji are text, not SQL."""
    section = school.section(students=1)
    remarks = "'; drop table student; -- :tenant %s %(x)s \\ \" \n\t 😀 ꙮ é"
    write(writer, a_job(school, {section.students[0]: {"status": "LATE", "remarks": remarks}}, section=section.id))
    assert mark_of(school, section.students[0]).remarks == remarks


def test_a_writer_without_a_server_says_unavailable(school: School) -> None:
    """An outage, so that the jobs are given back."""
    away = BatchWriter(Database(make_engine("postgresql://rollcall_app@127.0.0.1:1/rollcall")))
    with pytest.raises(Unavailable):
        away.write([a_job(school, {new_id(): "PRESENT"})])
