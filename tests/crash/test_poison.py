"""A job whose data no database would take, among others that are good."""

from __future__ import annotations

import json
import signal

from redis import Redis

from chalicelib.domain.job_state import JobState
from chalicelib.queue import JobQueue
from tests.crash.conftest import StartConsumer
from tests.crash.day import Day
from tests.crash.process import until
from tests.crash.watch import Watch
from tests.queue.steps import retries_fall_due, see
from tests.school import School, new_id
from tests.services.steps import submit

POISON = b'{"date": "2026-13-45", "records": [{"student_id": "x", "status": "HERE"}]}'


def test_a_poison_job_among_fifty(
    consumer: StartConsumer, queue: JobQueue, redis: Redis, school: School, watch: Watch
) -> None:
    """Forty-nine are applied; the fiftieth fails at its third attempt, with its reason, in Redis and in the ledger."""
    # Given fifty jobs in one batch, one of them poison
    day = Day(queue, school)
    for _ in range(25):
        day.register(students=1)
    poison = submit(queue, school, {new_id(): "ABSENT"}, data=POISON)
    for _ in range(24):
        day.register(students=1)

    def delayed_after(attempts: int) -> bool:
        job = see(queue, poison)
        return (job.state, job.attempts_made) == (JobState.DELAYED, attempts)

    # when they are drained, and the poison twice again after its backoff
    working = consumer()
    for number in (1, 2):
        until(lambda: delayed_after(number))  # noqa: B023 - called at once
        retries_fall_due(redis)
    assert working.ended() == 0
    # then all others are in the books, and the poison is dead
    job = see(queue, poison)
    assert (job.state, job.attempts_made, job.stalls) == (JobState.FAILED, 3, 0)
    assert json.loads(job.error or "")["code"] == "not_writable"
    assert {one.state for one in day.seen()} == {JobState.COMPLETED}
    assert (working.report()["completed"], working.report()["delayed"], working.report()["failed"]) == (49, 2, 1)
    ledger = school.run("select job_id::text, state, attempts_made, error ->> 'code' from attendance_job")
    expected = [(job_id, "completed", 1, None) for job_id in day.jobs] + [(poison, "failed", 3, "not_writable")]
    assert sorted(map(tuple, ledger), key=str) == sorted(expected, key=str)
    [(marks, versions)] = school.run("select count(*), sum(version) from student_attendance")
    assert (marks, versions) == (49, 49)
    attempt = ["waiting", "active", "delayed"]
    assert watch.over()[poison] == [*attempt, *attempt, "waiting", "active", "failed"]


def test_killed_before_the_ledger_knows_of_the_death(
    consumer: StartConsumer, queue: JobQueue, redis: Redis, school: School
) -> None:
    """A job fails for the last time, and so does its consumer: the next one tells the ledger."""
    # Given a poison job that has failed twice
    poison = submit(queue, school, {new_id(): "ABSENT"}, data=POISON)
    for _ in range(2):
        assert consumer(once=True).ended() == 0
        retries_fall_due(redis)
    # when its consumer is killed right after the third time
    assert consumer("failed").ended() == -signal.SIGKILL
    assert see(queue, poison).state is JobState.FAILED
    assert school.run("select job_id from attendance_job") == []
    # then the next one notes it
    assert consumer(once=True).ended() == 0
    assert school.run("select job_id::text, state, attempts_made from attendance_job") == [(poison, "failed", 3)]
