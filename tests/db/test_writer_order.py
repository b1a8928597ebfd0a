"""The newest submission wins, whatever the order and the batches in which submissions are delivered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hypothesis import example, given, note, settings
from hypothesis import strategies as st

from chalicelib.db.session import Database
from chalicelib.db.writer import BatchWriter, JobRow
from tests.db.steps import a_job, audit_entries, counts
from tests.school import School

SECTION = 2
Said = tuple[str, str | None]
"""A status and remarks."""

said = st.sampled_from([("PRESENT", None), ("ABSENT", None), ("ABSENT", "Sick")])
submissions = st.dictionaries(st.integers(0, SECTION - 1), said, min_size=1)
"""Few students and few words: submissions must meet to be in each other's way."""


@dataclass(frozen=True)
class Story:
    """What was submitted, oldest first (student's number → what was said), and the batches that delivered it."""

    submitted: list[dict[int, Said]]
    batches: list[list[int]]

    def newest(self) -> dict[int, Said]:
        """What each student's newest submission says."""
        return {student: mark for one in self.submitted for student, mark in one.items()}


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Submissions that are delivered at least once each, in any order, cut into batches anywhere."""
    submitted = draw(st.lists(submissions, min_size=3, max_size=6))
    numbers = list(range(len(submitted)))
    again = draw(st.lists(st.sampled_from(numbers), max_size=3))
    order = draw(st.permutations(numbers + again))
    cuts = sorted(draw(st.sets(st.integers(1, len(order)), max_size=4)) | {0, len(order)})
    return Story(submitted, [list(dict.fromkeys(order[start:end])) for start, end in pairwise(cuts)])


def jobs_of(story: Story, school: School, section: str, students: list[str]) -> Iterator[JobRow]:
    """A job a submission, a second apart."""
    for at, one in enumerate(story.submitted):
        marks = {students[n]: {"status": status, "remarks": remarks} for n, (status, remarks) in one.items()}
        yield a_job(school, marks, at=at, section=section)


PRESENT: dict[int, Said] = {0: ("PRESENT", None)}
ABSENT: dict[int, Said] = {0: ("ABSENT", None)}


@settings(max_examples=60, deadline=None)
# The newest of a batch says what stood before it; and: the newest of several that change nothing.
@example(story=Story([ABSENT, PRESENT, ABSENT], [[0], [2, 1]]))
@example(story=Story([ABSENT, PRESENT, ABSENT], [[0], [1, 2]]))
@example(story=Story([PRESENT, PRESENT, ABSENT, PRESENT], [[0], [3, 1], [2]]))
@example(story=Story([PRESENT, PRESENT, ABSENT, PRESENT], [[0], [1, 3], [2]]))
@given(story=stories())
def test_every_order_of_delivery_ends_in_the_same_marks(database: Database, story: Story) -> None:
    """What was said last stands, the four counts always add up, and a redelivery never changes an outcome."""
    note(repr(story))
    school = School(database)
    section = school.section(students=SECTION)
    jobs = list(jobs_of(story, school, section.id, section.students))
    writer = BatchWriter(database)
    outcomes: dict[str, Any] = {}
    for batch in story.batches:
        for job_id, outcome in writer.write([jobs[n] for n in batch]).items():
            assert outcomes.setdefault(job_id, outcome) == outcome
    assert all(sum(counts(outcomes[job.job_id])) == job.total for job in jobs)

    rows = {str(row.student_id): row for row in school.run("select * from student_attendance")}
    found = {n: (rows[who].status, rows[who].remarks) for n, who in enumerate(section.students) if who in rows}
    assert found == story.newest()
    for n, who in enumerate(section.students):
        if who in rows:
            assert rows[who].submitted_at == max(
                job.submitted_at for job, one in zip(jobs, story.submitted, strict=True) if n in one
            )
            assert log_is_unbroken(school, who, rows[who])


def log_is_unbroken(school: School, student: str, mark: Any) -> bool:
    """Each change starts from what the one before it ended in, the last one in what stands; none is left out."""
    changes = audit_entries(school, student)
    after = [(change.after["status"], change.after["remarks"]) for change in changes]
    before = [(change.before["status"], change.before["remarks"]) for change in changes]
    ends_here = not changes or after[-1] == (mark.status, mark.remarks)
    return before[1:] == after[:-1] and ends_here and mark.version == 1 + len(changes)
