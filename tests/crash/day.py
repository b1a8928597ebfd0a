"""A day at a school, told by its marks and corrections, and the books that must show it once."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from chalicelib.domain.job_state import JobState
from chalicelib.queue import Job, JobQueue
from tests.queue.steps import see
from tests.school import School, Section
from tests.services.steps import submit


@dataclass
class Day:
    """Jobs in the order of their submission, and what stands when all are applied: student → statuses, in order."""

    queue: JobQueue
    school: School
    jobs: list[str] = field(default_factory=list)
    told: dict[str, list[str]] = field(default_factory=dict)

    def register(self, students: int = 3) -> Section:
        """A new section's register, all present."""
        section = self.school.section(students=students)
        self.jobs.append(
            submit(self.queue, self.school, dict.fromkeys(section.students, "PRESENT"), section=section.id)
        )
        self.told |= {student: ["PRESENT"] for student in section.students}
        return section

    def correct(self, section: Section, status: str = "LATE") -> None:
        """A correction of the section's first student."""
        kim = section.students[0]
        self.jobs.append(submit(self.queue, self.school, {kim: status}, section=section.id, reason="came later"))
        self.told[kim].append(status)

    def seen(self) -> list[Job]:
        """The jobs as the queue tells them, in their order."""
        return [see(self.queue, job_id) for job_id in self.jobs]

    def is_in_the_books_once(self) -> None:
        """Every job completed at its first attempt; each mark, each change and each ledger row is there once."""
        assert {(job.state, job.attempts_made) for job in self.seen()} == {(JobState.COMPLETED, 1)}
        counts = self.queue.counts()
        assert (counts.depth, counts.active, counts.failed) == (0, 0, 0)
        self.is_in_postgres_once()

    def is_in_postgres_once(self) -> None:
        """The same, of Postgres alone."""
        marks = self.school.run("select student_id::text, status::text, version from student_attendance")
        expected = [(student, said[-1], len(said)) for student, said in self.told.items()]
        assert sorted(map(tuple, marks)) == sorted(expected)
        log = self.school.run(
            "select student_id::text, (before).status::text, (after).status::text from attendance_audit_log"
        )
        changes = [(kim, *pair) for kim, said in self.told.items() for pair in pairwise(said)]
        assert sorted(map(tuple, log)) == sorted(changes)
        ledger = self.school.run("select job_id::text, state, total - applied from attendance_job")
        assert sorted(map(tuple, ledger)) == sorted((job_id, "completed", 0) for job_id in self.jobs)


def a_day(queue: JobQueue, school: School) -> Day:
    """Eight registers and four corrections; taken by fours, the second batch holds two of each.

    No correction can overtake its mark, whichever batch comes late.
    """
    day = Day(queue, school)
    first = [day.register() for _ in range(4)]
    for section in first[:2]:
        day.register()
        day.correct(section)
    for section in first[2:]:
        day.register()
        day.correct(section)
    return day
