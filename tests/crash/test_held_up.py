"""A consumer that is held up (SIGSTOP) past its lease, and wakes when another has taken its jobs over."""

from __future__ import annotations

import pytest
from redis import Redis

from chalicelib.queue import JobQueue
from tests.crash.conftest import StartConsumer
from tests.crash.day import a_day
from tests.crash.process import until
from tests.crash.watch import Watch
from tests.queue.steps import leases_run_out
from tests.school import School


@pytest.mark.parametrize("point", ["claimed", "committed"])
def test_who_wakes_too_late_changes_nothing(
    point: str, redis: Redis, consumer: StartConsumer, queue: JobQueue, school: School, watch: Watch
) -> None:
    """Another has done its jobs: all its acks are refused, and what it writes is written already."""
    # Given a consumer that fell asleep over four jobs, past the end of its lease
    day = a_day(queue, school)
    asleep = consumer(point, signal="STOP", max_jobs=4)
    asleep.stopped()
    leases_run_out(redis)
    # when another one has done all jobs
    awake = consumer()
    assert awake.ended() == 0
    assert awake.report()["completed"] == 12
    # and the first one wakes
    asleep.wake()
    assert asleep.ended() == 0
    # then all its acks were in vain, and the books show each job once
    assert (asleep.report()["completed"], asleep.report()["lost"]) == (0, 4)
    day.is_in_the_books_once()
    assert [job.stalls for job in day.seen()] == [1] * 4 + [0] * 8
    watch.over()


def test_who_wakes_in_the_middle_of_its_transaction(
    consumer: StartConsumer, queue: JobQueue, school: School, watch: Watch
) -> None:
    """The one who took over waits at the ledger for the transaction of the first; that one commits, this one acks."""
    # Given a consumer that fell asleep before its COMMIT, with every row of the day in hand
    day = a_day(queue, school)
    asleep = consumer("committing", signal="STOP", lease_ms=500)
    asleep.stopped()
    # and another one that took the jobs over, and stands before the rows of the first
    awake = consumer()
    until(lambda: queue.counts().active == 12 and all(job.stalls == 1 for job in day.seen()))
    # when the first one wakes
    asleep.wake()
    assert (asleep.ended(), awake.ended()) == (0, 0)
    # then its work counts, and the word of the other
    assert (asleep.report()["completed"], asleep.report()["lost"]) == (0, 12)
    assert awake.report()["completed"] == 12
    day.is_in_the_books_once()
    watch.over()
