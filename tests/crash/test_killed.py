"""A consumer that dies by SIGKILL, wherever it is in its work: the next one finishes, nothing is lost or doubled."""

from __future__ import annotations

import signal

import pytest
from redis import Redis

from chalicelib.domain.job_state import JobState
from chalicelib.queue import JobQueue
from tests.crash.conftest import StartConsumer
from tests.crash.day import Day, a_day
from tests.crash.watch import Watch
from tests.queue.steps import leases_run_out
from tests.school import School

WAITING, ACTIVE, COMPLETED = JobState.WAITING, JobState.ACTIVE, JobState.COMPLETED
STRAIGHT = [WAITING, ACTIVE, COMPLETED]
BACK = [WAITING, ACTIVE, WAITING, ACTIVE, COMPLETED]


@pytest.mark.parametrize("point", ["claimed", "opened", "writing", "committing", "committed", "acked"])
def test_killed_at_its_second_batch(
    point: str, consumer: StartConsumer, queue: JobQueue, school: School, watch: Watch
) -> None:
    """The batch in hand comes back when its lease ends, and each stall is counted; what was acked stays done."""
    # Given a day of registers and corrections
    day = a_day(queue, school)
    # when the consumer dies at its second batch of four
    assert consumer(point, nth=2, max_jobs=4, lease_ms=700).ended() == -signal.SIGKILL
    held = 0 if point == "acked" else 4
    assert queue.counts().active == held
    # then another one finishes the day
    assert consumer().ended() == 0
    day.is_in_the_books_once()
    assert [job.stalls for job in day.seen()] == [0] * 4 + [min(1, held)] * 4 + [0] * 4
    paths = watch.over()
    assert [paths[job_id] for job_id in day.jobs] == [STRAIGHT] * 4 + [BACK if held else STRAIGHT] * 4 + [STRAIGHT] * 4


@pytest.mark.parametrize("point", ["writing", "committing", "committed"])
def test_killed_with_two_batches_at_work(
    point: str, consumer: StartConsumer, queue: JobQueue, school: School, watch: Watch
) -> None:
    """Whatever each of them had done: both come back, and what was committed is not written again."""
    # Given twelve registers (a correction might overtake its mark here, and rightly supersede it)
    day = Day(queue, school)
    for _ in range(12):
        day.register()
    # when the consumer dies over the second of two batches, wherever the other one is
    assert consumer(point, nth=2, max_jobs=4, hands=2, lease_ms=700).ended() == -signal.SIGKILL
    # then another one, with two batches at work as well, finishes the day
    assert consumer(max_jobs=4, hands=2).ended() == 0
    day.is_in_the_books_once()
    watch.over()


def test_killed_between_staging_and_writing(
    consumer: StartConsumer, queue: JobQueue, school: School, watch: Watch
) -> None:
    """Marks and their corrections in one batch are staged, to be written one after the other."""
    # Given two registers, each with a correction
    day = Day(queue, school)
    for _ in range(2):
        day.correct(day.register())
    # when the consumer dies as soon as all are staged
    assert consumer("staged", lease_ms=700).ended() == -signal.SIGKILL
    # then another one writes them
    assert consumer().ended() == 0
    day.is_in_the_books_once()
    assert watch.over() == dict.fromkeys(day.jobs, BACK)


@pytest.mark.parametrize(
    ("point", "nth", "written", "then"),
    [("writing", 2, 10, 10), ("committing", 3, 20, 20_000), ("part", 1, 10, 20_000), ("committed", 1, 25, 10)],
)
def test_killed_in_the_middle_of_a_large_job(
    point: str,
    nth: int,
    written: int,
    then: int,
    consumer: StartConsumer,
    queue: JobQueue,
    school: School,
    watch: Watch,
) -> None:
    """Parts that were committed are not written again, whether the next consumer takes the rest in parts or whole."""
    # Given a list of 25, drained in parts of 10
    day = Day(queue, school)
    day.register(students=25)
    # when the consumer dies between or in its parts
    assert consumer(point, nth=nth, max_records=10, lease_ms=700).ended() == -signal.SIGKILL
    assert school.run("select count(*) from student_attendance") == [(written,)]
    # then another one does the rest
    assert consumer(max_records=then).ended() == 0
    day.is_in_the_books_once()
    assert watch.over() == {day.jobs[0]: BACK}


def test_a_second_death_leaves_the_job_to_the_office(
    consumer: StartConsumer, queue: JobQueue, redis: Redis, school: School, watch: Watch
) -> None:
    """Jobs that twice met the death of their consumer may be its cause: they fail as stalled, are kept, and a retry
    applies them once."""
    # Given a batch whose consumer died, and whose next one died too
    day = Day(queue, school)
    for _ in range(6):
        day.register()
    for _ in range(2):
        assert consumer("committing", max_jobs=4).ended() == -signal.SIGKILL
        leases_run_out(redis)
    # when a third one comes
    assert consumer().ended() == 0
    # then it leaves these four alone, for the ledger too to tell, and does the others
    assert [job.state for job in day.seen()] == [JobState.FAILED] * 4 + [COMPLETED] * 2
    told = school.run("select job_id::text from attendance_job where state = 'failed' and error ->> 'code' = 'stalled'")
    assert {job_id for (job_id,) in told} == set(day.jobs[:4])
    # and the office sends them again
    for job_id in day.jobs[:4]:
        queue.redrive(school.tenant, job_id)
    assert consumer().ended() == 0
    day.is_in_the_books_once()
    watch.over()
