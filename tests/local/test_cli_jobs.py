"""`jobs`: what an operator sees and does, on servers that the environment names."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis import Redis
from typer.testing import CliRunner, Result

from chalicelib.db.session import Database
from chalicelib.db.writer import BatchWriter
from chalicelib.domain.job_state import JobState
from chalicelib.queue import JobQueue
from chalicelib.services.drain import Drain
from chalicelib.services.pulse import RedisPulse
from local.cli import app
from local.folder import FOLDER_VARIABLE
from local.running import of_this_process, published
from tests.queue.steps import KEYS, leases_run_out, see
from tests.school import School, new_id
from tests.services.steps import drained, submit

JOB = "01a209b3-2aa0-7065-be6e-e612e0ab1a72"
AWAY = "postgresql://rollcall_app@127.0.0.1:1/rollcall"


@pytest.fixture(autouse=True)
def servers(tmp_path: Path, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "local"))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def queue(redis: Redis) -> JobQueue:
    return JobQueue(redis)


@pytest.fixture
def drain(queue: JobQueue, database: Database) -> Drain:
    return Drain(queue, BatchWriter(database))


@pytest.fixture
def oak(database: Database) -> School:
    return School(database)


@pytest.fixture
def elm(database: Database) -> School:
    return School(database)


def jobs(*arguments: str) -> str:
    """What a command that succeeds prints."""
    ended = run(*arguments)
    assert ended.exit_code == 0, ended.output
    return ended.stdout


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["jobs", *arguments])


def lines(out: str) -> dict[str, list[str]]:
    """The cells of each line of a table by its first."""
    return {words[0]: words[1:] for line in out.splitlines() if (words := line.split())}


def waiting(queue: JobQueue, school: School) -> str:
    [kim] = school.students(1)
    return submit(queue, school, {kim: "PRESENT"})


def dead(queue: JobQueue, redis: Redis, school: School) -> str:
    """The id of a job that cannot be written; it is dead after its first attempt."""
    job_id = submit(queue, school, {new_id(): "PRESENT"}, data=b"{")
    redis.hset(KEYS.job(job_id), "max_attempts", 1)
    return job_id


def test_jobs_are_listed_newest_first(queue: JobQueue, drain: Drain, redis: Redis, oak: School) -> None:
    """Also those that only the ledger has; with their state, records, tries and error."""
    done = waiting(queue, oak)
    drained(drain)
    redis.delete(KEYS.job(done))
    failed = dead(queue, redis, oak)
    drained(drain)
    new = waiting(queue, oak)
    out = jobs("list", "--tenant", oak.tenant)
    assert list(lines(out))[1:] == [new, failed, done]
    assert lines(out)[new][:3] == ["waiting", "0/1", "0/3"]
    assert lines(out)[done][:3] == ["completed", "1/1", "1/3"]
    assert (lines(out)[failed][0], lines(out)[failed][-1]) == ("failed", "not_writable")


def test_a_list_may_be_narrowed(queue: JobQueue, drain: Drain, redis: Redis, oak: School, elm: School) -> None:
    """To a tenant, to a state, to a number, and says when there are more."""
    failed = dead(queue, redis, oak)
    drained(drain)
    mine, theirs = waiting(queue, oak), waiting(queue, elm)
    assert set(lines(jobs("list", "--tenant", oak.tenant))) == {"Job", mine, failed}
    assert set(lines(jobs("list", "--tenant", oak.tenant, "--state", "failed"))) == {"Job", failed}
    every = jobs("list", "--all")
    assert list(lines(every)) == ["Job", theirs, mine, failed]
    assert (lines(every)[mine][0], lines(every)[theirs][0]) == (oak.name, elm.name), "tenants are called by their names"
    some = jobs("list", "--limit", "2")
    assert [word for word in lines(some) if len(word) == 36] == [theirs, mine]
    assert "There are more" in some
    assert jobs("list", "--state", "delayed") == "There are none.\n"


def test_a_job_is_shown_with_all_that_is_known(queue: JobQueue, drain: Drain, redis: Redis, oak: School) -> None:
    """Its result and rejected records, or its error; what Redis has forgotten is in the ledger of its tenant."""
    stranger = new_id()
    done = submit(queue, oak, {stranger: "PRESENT"}, section=oak.section().id)
    failed = dead(queue, redis, oak)
    drained(drain)
    for forgotten in (False, True):
        if forgotten:
            redis.delete(KEYS.job(done))
            assert "--tenant" in run("show", done).stderr
        told = jobs("show", done, "--tenant", oak.tenant) if forgotten else jobs("show", done)
        assert lines(told)["State"] == ["completed"]
        assert lines(told)["Tenant"] == [oak.name]
        assert lines(told)["Rejected"] == [stranger, "not_enrolled"]
    assert "The database refused the data." in jobs("show", failed)


def test_a_job_of_another_tenant_is_not_shown_as_this_ones(queue: JobQueue, oak: School, elm: School) -> None:
    ended = run("show", waiting(queue, oak), "--tenant", elm.tenant)
    assert ended.exit_code == 1
    assert "has no job" in ended.stderr


def test_a_waiting_job_is_cancelled_and_no_other(queue: JobQueue, drain: Drain, oak: School) -> None:
    job_id = waiting(queue, oak)
    assert "cancelled" in jobs("cancel", job_id)
    assert see(queue, job_id).state is JobState.CANCELLED
    done = waiting(queue, oak)
    drained(drain)
    ended = run("cancel", done)
    assert (ended.exit_code, ended.stderr) == (1, "Error: The job is completed, so it cannot be cancelled.\n")


def test_a_dead_job_is_retried_and_no_other(queue: JobQueue, drain: Drain, redis: Redis, oak: School) -> None:
    job_id = dead(queue, redis, oak)
    assert run("retry", job_id).exit_code == 1
    drained(drain)
    assert "waiting" in jobs("retry", job_id)
    assert see(queue, job_id).state is JobState.WAITING


def test_all_dead_jobs_of_a_tenant_are_retried(
    queue: JobQueue, drain: Drain, redis: Redis, oak: School, elm: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many pages of them there are; another tenant's stay dead."""
    monkeypatch.setattr("local.operating._PAGE", 2)
    mine = [dead(queue, redis, oak) for _ in range(5)]
    theirs = dead(queue, redis, elm)
    drained(drain)
    assert jobs("retry", "--all", "--tenant", oak.tenant) == "Sent again: 5\n"
    assert {see(queue, job_id).state for job_id in mine} == {JobState.WAITING}
    assert see(queue, theirs).state is JobState.FAILED
    assert jobs("retry", "--all", "--tenant", oak.tenant) == "Sent again: 0\n"


def test_the_dead_are_listed(queue: JobQueue, drain: Drain, redis: Redis, oak: School, elm: School) -> None:
    """With the reason, of all tenants or of one; a stalled one, too."""
    mine, theirs, stalled = dead(queue, redis, oak), dead(queue, redis, elm), waiting(queue, oak)
    redis.hset(KEYS.job(stalled), "stalls", 1)
    for _ in range(3):
        queue.claim(max_jobs=3, max_records=9, lease_ms=60_000)
    leases_run_out(redis)
    drained(drain)
    waiting(queue, oak)
    out = lines(jobs("dead"))
    assert list(out) == ["Job", stalled, theirs, mine]
    assert (out[stalled][-1], out[mine][-1]) == ("stalled", "not_writable")
    assert list(lines(jobs("dead", "--tenant", elm.tenant))) == ["Job", theirs]


def test_a_pause_is_of_one_tenant_or_of_all(queue: JobQueue, oak: School) -> None:
    """And is told in the figures that follow it."""
    assert lines(jobs("pause", "--tenant", oak.tenant))[oak.name][-1] == "yes"
    assert queue.paused() == {oak.tenant}
    out = lines(jobs("pause", "--all"))
    assert out["all"][-1] == "yes"
    assert queue.paused() == {oak.tenant, "*"}
    assert lines(jobs("resume", "--all"))["all"][-1] == "no"
    assert queue.paused() == {oak.tenant}
    assert lines(jobs("resume", "--tenant", oak.tenant))[oak.name][-1] == "no"
    assert queue.paused() == set()


def test_the_figures_of_all_and_of_each(queue: JobQueue, drain: Drain, redis: Redis, oak: School, elm: School) -> None:
    """A line for all, one for each tenant that has jobs at hand, and how the drain does."""
    dead(queue, redis, oak)
    drained(drain)
    oldest, _ = waiting(queue, elm), waiting(queue, elm)
    redis.hincrby(KEYS.job(oldest), "submitted_at", -200_000_000)
    waiting(queue, oak)
    out = jobs("figures")
    assert lines(out)["all"][:4] == ["3", "0", "0", "1"]
    assert lines(out)[oak.name][:4] == ["1", "0", "0", "1"]
    assert lines(out)[elm.name] == ["2", "0", "0", "0", "3", "min", "20", "s", "no"]
    assert "Drain: unknown" in out
    own = lines(jobs("figures", "--tenant", elm.tenant))
    assert set(own) == {"Tenant", elm.name, "Drain:"}


def test_the_figures_tell_of_the_drain_and_of_danger(
    queue: JobQueue, redis: Redis, database: Database, oak: School
) -> None:
    waiting(queue, oak)
    drained(Drain(queue, BatchWriter(database), pulse=RedisPulse(redis, "rollcall", lambda: None)))
    redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        out = jobs("figures")
    finally:
        redis.config_set("maxmemory-policy", "noeviction")
    assert lines(out)["Drain:"][0] == "ok"
    assert "Warning: Redis must run with maxmemory-policy noeviction" in out


def test_in_an_outage_of_postgres_the_queue_is_seen_and_paused(
    queue: JobQueue, drain: Drain, redis: Redis, oak: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is when it is needed; tenants are called by their ids then."""
    failed = dead(queue, redis, oak)
    drained(drain)
    monkeypatch.setenv("DATABASE_URL", AWAY)
    assert lines(jobs("pause", "--tenant", oak.tenant))[oak.tenant][-1] == "yes"
    assert lines(jobs("figures"))[oak.tenant][:4] == ["0", "0", "0", "1"]
    assert failed in lines(jobs("dead"))
    assert "waiting" in jobs("retry", failed)
    ended = run("list", "--tenant", oak.tenant)
    assert (ended.exit_code, ended.stderr) == (1, "Error: Postgres does not answer.\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["pause"], ["resume"], ["pause", "--all", "--tenant", "t"], ["list", "--all", "--tenant", "t"],
        ["retry"], ["retry", "--all"], ["retry", "--tenant", "t"], ["retry", "--all", "--tenant", "t", JOB],
        ["retry", JOB, "--tenant", "t"], ["show", "7"], ["cancel", "x"], ["list", "--state", "done"],
        ["list", "--limit", "0"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_is_not_clear_is_refused(arguments: list[str]) -> None:
    """To pause all tenants, say so."""
    ended = run(*arguments)
    assert ended.exit_code == 2
    assert ended.stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [["pause", "--tenant", "nobody"], ["figures", "--tenant", "nobody"], ["list", "--tenant", new_id()]],
    ids=lambda arguments: arguments[0],
)
def test_an_unknown_tenant_is_told(arguments: list[str], queue: JobQueue) -> None:
    """A misspelt name pauses nobody."""
    ended = run(*arguments)
    assert ended.exit_code == 1
    assert "There is no tenant" in ended.stderr
    assert queue.paused() == frozenset()


def test_an_unknown_job_is_told() -> None:
    for verb in ("show", "cancel", "retry"):
        ended = run(verb, JOB)
        assert ended.exit_code == 1
        assert "knows no job" in ended.stderr


def test_the_port_of_a_dev_goes_before_the_environment(
    queue: JobQueue, oak: School, database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = waiting(queue, oak)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    (tmp_path / "local").mkdir(exist_ok=True)
    with published(tmp_path / "local", of_this_process(4711, "http://127.0.0.1:4711", database_url, redis_url, {})):
        assert job_id in lines(jobs("list", "--port", "4711"))
    assert run("figures").exit_code == 1


def test_every_command_finds_its_way_in_a_queue_of_several_shards(
    redis: Redis, database: Database, oak: School, elm: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While their number changes, too: jobs of before are listed, found by their ids, cancelled and retried."""
    monkeypatch.setenv("QUEUE_SHARDS", "4")
    monkeypatch.setenv("QUEUE_SHARDS_ALSO", "1")
    before, after = JobQueue(redis), JobQueue(redis, shards=4, also=1)
    old, failed = waiting(before, oak), dead(before, redis, elm)
    new = waiting(after, oak)
    jobs("pause", "--tenant", oak.tenant)
    drained(Drain(after, BatchWriter(database)))
    jobs("resume", "--tenant", oak.tenant)
    assert {old, new} < set(lines(jobs("list")))
    assert failed in lines(jobs("dead"))
    assert lines(jobs("figures"))["all"][:4] == ["2", "0", "0", "1"]
    told = lines(jobs("shards"))
    assert [sum(int(told[shard][at]) for shard in "0123") for at in (0, 3)] == [2, 1]
    assert int(told["0"][4]) == sum(after.places(school.tenant)[0] != 0 for school in (oak, elm))
    for job_id in (old, new):
        assert "cancelled" in jobs("cancel", job_id)
    assert "waiting" in jobs("retry", failed)
