"""Several drains at once over the same marks: nobody waits for ever, and the newest submission still wins."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from chalicelib.db.faults import Blame, blame
from chalicelib.db.session import Database
from chalicelib.db.writer import BatchWriter, JobRow, Outcome
from tests.db.steps import a_job, audit_count, counts, history, mark_of, standing
from tests.school import School

STATUSES = ("PRESENT", "ABSENT", "EXCUSED", "LATE")


def at_once(*works: Callable[[], object]) -> None:
    """Runs the works in threads that start together; raises what any of them raises."""
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        barrier.wait(timeout=10)
        work()

    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(run, work) for work in works]:
            done.result(timeout=30)


def test_writers_with_overlapping_marks_all_end_and_the_newest_submissions_stand(
    database: Database, school: School
) -> None:
    """Four writers, the same forty students in four orders, many rounds; a deadlock may be tried again."""
    section = school.section(students=40)
    order = random.Random(7)
    batches: list[list[JobRow]] = [[] for _ in range(4)]
    for at in range(24):
        students = order.sample(section.students, 30)
        job = a_job(school, dict.fromkeys(students, STATUSES[at % 4]), at=at, section=section.id)
        batches[at % 4].append(job)
    jobs = {job.job_id: job for batch in batches for job in batch}
    outcomes: dict[str, Outcome] = {}

    def drain(batch: list[JobRow]) -> Callable[[], None]:
        writer = BatchWriter(database)

        def work() -> None:
            for start in range(0, len(batch), 2):
                outcomes.update(write_with_patience(writer, batch[start : start + 2]))

        return work

    at_once(*(drain(list(reversed(batch)) if n % 2 else batch) for n, batch in enumerate(batches)))
    assert outcomes.keys() == jobs.keys()
    assert all(sum(counts(outcomes[job_id])) == job.total for job_id, job in jobs.items())
    newest = {
        student: STATUSES[at % 4]
        for at, job in enumerate(sorted(jobs.values(), key=lambda job: job.submitted_at))
        for student in section.students
        if student.encode() in job.data
    }
    assert standing(school) == newest
    versions = school.run("select sum(version - 1) from student_attendance")
    assert versions == [(audit_count(school),)]


def write_with_patience(writer: BatchWriter, jobs: list[JobRow]) -> dict[str, Outcome]:
    """As the drain does: a race is tried again, three times at most."""
    for _ in range(2):
        try:
            return writer.write(jobs)
        except Exception as error:
            if blame(error) is not Blame.RACE:
                raise
    return writer.write(jobs)


def test_two_drains_that_hold_the_same_job_apply_it_once(database: Database, school: School) -> None:
    """A lease ran out while its holder was still writing: the second waits for the first and gets its outcome."""
    section = school.section(students=30)
    for at in range(10):
        job = a_job(school, dict.fromkeys(section.students, STATUSES[at % 4]), at=at, section=section.id)
        outcomes: list[Outcome] = []

        def work(job: JobRow = job, outcomes: list[Outcome] = outcomes) -> None:
            outcomes.append(BatchWriter(database).write([job])[job.job_id])

        at_once(work, work, work)
        assert [counts(outcome) for outcome in outcomes] == [(30, 0, 0, 0)] * 3
    assert mark_of(school, section.students[0]).version == 10
    assert len(history(school, section.students[0])) == 9


def test_an_older_and_a_newer_submission_at_once_end_in_the_newer(database: Database, school: School) -> None:
    """Whichever of the two commits first, also when it is the very first mark."""
    section = school.section(students=10)
    for round_ in range(10):
        period = school.period(round_)
        older, newer = (
            a_job(school, dict.fromkeys(section.students, status), at=at, section=section.id, period_id=period)
            for at, status in enumerate(["ABSENT", "PRESENT"])
        )
        at_once(*(partial(BatchWriter(database).write, [job]) for job in (newer, older)))
        found = school.run("select distinct status from student_attendance where period_id = :p", p=period)
        assert found == [("PRESENT",)]
