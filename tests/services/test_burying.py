"""Dead jobs in the ledger: also those that stalled, and those whose drain ended before it could note them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis

from chalicelib.db.session import Database
from chalicelib.db.writer import BatchWriter, JobRow, Outcome
from chalicelib.domain.attendance import Role
from chalicelib.domain.job_state import JobState
from chalicelib.errors import Unavailable
from chalicelib.queue import Job, JobQueue
from chalicelib.services.drain import Drain
from chalicelib.services.jobs import JobReporter
from chalicelib.services.reading import PostgresMarks
from tests.queue.steps import KEYS, claim_one, leases_run_out, see
from tests.school import School
from tests.services.steps import actor, drained, submit


def stalls(queue: JobQueue, redis: Redis, school: School) -> str:
    """The id of a job that ended two consumers; the next claim finds it dead."""
    section = school.section(students=1)
    job_id = submit(queue, school, {section.students[0]: "PRESENT"}, section=section.id)
    for _ in range(2):
        claim_one(queue)
        leases_run_out(redis)
    return job_id


def ledger(school: School) -> dict[str, Any]:
    """The state and error of each job in the ledger."""
    return {str(row.job_id): (row.state, row.error) for row in school.run("select * from attendance_job")}


def test_a_stalled_job_is_told_from_the_ledger_when_redis_has_forgotten(
    queue: JobQueue, drain: Drain, redis: Redis, school: School
) -> None:
    job_id = stalls(queue, redis, school)
    assert drained(drain).completed == 0
    reporter = JobReporter(queue, lambda: PostgresMarks(school.database))
    before = reporter.find(actor(school, Role.OFFICE), job_id)
    redis.delete(KEYS.job(job_id))
    after = reporter.find(actor(school, Role.OFFICE), job_id)
    assert (after.state, after.error, after.attempts_made) == (JobState.FAILED, before.error, 0)
    assert (after.error or {})["code"] == "stalled"
    assert queue.unburied() == []


def test_its_followers_are_told(queue: JobQueue, drain: Drain, redis: Redis, school: School) -> None:
    """The claim that finds it dead gives it to nobody."""
    told: list[str] = []

    class Listener:
        def changed(self, jobs: Sequence[Job]) -> None:
            told.extend(job.id for job in jobs)

        def settle(self, within_s: float = 0) -> None:
            pass

    job_id = stalls(queue, redis, school)
    drained(Drain(queue, drain.writer, events=Listener()))
    assert told == [job_id]


class Forgetful(JobQueue):
    """The process ends before it can say that the dead are buried."""

    def bury(self, jobs: Sequence[Job]) -> None:
        """Nothing arrives."""
        raise Unavailable


def test_a_drain_that_ends_around_a_burial_loses_none(
    queue: JobQueue, drain: Drain, redis: Redis, school: School
) -> None:
    """The job is told of again, and its row is the same row."""
    job_id = stalls(queue, redis, school)
    queue.claim(max_jobs=1, max_records=1, lease_ms=1)  # finds it dead, and its consumer ends right here
    assert see(queue, job_id).state is JobState.FAILED
    assert ledger(school) == {}
    assert drained(Drain(Forgetful(redis), drain.writer)).stopped == "outage"
    once = ledger(school)
    assert once[job_id][0] == "failed"
    assert drained(drain).stopped == "empty"
    assert ledger(school) == once
    assert queue.unburied() == []


@dataclass
class WithoutLedger:
    """A writer whose ledger is away."""

    writer: BatchWriter

    def write(self, jobs: Sequence[JobRow]) -> dict[str, Outcome]:
        """As BatchWriter."""
        return self.writer.write(jobs)

    def write_part(self, job: JobRow, size: int) -> tuple[int, Outcome | None]:
        """As BatchWriter."""
        return self.writer.write_part(job, size)

    def bury(self, job: JobRow, error: str) -> None:
        """Away."""
        raise ConnectionResetError


def test_an_outage_at_the_burial_is_made_up_for(
    queue: JobQueue, drain: Drain, redis: Redis, database: Database, school: School
) -> None:
    """A poison job's last attempt is charged, and the ledger hears of it from the next drain."""
    job_id = submit(queue, school, {school.students(1)[0]: "PRESENT"}, data=b"{")
    redis.hset(KEYS.job(job_id), "max_attempts", 1)
    report = drained(Drain(queue, WithoutLedger(BatchWriter(database))))
    assert (report.failed, report.stopped) == (1, "outage")
    assert ledger(school) == {}
    assert drained(drain).stopped == "empty"
    assert ledger(school)[job_id][0] == "failed"


def test_more_dead_than_a_drain_tells_at_once_are_all_told(
    queue: JobQueue, drain: Drain, redis: Redis, school: School
) -> None:
    [kim] = school.students(1)
    jobs = [submit(queue, school, {kim: "PRESENT"}, data=b"{") for _ in range(104)]
    for job in jobs:
        queue.claim(max_jobs=1, max_records=1, lease_ms=60_000)
        redis.hset(KEYS.job(job), "stalls", 1)
    leases_run_out(redis)
    drained(drain)
    assert {job: state for job, (state, _) in ledger(school).items()} == dict.fromkeys(jobs, "failed")


def test_a_job_that_was_redriven_in_between_is_not_marked_dead(
    queue: JobQueue, drain: Drain, redis: Redis, school: School
) -> None:
    """Its ledger row says what became of it, whichever drain comes last."""
    job_id = stalls(queue, redis, school)
    queue.claim(max_jobs=1, max_records=1, lease_ms=1)
    late = queue.unburied()
    queue.redrive(school.tenant, job_id)
    assert drained(drain).completed == 1

    class Late(JobQueue):
        def unburied(self, limit: int = 100) -> list[Job]:
            return [late.pop()] if late else []

    drained(Drain(Late(redis), drain.writer))
    assert late == []
    assert ledger(school)[job_id] == ("completed", None)
