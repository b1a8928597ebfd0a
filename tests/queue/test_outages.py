"""Outages of Redis: Unavailable with a Retry-After, and a full Redis can still be drained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError
from redis.retry import Retry

from chalicelib.domain.job_state import JobState
from chalicelib.errors import Unavailable
from chalicelib.queue import FailOutcome, JobQueue, new_job_id
from local.servers import EmbeddedRedis
from tests.queue.steps import a_job, claim, enqueue, see


@pytest.fixture
def server() -> Iterator[EmbeddedRedis]:
    """A server of this test alone, to be treated badly."""
    with EmbeddedRedis() as server:
        yield server


@pytest.fixture
def client(server: EmbeddedRedis) -> Iterator[Redis]:
    """A client that gives up at once."""
    with Redis.from_url(server.url(), retry=Retry(NoBackoff(), 0), socket_timeout=2) as client:
        yield client


def test_every_verb_says_unavailable_while_redis_is_away(server: EmbeddedRedis, client: Redis) -> None:
    queue = JobQueue(client)
    enqueue(queue)
    [job] = claim(queue)
    server.stop()
    verbs: list[Callable[[], object]] = [
        lambda: queue.enqueue(a_job()), lambda: claim(queue), lambda: queue.progress(job, 1),
        lambda: queue.ack([(job, "{}"), (job, "{}")]), lambda: queue.fail(job, "{}"), lambda: queue.release([job]),
        lambda: queue.cancel("oak", job.id), lambda: queue.redrive("oak", job.id), lambda: queue.get(job.id),
        lambda: queue.list("oak", state=None, before=None, limit=1), lambda: queue.wait_for_work(0.1),
        lambda: queue.pause("oak"), lambda: queue.resume(None), queue.paused, lambda: queue.figures(None),
        queue.counts, queue.ping, queue.ring, queue.check_server, queue.unburied, lambda: queue.bury([job]),
    ]  # fmt: skip
    for verb in verbs:
        with pytest.raises(Unavailable) as refused:
            verb()
        assert refused.value.headers == {"Retry-After": "1"}


def test_the_queue_goes_on_when_redis_is_back_with_its_scripts_forgotten(server: EmbeddedRedis, client: Redis) -> None:
    queue = JobQueue(client)
    enqueue(queue)
    server.restart()
    queue.ping()
    [job_id] = enqueue(queue)
    assert [job.id for job in claim(queue)] == [job_id]


def test_a_full_redis_takes_no_new_job_but_is_drained(client: Redis) -> None:
    queue = JobQueue(client)
    done, retried, released, waiting = enqueue(queue, 4)
    client.config_set("maxmemory", "1")
    with pytest.raises(Unavailable):
        queue.enqueue(a_job("elm"))
    first, second, third = claim(queue, 3)
    assert queue.progress(first, 10)
    assert queue.ack([(first, '{"applied":30}')]) == [True]
    assert queue.fail(second, "{}") is FailOutcome.DELAYED
    assert queue.release([third]) == [True]
    assert queue.cancel("oak", waiting).state is JobState.CANCELLED
    client.config_set("maxmemory", "0")
    assert [see(queue, one).state for one in (done, retried, released)] == [
        JobState.COMPLETED, JobState.DELAYED, JobState.WAITING,
    ]  # fmt: skip
    assert queue.list("elm", state=None, before=None, limit=1) == []
    assert queue.counts().depth == 2


def test_a_replica_left_by_a_failover_is_an_outage(client: Redis) -> None:
    queue = JobQueue(client)
    client.replicaof("127.0.0.1", "1")
    with pytest.raises(Unavailable):
        queue.enqueue(a_job())


def test_a_name_that_leads_to_another_server_after_a_failover_is_followed(
    tmp_path: Path, server: EmbeddedRedis
) -> None:
    """The old primary, now a replica, keeps our connections open, and nobody tells us that its name has moved on."""
    name = tmp_path / "primary.sock"
    name.symlink_to(server.socket)
    with Redis(unix_socket_path=str(name)) as client, EmbeddedRedis() as new:
        queue = JobQueue(client)
        enqueue(queue)
        client.replicaof("127.0.0.1", "1")
        name.unlink()
        name.symlink_to(new.socket)
        [job_id] = enqueue(queue)
        assert [job.id for job in claim(queue)] == [job_id]


def test_a_server_that_is_there_answers(queue: JobQueue) -> None:
    queue.ping()
    assert queue.get(new_job_id()) is None


def test_a_defect_of_ours_is_not_called_an_outage(queue: JobQueue, redis: Redis) -> None:
    job = a_job()
    redis.set(f"{{rollcall}}:job:{job.id}", "not a hash")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        queue.get(job.id)
