"""What stands is the newest submission, by the clock of Redis and no other, in whatever order jobs are drained."""

from __future__ import annotations

import json

import pytest
from redis import Redis

from chalicelib.queue import JobQueue
from tests.crash.conftest import StartConsumer
from tests.crash.day import Day
from tests.db.steps import audit_count, history, mark_of
from tests.queue.steps import KEYS, now_us, see
from tests.school import School

HOUR_US = 3_600_000_000


def test_a_correction_that_overtakes_its_mark_stands(consumer: StartConsumer, queue: JobQueue, school: School) -> None:
    """The mark that comes late is superseded: it was never the truth, so no change is noted."""
    # Given a mark whose consumer is held up, and its correction
    day = Day(queue, school)
    section = day.register()
    slow = consumer("claimed", signal="STOP")
    slow.stopped()
    day.correct(section, "LATE")
    mark, correction = day.jobs
    # when the correction is drained first, then the mark
    assert consumer(once=True).ended() == 0
    slow.wake()
    assert slow.ended() == 0
    # then the correction stands
    kim, *others = section.students
    assert (mark_of(school, kim).status, mark_of(school, kim).version) == ("LATE", 1)
    assert {mark_of(school, other).status for other in others} == {"PRESENT"}
    assert audit_count(school) == 0
    told = [json.loads(see(queue, job_id).result or "") for job_id in (mark, correction)]
    assert [(result["applied"], result["superseded"]) for result in told] == [(2, 1), (1, 0)]


def test_a_correction_that_is_overtaken_by_the_next_is_not_in_the_log(
    consumer: StartConsumer, queue: JobQueue, school: School
) -> None:
    """The log holds what changed: from the mark to the newest correction, and nothing of what came between too late."""
    # Given a mark that stands, a correction whose consumer is held up, and a newer correction
    day = Day(queue, school)
    section = day.register()
    assert consumer().ended() == 0
    day.correct(section, "LATE")
    slow = consumer("claimed", signal="STOP")
    slow.stopped()
    day.correct(section, "EXCUSED")
    # when the newer one is drained first
    assert consumer(once=True).ended() == 0
    slow.wake()
    assert slow.ended() == 0
    # then one change was made
    [kim, *_] = section.students
    assert (mark_of(school, kim).status, mark_of(school, kim).version) == ("EXCUSED", 2)
    assert history(school, kim) == [("PRESENT", "EXCUSED")]
    assert str(mark_of(school, kim).job_id) == day.jobs[2]


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_consumer_with_a_wrong_clock(hours: int, consumer: StartConsumer, queue: JobQueue, school: School) -> None:
    """It takes no lease for expired that is not, and what it writes carries the time of Redis, to the microsecond."""
    # Given two jobs in the hands of a consumer that lives
    day = Day(queue, school)
    section = day.register()
    day.register()
    busy = consumer("claimed", signal="STOP", max_jobs=2)
    busy.stopped()
    # when one whose clock is an hour off drains the next two
    day.correct(section)
    day.register()
    odd = consumer(clock_s=hours * 3_600, once=True)
    assert odd.ended() == 0
    # then it has left the two alone
    assert odd.report()["completed"] == 2
    assert queue.counts().active == 2
    busy.wake()
    assert busy.ended() == 0
    assert busy.report()["completed"] == 2
    # and every mark is of the instant that Redis gave its job
    submitted = {job.id: job.submitted_at for job in day.seen()}
    rows = school.run("select job_id::text, (extract(epoch from marked_at) * 1000000)::bigint from student_attendance")
    assert dict(map(tuple, rows)) == submitted


def test_submissions_grow_when_the_clock_of_redis_steps_back(
    consumer: StartConsumer, queue: JobQueue, redis: Redis, school: School
) -> None:
    """After a failover to a server whose clock is an hour behind, the next correction is still the newest."""
    # Given a mark that was submitted when the clock of Redis was an hour ahead of now
    ahead = now_us(redis) + HOUR_US
    redis.set(KEYS.clock, ahead)
    day = Day(queue, school)
    section = day.register()
    # when it is corrected twice, the second time before the first is drained
    assert consumer().ended() == 0
    for status in ("LATE", "EXCUSED"):
        day.correct(section, status)
    assert consumer().ended() == 0
    # then the submissions have grown, and the books are right
    times = [job.submitted_at for job in day.seen()]
    assert times == [ahead + 1, ahead + 2, ahead + 3]
    day.is_in_the_books_once()
