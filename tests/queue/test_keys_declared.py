"""Every key of a script is handed to it, and all of them live in one slot: what a cluster asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

import chalicelib.queue
from chalicelib.domain.job_state import JobState
from chalicelib.queue import FailOutcome, Idempotency, JobQueue
from tests.queue.cluster import ClusterServer, until
from tests.queue.steps import a_job, claim, claim_one, enqueue, leases_run_out, retries_fall_due, see

SCRIPTS = sorted((Path(chalicelib.queue.__file__).parent / "lua").glob("*.lua"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_touches_only_keys_that_it_was_given(path: Path) -> None:
    """The first argument of each command is an entry of KEYS, or a local name of one."""
    source = path.read_text()
    given = set()
    for names, values in re.findall(r"^\s*local ([\w, ]+) = (KEYS\[.*)$", source, re.MULTILINE):
        assert names.count(",") == values.count("KEYS[") - 1
        given |= set(names.split(", "))
    given |= {"due"} if "ipairs({leases, delayed})" in source else set()
    touched = re.findall(r"redis\.call\('(\w+)'(?:, (\w+)(\[)?)?", source)
    assert touched
    for command, key, _ in touched:
        assert command == "TIME" or key == "KEYS" or key in given, f"{command} {key}"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_says_what_it_takes_and_gives(path: Path) -> None:
    header = path.read_text().split("\n\n")[0]
    assert header.startswith(f"-- {path.stem}: ")
    assert all(f"-- {word}" in header for word in ("KEYS", "ARGV", "Reply"))


@pytest.fixture
def cluster() -> Iterator[Redis]:
    """A client of a cluster of one server, which has all slots."""
    with ClusterServer() as server, Redis.from_url(server.url()) as client:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        until(lambda: client.execute_command("CLUSTER INFO")["cluster_state"] == "ok")
        yield client


def test_a_cluster_takes_every_verb(cluster: Redis) -> None:
    queue = JobQueue(cluster)
    queue.enqueue(a_job(idempotency=Idempotency("0a", "0b")))
    ids = enqueue(queue, 4, "elm", max_attempts=1)
    jobs = {job.id: job for job in claim(queue)}
    assert queue.progress(jobs[ids[0]], 3)
    assert queue.ack([(jobs[ids[0]], "{}"), (jobs[ids[1]], "{}")]) == [True, True]
    assert queue.fail(jobs[ids[2]], "{}") is FailOutcome.FAILED
    assert queue.redrive("elm", ids[2]).state is JobState.WAITING
    assert queue.cancel("elm", ids[2]).state is JobState.CANCELLED
    assert queue.release([jobs[ids[3]]]) == [True]
    assert queue.fail(jobs[queue.list("oak", state=None, before=None, limit=1)[0].id], "{}") is FailOutcome.DELAYED
    leases_run_out(cluster)
    retries_fall_due(cluster)
    assert queue.wait_for_work(1)
    assert len(claim(queue)) == 2
    leases_run_out(cluster)
    assert claim_one(queue).stalls == 1
    assert queue.counts().depth == 2
    queue.pause("oak")
    queue.pause(None)
    assert queue.paused() == {"oak", "*"}
    figures = queue.figures(None)
    assert {tenant: load.depth for tenant, load in figures.by_tenant.items()} == {"elm": 1, "oak": 1}
    queue.resume(None)
    queue.resume("oak")
    queue.check_server()
    assert see(queue, ids[1]).state is JobState.COMPLETED
