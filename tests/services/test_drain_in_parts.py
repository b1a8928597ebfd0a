"""A job larger than a batch is written part by part; an interrupted one goes on where the ledger says it stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pg8000.dbapi
import pytest
from redis import Redis
from sqlalchemy.exc import DataError

from chalicelib.db.session import Database
from chalicelib.db.writer import BatchWriter, JobRow, Outcome
from chalicelib.domain.job_state import JobState
from chalicelib.queue import Job, JobQueue
from chalicelib.services.drain import Drain, Pace
from tests.db.steps import audit_count, standing
from tests.queue.steps import leases_run_out, retries_fall_due, see
from tests.school import School, Section, new_id
from tests.services.steps import drained, submit

SMALL = Pace(max_records=10, hands=1, stop_below_ms=1_000)


@dataclass
class Told:
    """Notes how far each moved job is."""

    queue: JobQueue
    progress: list[int] = field(default_factory=list)

    def changed(self, jobs: Sequence[Job]) -> None:
        """Called by the drain."""
        self.progress += [see(self.queue, job.id).processed for job in jobs]

    def settle(self, seconds: float = 0) -> None:
        """Nothing is under way."""


@dataclass
class Crashing:
    """A writer whose process dies after so many parts: what is committed stays, nobody hears of it."""

    writer: BatchWriter
    parts: int

    def write(self, jobs: Sequence[JobRow]) -> dict[str, Outcome]:
        """As BatchWriter."""
        return self.writer.write(jobs)

    def write_part(self, job: JobRow, size: int) -> tuple[int, Outcome | None]:
        """Commit, then die."""
        done = self.writer.write_part(job, size)
        self.parts -= 1
        if self.parts == 0:
            raise SystemExit
        return done

    def bury(self, job: JobRow, error: str) -> None:
        """As BatchWriter."""
        self.writer.bury(job, error)


@pytest.fixture
def section(school: School) -> Section:
    """Of 35 students: four parts of ten."""
    return school.section(students=35)


@pytest.fixture
def drain(queue: JobQueue, database: Database) -> Drain:
    """A drain that takes ten records at once."""
    return Drain(queue, BatchWriter(database), SMALL)


def a_large_job(queue: JobQueue, school: School, section: Section, status: str = "PRESENT", **more: Any) -> str:
    """Marks the whole section."""
    return submit(queue, school, dict.fromkeys(section.students, status), section=section.id, **more)


def ledger(school: School) -> Any:
    """The only row of the ledger."""
    [row] = school.run("select * from attendance_job")
    return row


def out_of_time_after(looks: int) -> Callable[[], int]:
    """A Lambda whose remaining time falls below the pace's limit after so many looks."""
    left = [60_000] * looks
    return lambda: left.pop() if left else 0


def test_progress_is_told_after_each_part(queue: JobQueue, drain: Drain, school: School, section: Section) -> None:
    """Ten, twenty, thirty, all."""
    told = Told(queue)
    job = a_large_job(queue, school, section)
    report = drained(replace(drain, events=told))
    assert (report.completed, report.records) == (1, 35)
    assert told.progress == [0, 10, 20, 30, 35]
    assert see(queue, job).state is JobState.COMPLETED
    assert standing(school) == dict.fromkeys(section.students, "PRESENT")
    row = ledger(school)
    assert (row.state, row.processed, row.applied) == ("completed", 35, 35)


def test_a_drain_out_of_time_gives_the_rest_back(
    queue: JobQueue, drain: Drain, school: School, section: Section
) -> None:
    """It is waiting again with its progress, no attempt charged; the next drain writes only the rest."""
    job = a_large_job(queue, school, section)
    report = drain.run(out_of_time_after(3), linger_s=0)
    assert (report.released, report.stopped) == (1, "time")
    waiting = see(queue, job)
    assert (waiting.state, waiting.processed, waiting.attempts_made) == (JobState.WAITING, 20, 0)
    assert len(standing(school)) == 20
    row = ledger(school)
    assert (row.state, row.processed, row.applied) == ("active", 20, 20)
    assert drained(drain).completed == 1
    assert (ledger(school).applied, audit_count(school)) == (35, 0)
    assert {row.version for row in school.run("select version from student_attendance")} == {1}


@pytest.mark.parametrize("parts", [1, 2, 4])
def test_a_consumer_that_died_after_a_part_is_followed_where_it_stood(
    redis: Redis, queue: JobQueue, drain: Drain, school: School, section: Section, database: Database, parts: int
) -> None:
    """The ledger knows what Redis was not told; nothing is written twice."""
    job = a_large_job(queue, school, section)
    with pytest.raises(SystemExit):
        drained(replace(drain, writer=Crashing(BatchWriter(database), parts)))
    assert see(queue, job).processed == (parts - 1) * 10
    leases_run_out(redis)
    assert drained(drain).completed == 1
    row = ledger(school)
    assert (row.state, row.processed, row.applied, row.unchanged) == ("completed", 35, 35, 0)
    assert audit_count(school) == 0


def test_a_drain_with_a_larger_batch_finishes_what_was_begun_in_parts(
    redis: Redis, queue: JobQueue, drain: Drain, school: School, section: Section, database: Database
) -> None:
    """Also when it takes the job whole, with others."""
    job = a_large_job(queue, school, section)
    with pytest.raises(SystemExit):
        drained(replace(drain, writer=Crashing(BatchWriter(database), 2)))
    leases_run_out(redis)
    other = submit(queue, school, {section.students[0]: "LATE"}, section=section.id)
    assert drained(Drain(queue, BatchWriter(database))).completed == 2
    assert [see(queue, id_).state for id_ in (job, other)] == [JobState.COMPLETED] * 2
    assert standing(school) == dict.fromkeys(section.students, "PRESENT") | {section.students[0]: "LATE"}
    assert audit_count(school) == 1


def test_outcomes_of_the_parts_add_up(queue: JobQueue, drain: Drain, school: School, section: Section) -> None:
    """Applied, unchanged, superseded and rejected, told by the last part."""
    strangers = [new_id(), new_id()]
    submit(queue, school, {section.students[3]: "PRESENT", section.students[30]: "PRESENT"}, section=section.id)
    marks = dict.fromkeys([*section.students[:20], strangers[0], *section.students[20:], strangers[1]], "PRESENT")
    submit(queue, school, marks, section=section.id)
    drained(drain)
    [row] = [row for row in school.run("select * from attendance_job") if row.total == 37]
    assert (row.applied, row.unchanged, row.superseded, row.processed) == (33, 2, 0, 37)
    assert [fault["student_id"] for fault in row.rejected] == strangers


@dataclass
class Refusing(Crashing):
    """A writer whose database takes so many parts and refuses the data of the next."""

    def write_part(self, job: JobRow, size: int) -> tuple[int, Outcome | None]:
        """Commit, or be refused."""
        if self.parts == 0:
            raise DataError("insert", {}, pg8000.dbapi.DatabaseError({"C": "22P02", "M": "invalid input"}))
        self.parts -= 1
        return self.writer.write_part(job, size)


def test_a_part_that_cannot_be_written_ends_the_job_and_keeps_what_was(
    redis: Redis, queue: JobQueue, drain: Drain, school: School, section: Section, database: Database
) -> None:
    """Three attempts at the second part; the dead job's row tells how far it came, and a retry goes on from there."""
    job = a_large_job(queue, school, section)
    for _ in range(3):
        drained(replace(drain, writer=Refusing(BatchWriter(database), 1 if see(queue, job).processed == 0 else 0)))
        retries_fall_due(redis)
    dead = see(queue, job)
    assert (dead.state, dead.processed, dead.attempts_made) == (JobState.FAILED, 10, 3)
    row = ledger(school)
    assert (row.state, row.processed, row.applied, row.error["code"]) == ("failed", 10, 10, "not_writable")
    queue.redrive(school.tenant, job)
    assert drained(drain).completed == 1
    row = ledger(school)
    assert (row.state, row.processed, row.applied, row.error) == ("completed", 35, 35, None)
    assert audit_count(school) == 0


def test_a_lost_lease_stops_the_parts(
    redis: Redis, queue: JobQueue, drain: Drain, school: School, section: Section
) -> None:
    """Whoever has the job now goes on; the first one touches nothing more."""
    job = a_large_job(queue, school, section)

    @dataclass
    class Overtaken(Told):
        taken: list[Job] = field(default_factory=list)

        def changed(self, jobs: Sequence[Job]) -> None:
            if not self.taken:
                leases_run_out(redis)
                self.taken += self.queue.claim(max_jobs=1, max_records=10, lease_ms=60_000)

    events = Overtaken(queue)
    report = drained(replace(drain, events=events))
    assert (report.lost, report.completed) == (1, 0)
    assert len(standing(school)) == 10
    assert see(queue, job).state is JobState.ACTIVE
    queue.release(events.taken)
    assert drained(drain).completed == 1
    assert (ledger(school).applied, audit_count(school)) == (35, 0)
