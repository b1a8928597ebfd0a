"""The drain: batches from the queue into Postgres, poison parted from the rest, outages charged to nobody."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pg8000.dbapi
import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.exc import OperationalError

from chalicelib.db.engine import make_engine
from chalicelib.db.session import Database
from chalicelib.db.writer import BatchWriter, JobRow, Outcome
from chalicelib.domain.job_state import JobState
from chalicelib.errors import Unavailable
from chalicelib.queue import JobQueue, Lane
from chalicelib.services.drain import RACE_TRIES, Drain, Pace
from tests.db.steps import audit_count, mark_of, standing
from tests.queue.steps import KEYS, leases_run_out, retries_fall_due, see
from tests.school import TODAY, School, Section, new_id
from tests.services.steps import drained, submit

ALONE = Pace(hands=1)
"""One batch after the other, so that a test can tell who is meant."""


@dataclass
class Recorder:
    """A writer that does its work, and lets a test look on or interfere before each batch."""

    writer: BatchWriter
    before: Callable[[Sequence[JobRow]], None] = lambda _: None
    batches: list[list[str]] = field(default_factory=list)

    def write(self, jobs: Sequence[JobRow]) -> dict[str, Outcome]:
        """As BatchWriter."""
        self.batches.append([job.job_id for job in jobs])
        self.before(jobs)
        return self.writer.write(jobs)

    def write_part(self, job: JobRow, size: int) -> tuple[int, Outcome | None]:
        """As BatchWriter."""
        return self.writer.write_part(job, size)

    def bury(self, job: JobRow, error: str) -> None:
        """As BatchWriter."""
        self.writer.bury(job, error)


@pytest.fixture
def recorder(database: Database) -> Recorder:
    """Records the batches."""
    return Recorder(BatchWriter(database))


def deadlock() -> Exception:
    """As Postgres tells one."""
    return OperationalError("insert", {}, pg8000.dbapi.DatabaseError({"C": "40P01", "M": "deadlock detected"}))


def ledger(school: School) -> dict[str, Any]:
    """The ledger's rows by job."""
    return {str(row.job_id): row for row in school.run("select * from attendance_job")}


def test_what_was_queued_is_written_and_its_result_told(queue: JobQueue, drain: Drain, school: School) -> None:
    """In Redis and in the ledger alike."""
    section = school.section(students=2)
    stranger = new_id()
    job_id = submit(queue, school, dict.fromkeys([*section.students, stranger], "PRESENT"), section=section.id)
    report = drained(drain)
    assert (report.completed, report.records, report.stopped) == (1, 3, "empty")
    job = see(queue, job_id)
    assert (job.state, job.attempts_made, job.data) == (JobState.COMPLETED, 1, b"")
    result = {
        "applied": 2, "unchanged": 0, "superseded": 0, "rejected": [{"student_id": stranger, "code": "not_enrolled"}],
    }  # fmt: skip
    assert json.loads(job.result or "") == result
    row = ledger(school)[job_id]
    assert {name: getattr(row, name) for name in result} == result
    assert (row.state, row.total, row.submitted_by, row.attempts_made) == ("completed", 3, "ann", 1)
    assert standing(school) == dict.fromkeys(section.students, "PRESENT")


def test_jobs_of_several_tenants_and_kinds_share_a_batch(queue: JobQueue, recorder: Recorder, school: School) -> None:
    """One transaction for all that wait."""
    other = School(school.database)
    one, two = school.section(students=1), other.section(students=1)
    submit(queue, school, {one.students[0]: "ABSENT"}, section=one.id)
    submit(queue, other, {two.students[0]: "LATE"}, section=two.id)
    submit(queue, other, {other.staff(): "PRESENT"}, kind="staff", lane=Lane.BULK)
    report = drained(Drain(queue, recorder))
    assert (report.completed, len(recorder.batches)) == (3, 1)
    assert (set(standing(school).values()), set(standing(other).values())) == ({"ABSENT"}, {"LATE"})
    assert other.run("select status from staff_attendance") == [("PRESENT",)]


def test_submissions_of_one_mark_end_in_the_newest(queue: JobQueue, drain: Drain, school: School) -> None:
    """Redis' clock orders them, to the microsecond."""
    section = school.section(students=1)
    [kim] = section.students
    for status in ("ABSENT", "LATE", "EXCUSED", "PRESENT"):
        submit(queue, school, {kim: status}, section=section.id)
    drained(drain)
    assert standing(school) == {kim: "PRESENT"}
    assert (mark_of(school, kim).version, audit_count(school)) == (4, 3)


POISON = {
    "a status that does not exist": b'{"records": [{"student_id": "%b", "status": "HERE"}]}' % new_id().encode(),
    "no JSON": b"not json",
    "no UTF-8": b"\xff\xfe",
    "nothing": b"",
}


@pytest.mark.parametrize("what", POISON)
def test_a_poison_job_is_parted_from_its_batch(
    queue: JobQueue, recorder: Recorder, redis: Redis, school: School, what: str
) -> None:
    """The others commit; it is delayed, failed at its third attempt, and stands in the ledger with its reason."""
    section = school.section(students=9)
    good = [submit(queue, school, {student: "PRESENT"}, section=section.id) for student in section.students[:4]]
    poison = submit(queue, school, {section.students[0]: "ABSENT"}, data=POISON[what])
    good += [submit(queue, school, {student: "PRESENT"}, section=section.id) for student in section.students[4:]]
    drain = Drain(queue, recorder)

    report = drained(drain)
    assert (report.completed, report.delayed, report.failed, report.stopped) == (9, 1, 0, "empty")
    assert len(recorder.batches[0]) == 10
    assert len(recorder.batches) <= 9, "halving takes few tries to find one among ten"
    assert standing(school) == dict.fromkeys(section.students, "PRESENT")
    assert {see(queue, job_id).state for job_id in good} == {JobState.COMPLETED}
    assert (see(queue, poison).state, see(queue, poison).attempts_made) == (JobState.DELAYED, 1)
    assert poison not in ledger(school)

    retries_fall_due(redis)
    assert drained(drain).delayed == 1
    retries_fall_due(redis)
    assert drained(drain).failed == 1
    job = see(queue, poison)
    assert (job.state, job.attempts_made) == (JobState.FAILED, 3)
    row = ledger(school)[poison]
    assert (row.state, row.attempts_made, row.applied, row.error) == ("failed", 3, 0, json.loads(job.error or ""))
    assert row.error["code"] == "not_writable"


def test_two_poison_jobs_do_not_hide_each_other(queue: JobQueue, drain: Drain, school: School) -> None:
    """Each is parted, wherever the two stand."""
    section = school.section(students=6)
    submit(queue, school, {section.students[0]: "PRESENT"}, data=b"{")
    for student in section.students:
        submit(queue, school, {student: "PRESENT"}, section=section.id)
    submit(queue, school, {section.students[0]: "PRESENT"}, data=b"[")
    report = drained(drain)
    assert (report.completed, report.delayed) == (6, 2)
    assert len(standing(school)) == 6


def test_a_job_of_an_unknown_kind_is_parted_and_says_so(
    queue: JobQueue, drain: Drain, redis: Redis, school: School
) -> None:
    """A newer release may have queued it; it waits its attempts out and can be retried after the next deployment."""
    section = school.section(students=1)
    good = submit(queue, school, {section.students[0]: "PRESENT"}, section=section.id)
    strange = submit(queue, school, {section.students[0]: "ABSENT"}, kind="parents")
    report = drained(drain)
    assert (report.completed, report.delayed) == (1, 1)
    assert see(queue, good).state is JobState.COMPLETED
    for _ in range(2):
        retries_fall_due(redis)
        drained(drain)
    job = see(queue, strange)
    assert job.state is JobState.FAILED
    assert json.loads(job.error or "")["detail"] == "There is no kind of job called 'parents'."


def test_a_dead_job_that_is_sent_again_is_applied(
    queue: JobQueue, recorder: Recorder, redis: Redis, school: School
) -> None:
    """What was missing has come meanwhile; the ledger tells of a completed job, no longer of a dead one."""
    section = school.section(students=1)

    def fail(_: Sequence[JobRow]) -> None:
        raise OperationalError("insert", {}, pg8000.dbapi.DatabaseError({"C": "23514", "M": "no partition"}))

    recorder.before = fail
    job_id = submit(queue, school, {section.students[0]: "PRESENT"}, section=section.id)
    for _ in range(3):
        drained(Drain(queue, recorder))
        retries_fall_due(redis)
    assert see(queue, job_id).state is JobState.FAILED
    assert ledger(school)[job_id].state == "failed"

    queue.redrive(school.tenant, job_id)
    recorder.before = lambda _: None
    assert drained(Drain(queue, recorder)).completed == 1
    assert (ledger(school)[job_id].state, ledger(school)[job_id].error) == ("completed", None)
    assert standing(school) == {section.students[0]: "PRESENT"}


def test_a_dead_job_that_the_ledger_cannot_hold_stops_nobody(
    queue: JobQueue, drain: Drain, redis: Redis, school: School
) -> None:
    """Its tenant is no UUID, say: Redis tells of it, and those beside it are written."""
    section = school.section(students=1)
    nowhere = School(school.database)
    nowhere.tenant = "nowhere"
    lost = submit(queue, nowhere, {section.students[0]: "PRESENT"})
    for _ in range(2):
        drained(drain)
        retries_fall_due(redis)
    good = submit(queue, school, {section.students[0]: "PRESENT"}, section=section.id)
    report = drained(drain)
    assert (report.completed, report.failed, report.stopped) == (1, 1, "empty")
    assert see(queue, lost).state is JobState.FAILED
    assert see(queue, good).state is JobState.COMPLETED


def test_what_a_poison_job_says_does_not_end_in_the_log(
    queue: JobQueue, drain: Drain, school: School, caplog: pytest.LogCaptureFixture
) -> None:
    """Postgres quotes the row that it refuses; the log names the job and the SQLSTATE only."""
    section = school.section(students=1)
    [kim] = section.students
    data = b'{"date": "%b", "records": [{"student_id": "%b", "status": "ABSENT", "remarks": "measles"}]}'
    job_id = submit(queue, school, {kim: "ABSENT"}, data=data % (str(TODAY).encode(), kim.encode()))
    assert drained(drain).delayed == 1
    assert job_id in caplog.text
    assert "23502" in caplog.text or "22P02" in caplog.text
    assert "measles" not in caplog.text
    assert kim not in caplog.text
    assert "measles" not in (see(queue, job_id).error or "")


def test_an_outage_of_postgres_charges_nobody(queue: JobQueue, school: School) -> None:
    """The jobs are given back as they were, and the drain ends instead of turning in circles."""
    section = school.section(students=3)
    jobs = [submit(queue, school, {student: "PRESENT"}, section=section.id) for student in section.students]
    away = BatchWriter(Database(make_engine("postgresql://rollcall_app@127.0.0.1:1/rollcall")))
    report = drained(Drain(queue, away))
    assert (report.released, report.completed, report.stopped) == (3, 0, "outage")
    for job_id in jobs:
        job = see(queue, job_id)
        assert (job.state, job.attempts_made, job.stalls) == (JobState.WAITING, 0, 0)


def test_after_an_outage_the_jobs_are_written_in_their_order(queue: JobQueue, drain: Drain, school: School) -> None:
    """As if nothing had been."""
    section = school.section(students=1)
    [kim] = section.students
    for status in ("ABSENT", "PRESENT"):
        submit(queue, school, {kim: status}, section=section.id)
    away = BatchWriter(Database(make_engine("postgresql://rollcall_app@127.0.0.1:1/rollcall")))
    for _ in range(5):
        drained(Drain(queue, away))
    assert drained(drain).completed == 2
    assert (standing(school), audit_count(school)) == ({kim: "PRESENT"}, 1)


def test_an_outage_while_a_batch_is_parted_gives_back_what_is_left(
    queue: JobQueue, recorder: Recorder, school: School
) -> None:
    """What has committed stays, what has not is released, and nothing is lost between the two."""
    section = school.section(students=8)
    poison = submit(queue, school, {section.students[0]: "ABSENT"}, data=b"{")
    for student in section.students:
        submit(queue, school, {student: "PRESENT"}, section=section.id)

    def fail_at_the_fifth(_: Sequence[JobRow]) -> None:
        if len(recorder.batches) == 5:
            raise Unavailable("Postgres does not answer.")

    recorder.before = fail_at_the_fifth
    report = drained(Drain(queue, recorder))
    assert report.stopped == "outage"
    assert report.released > 0
    assert report.completed + report.delayed + report.released == 9
    counts = queue.counts()
    assert (counts.waiting, counts.active, counts.delayed) == (report.released, 0, 1)
    assert see(queue, poison).attempts_made == 1
    recorder.before = lambda _: None
    drained(Drain(queue, recorder))
    assert len(standing(school)) == 8


def test_a_drain_that_runs_out_of_time_stops_claiming(queue: JobQueue, recorder: Recorder, school: School) -> None:
    """What it has not claimed waits for the next one, unleased."""
    section = school.section(students=3)
    for student in section.students:
        submit(queue, school, {student: "PRESENT"}, section=section.id)
    clock = iter([60_000, 30_000, 4_999])
    report = Drain(queue, recorder, Pace(max_jobs=1)).run(lambda: next(clock), linger_s=0)
    assert (report.completed, report.stopped) == (2, "time")
    assert (queue.counts().waiting, queue.counts().active) == (1, 0)


def test_a_drain_without_time_claims_nothing(queue: JobQueue, recorder: Recorder, school: School) -> None:
    """It was called with its last second."""
    submit(queue, school, {new_id(): "PRESENT"})
    report = Drain(queue, recorder).run(lambda: 1_000)
    assert (report.stopped, recorder.batches, queue.counts().waiting) == ("time", [], 1)


def test_a_lease_outlives_the_drain_by_its_margin(
    queue: JobQueue, recorder: Recorder, redis: Redis, school: School
) -> None:
    """Nobody else takes a job while its holder may still be alive."""
    leases: list[float] = []

    def look(_: Sequence[JobRow]) -> None:
        found: Any = redis.zrange(KEYS.leases, 0, -1, withscores=True)
        time: Any = redis.time()
        leases.extend(score - time[0] * 1_000 - time[1] / 1_000 for _, score in found)

    recorder.before = look
    submit(queue, school, {new_id(): "PRESENT"})
    Drain(queue, recorder, Pace(lease_margin_ms=7_000)).run(lambda: 20_000, linger_s=0)
    [left] = leases
    assert 24_000 < left <= 27_000


def test_a_deadlock_is_tried_again_and_charged_to_nobody(queue: JobQueue, recorder: Recorder, school: School) -> None:
    """Twice in a row is no harm."""
    section = school.section(students=1)

    def meet(_: Sequence[JobRow]) -> None:
        if len(recorder.batches) < RACE_TRIES:
            raise deadlock()

    recorder.before = meet
    job_id = submit(queue, school, {section.students[0]: "PRESENT"}, section=section.id)
    report = drained(Drain(queue, recorder))
    assert (report.completed, len(recorder.batches)) == (1, RACE_TRIES)
    assert see(queue, job_id).attempts_made == 1
    assert standing(school) == {section.students[0]: "PRESENT"}


def test_deadlocks_without_end_give_the_jobs_back(queue: JobQueue, recorder: Recorder, school: School) -> None:
    """Uncharged: it is not their fault."""

    def meet(_: Sequence[JobRow]) -> None:
        raise deadlock()

    recorder.before = meet
    job_id = submit(queue, school, {new_id(): "PRESENT"})
    report = drained(Drain(queue, recorder))
    assert (report.released, report.stopped, len(recorder.batches)) == (1, "outage", RACE_TRIES)
    assert (see(queue, job_id).state, see(queue, job_id).attempts_made) == (JobState.WAITING, 0)


def test_a_lease_that_was_lost_is_counted_and_the_job_applied_once(
    queue: JobQueue, recorder: Recorder, redis: Redis, school: School
) -> None:
    """A drain that was held up is overtaken by another: the marks are written once, the result is told by one."""
    section = school.section(students=1)
    job_id = submit(queue, school, {section.students[0]: "PRESENT"}, section=section.id)
    overtaker = Drain(queue, recorder.writer)

    def be_held_up(_: Sequence[JobRow]) -> None:
        leases_run_out(redis)
        assert drained(overtaker).completed == 1

    recorder.before = be_held_up
    report = drained(Drain(queue, recorder, ALONE))
    assert (report.lost, report.completed, report.stopped) == (1, 0, "empty")
    assert see(queue, job_id).state is JobState.COMPLETED
    assert mark_of(school, section.students[0]).version == 1
    assert len(ledger(school)) == 1


def test_a_poison_job_whose_lease_was_lost_is_not_charged_twice(
    queue: JobQueue, recorder: Recorder, redis: Redis, school: School
) -> None:
    """Who holds it now has charged it."""
    job_id = submit(queue, school, {new_id(): "PRESENT"}, data=b"{")
    overtaker = Drain(queue, recorder.writer)

    def be_held_up(_: Sequence[JobRow]) -> None:
        leases_run_out(redis)
        assert drained(overtaker).delayed == 1

    recorder.before = be_held_up
    assert drained(Drain(queue, recorder, ALONE)).lost == 1
    assert see(queue, job_id).attempts_made == 1


def test_a_job_that_committed_and_was_not_acked_is_applied_once(
    queue: JobQueue, drain: Drain, redis: Redis, school: School
) -> None:
    """Redis went away in between: the next drain finds it in the ledger and tells its first result."""
    section = school.section(students=1)
    job_id = submit(queue, school, {section.students[0]: "PRESENT"}, section=section.id)
    report = drained(Drain(Mute(redis), drain.writer))
    assert (report.completed, report.stopped) == (0, "outage")
    assert standing(school) == {section.students[0]: "PRESENT"}
    assert see(queue, job_id).state is JobState.ACTIVE
    submit(queue, school, {section.students[0]: "LATE"}, section=section.id)

    leases_run_out(redis)
    assert drained(drain).completed == 2
    assert json.loads(see(queue, job_id).result or "")["applied"] == 1
    assert (standing(school), audit_count(school)) == ({section.students[0]: "LATE"}, 1)


class Mute(JobQueue):
    """A queue whose acks do not arrive."""

    def ack(self, done: Any) -> list[bool]:
        """Redis is away."""
        raise Unavailable


def test_redis_away_is_told_to_the_caller(database: Database) -> None:
    """There is nothing to drain and nothing to give back."""
    away = JobQueue(Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0)))
    with pytest.raises(Unavailable):
        drained(Drain(away, BatchWriter(database)))


def test_a_lingering_drain_takes_what_comes_meanwhile(queue: JobQueue, recorder: Recorder, school: School) -> None:
    """A second register of the same bell needs no second bell."""
    section = school.section(students=2)

    def ring_again(_: Sequence[JobRow]) -> None:
        if len(recorder.batches) == 1:
            submit(queue, school, {section.students[1]: "PRESENT"}, section=section.id)

    recorder.before = ring_again
    submit(queue, school, {section.students[0]: "PRESENT"}, section=section.id)
    report = Drain(queue, recorder).run(lambda: 60_000, linger_s=0.05)
    assert (report.completed, len(recorder.batches)) == (2, 2)


def test_a_drain_takes_no_more_records_than_its_pace(queue: JobQueue, recorder: Recorder, school: School) -> None:
    """A batch is a transaction, and a transaction of a whole district would hold its locks too long."""
    section = school.section(students=10)
    for _ in range(4):
        submit(queue, school, dict.fromkeys(section.students, "PRESENT"), section=section.id)
    report = drained(Drain(queue, recorder, replace(Pace(), max_records=25)))
    assert (report.completed, report.records) == (4, 40)
    assert [len(batch) for batch in recorder.batches] == [2, 2]


class Pair:
    """A writer whose batches wait for each other before they are written, or before they meet an outage."""

    def __init__(self, writer: BatchWriter) -> None:
        self.writer, self.away, self.barrier = writer, False, threading.Barrier(2)

    def write(self, jobs: Sequence[JobRow]) -> dict[str, Outcome]:
        """As BatchWriter, once there are two."""
        self.barrier.wait(30)
        if self.away:
            raise Unavailable("Postgres does not answer.")
        return self.writer.write(jobs)

    def write_part(self, job: JobRow, size: int) -> tuple[int, Outcome | None]:
        """As BatchWriter."""
        return self.writer.write_part(job, size)

    def bury(self, job: JobRow, error: str) -> None:
        """As BatchWriter."""
        self.writer.bury(job, error)


@pytest.fixture
def two_batches(queue: JobQueue, school: School) -> Section:
    """A section of four, each student's mark a job."""
    section = school.section(students=4)
    for student in section.students:
        submit(queue, school, {student: "PRESENT"}, section=section.id)
    return section


def test_two_batches_are_written_at_once(
    queue: JobQueue, database: Database, school: School, two_batches: Section
) -> None:
    """Postgres need not idle while the queue is told of the one, or Python waits for the other's commit."""
    report = drained(Drain(queue, Pair(BatchWriter(database)), Pace(max_jobs=2)))
    assert (report.completed, report.records, report.stopped) == (4, 4, "empty")
    assert standing(school) == dict.fromkeys(two_batches.students, "PRESENT")


def test_an_outage_gives_both_batches_back_and_claims_no_third(
    queue: JobQueue, database: Database, school: School, two_batches: Section
) -> None:
    """Uncharged, and each once."""
    writer = Pair(BatchWriter(database))
    writer.away = True
    report = drained(Drain(queue, writer, Pace(max_jobs=2)))
    assert (report.completed, report.stopped) == (0, "outage")
    assert report.released >= 4
    counts = queue.counts()
    assert (counts.waiting, counts.active, counts.delayed) == (4, 0, 0)
    writer.away = False
    assert drained(Drain(queue, writer, Pace(max_jobs=2))).completed == 4
    ledgered = ledger(school).values()
    assert {row.attempts_made for row in ledgered} == {1}


def test_a_report_is_what_a_lambda_can_answer(drain: Drain) -> None:
    """Numbers and the reason of the end."""
    assert json.loads(json.dumps(drained(drain).to_json())) == {
        "completed": 0, "delayed": 0, "failed": 0, "lost": 0, "released": 0, "records": 0, "applied": 0, "unchanged": 0,
        "superseded": 0, "rejected": 0, "stalled": 0, "died": 0, "stopped": "empty",
    }  # fmt: skip
