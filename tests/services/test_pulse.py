"""The drain's pulse: what its work met is told, and after an outage it leaves Postgres alone for a while."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from chalicelib.db.engine import make_engine
from chalicelib.db.session import Database
from chalicelib.db.writer import BatchWriter
from chalicelib.domain.job_state import JobState
from chalicelib.errors import Unavailable
from chalicelib.queue import JobQueue
from chalicelib.services.drain import Drain
from chalicelib.services.pulse import KEPT_S, LONGEST_PAUSE_S, Beat, RedisPulse
from tests.queue.steps import leases_run_out, now_us, see
from tests.school import School
from tests.services.steps import drained, submit

KEY = "{rollcall}:drain"


@dataclass
class Server:
    """Answers a ping, or not."""

    away: bool = False
    pings: int = field(default=0)

    def ping(self) -> None:
        """As Database.ping."""
        self.pings += 1
        if self.away:
            raise Unavailable


@pytest.fixture
def server() -> Server:
    """There."""
    return Server()


@pytest.fixture
def pulse(redis: Redis, server: Server) -> RedisPulse:
    """The pulse of one process."""
    return RedisPulse(redis, "rollcall", server.ping)


@pytest.fixture
def nowhere() -> Iterator[BatchWriter]:
    """A writer whose Postgres is away."""
    database = Database(make_engine("postgresql://rollcall_app@127.0.0.1:1/rollcall"))
    yield BatchWriter(database)
    database.close()


def last(pulse: RedisPulse) -> Beat:
    """What was told; something must be."""
    beat = pulse.last()
    assert beat is not None
    return beat


def time_goes_on(redis: Redis, seconds: float) -> None:
    """What was told is so much older."""
    held = json.loads(redis.get(KEY) or b"")
    held["at"] = (datetime.fromisoformat(held["at"]) - timedelta(seconds=seconds)).isoformat()
    redis.set(KEY, json.dumps(held), keepttl=True)


def test_nothing_is_known_before_any_work(pulse: RedisPulse) -> None:
    assert pulse.last() is None
    assert not pulse.holds_back()


def test_work_is_told_with_its_time_by_the_clock_of_redis(pulse: RedisPulse, redis: Redis) -> None:
    pulse.worked()
    beat = last(pulse)
    assert beat.state == "ok"
    assert abs(beat.at.timestamp() - now_us(redis) / 1e6) < 5
    assert 0 < int(str(redis.ttl(KEY))) <= KEPT_S, "nobody can say for long how it would go"


def test_a_busy_drain_tells_it_seldom(pulse: RedisPulse, redis: Redis) -> None:
    """A batch takes milliseconds: that it works is news every ten seconds."""
    pulse.worked()
    redis.delete(KEY)
    for _ in range(5):
        pulse.worked()
    assert pulse.last() is None


def test_an_outage_is_told_at_once_and_so_is_its_end(pulse: RedisPulse) -> None:
    for state, tell in (("ok", pulse.worked), ("outage", pulse.met_outage), ("ok", pulse.worked)):
        tell()
        assert last(pulse).state == state


def test_the_end_of_an_outage_that_another_process_met_is_told_at_once(
    pulse: RedisPulse, redis: Redis, server: Server
) -> None:
    pulse.worked()
    RedisPulse(redis, "rollcall", server.ping).met_outage()
    assert not pulse.holds_back()
    pulse.worked()
    assert last(pulse).state == "ok"


def test_pauses_double_up_to_half_a_minute_and_begin_anew_after_work(
    pulse: RedisPulse, redis: Redis, server: Server
) -> None:
    server.away = True
    pauses = []
    for _ in range(7):
        pulse.met_outage()
        pauses.append(last(pulse).pause_s)
        time_goes_on(redis, pauses[-1] - 0.5)
        assert pulse.holds_back()
        time_goes_on(redis, 0.6)
        assert not pulse.holds_back(), "the pause is over: it tries again"
    assert pauses == [1, 2, 4, 8, 16, LONGEST_PAUSE_S, LONGEST_PAUSE_S]
    pulse.worked()
    pulse.met_outage()
    assert last(pulse).pause_s == 1


def test_a_pause_ends_as_soon_as_postgres_answers(pulse: RedisPulse, server: Server) -> None:
    server.away = True
    for _ in range(6):
        pulse.met_outage()
    assert pulse.holds_back()
    server.away = False
    assert not pulse.holds_back()


def test_postgres_is_not_pinged_while_all_is_well(pulse: RedisPulse, server: Server) -> None:
    pulse.worked()
    pulse.holds_back()
    assert server.pings == 0


def test_a_pulse_that_cannot_be_told_disturbs_no_drain() -> None:
    """But who cannot be asked says so."""
    away = RedisPulse(Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0)), "rollcall", lambda: None)
    away.worked()
    away.met_outage()
    asks: list[Callable[[], object]] = [away.last, away.holds_back]
    for ask in asks:
        with pytest.raises(Unavailable):
            ask()


def test_a_drain_that_met_an_outage_leaves_the_next_rings_unanswered(
    queue: JobQueue, drain: Drain, nowhere: BatchWriter, pulse: RedisPulse, server: Server, school: School,
    redis: Redis,
) -> None:  # fmt: skip
    """Nothing is claimed in the pause, so nothing is leased and given back either; then all is written."""
    section = school.section(students=1)
    job_id = submit(queue, school, {section.students[0]: "PRESENT"}, section=section.id)
    server.away = True
    away = Drain(queue, nowhere, pulse=pulse)
    assert (drained(away).released, last(pulse).state) == (1, "outage")
    time_goes_on(redis, -0.5)
    claims = redis.get("{rollcall}:claims")
    report = drained(away)
    assert (report.stopped, report.released, redis.get("{rollcall}:claims")) == ("outage", 0, claims)
    assert see(queue, job_id).state is JobState.WAITING
    time_goes_on(redis, 5)
    assert drained(away).released == 1, "after the pause it tries in earnest"
    assert last(pulse).outages == 2

    server.away = False
    assert drained(Drain(queue, drain.writer, pulse=pulse)).completed == 1
    assert last(pulse).state == "ok"


def test_a_drain_with_nothing_to_do_tells_nothing(queue: JobQueue, drain: Drain, pulse: RedisPulse) -> None:
    """It has not seen Postgres."""
    drained(Drain(queue, drain.writer, pulse=pulse))
    assert pulse.last() is None


def test_a_burial_is_work_too(
    queue: JobQueue, drain: Drain, nowhere: BatchWriter, pulse: RedisPulse, redis: Redis, school: School
) -> None:
    """And so is one that Postgres was away for."""
    submit(queue, school, {school.students(1)[0]: "PRESENT"})
    for _ in range(2):
        queue.claim(max_jobs=1, max_records=1, lease_ms=60_000)
        leases_run_out(redis)
    assert drained(Drain(queue, nowhere, pulse=pulse)).stopped == "outage"
    assert last(pulse).state == "outage"
    drained(Drain(queue, drain.writer, pulse=pulse))
    assert last(pulse).state == "ok"


@pytest.fixture
def evicting(redis: Redis) -> Iterator[None]:
    """Redis drops keys when it is full."""
    redis.config_set("maxmemory-policy", "allkeys-lru")
    yield
    redis.config_set("maxmemory-policy", "noeviction")


@pytest.mark.usefixtures("evicting")
def test_a_redis_that_may_drop_jobs_is_drained_and_told_of_once_a_process(
    queue: JobQueue, drain: Drain, school: School, caplog: pytest.LogCaptureFixture
) -> None:
    section = school.section(students=1)
    submit(queue, school, {section.students[0]: "PRESENT"}, section=section.id)
    assert drained(drain).completed == 1
    drained(drain)
    [said] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "noeviction" in said.getMessage()
    drained(Drain(queue, drain.writer))
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 2


def test_a_redis_that_keeps_jobs_is_not_worth_a_line(drain: Drain, caplog: pytest.LogCaptureFixture) -> None:
    drained(drain)
    assert caplog.records == []
