"""The queue in a cluster: it finds the server that holds its slot, and follows it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from redis import RedisCluster

from chalicelib.domain.job_state import JobState
from chalicelib.errors import Unavailable
from chalicelib.queue import FailOutcome, JobQueue
from tests.queue.cluster import SLOT, Cluster, Node, three_servers, until
from tests.queue.steps import a_job, claim, claim_one, enqueue, key_names, see

SCHOOL = "elm"
"""Of the last of four shards, which the server has that does not hold the first."""


@pytest.fixture(scope="module")
def servers() -> Iterator[Cluster]:
    """Three servers; each test leaves the queue's slot somewhere, and empty."""
    with three_servers() as cluster:
        yield cluster


@pytest.fixture
def client(servers: Cluster) -> Iterator[RedisCluster]:
    """A client of the whole cluster."""
    with servers.connect() as client:
        yield client
        client.flushall()


@pytest.mark.parametrize("shards", [1, 4])
def test_every_verb_works_in_a_cluster(client: RedisCluster, shards: int) -> None:
    queue = JobQueue(client, shards=shards, min_replicas=2 - len({shards, 1}), wait_ms=2_000)
    queue.check_server()
    done, retried, released, cancelled = enqueue(queue, 4, SCHOOL)
    queue.pause(SCHOOL)
    assert claim(queue) == []
    queue.resume(SCHOOL)
    first, second, third = claim(queue, 3)
    assert queue.progress(first, 10)
    assert queue.ack([(first, "{}")]) == [True]
    assert queue.fail(second, "{}") is FailOutcome.DELAYED
    assert queue.release([third]) == [True]
    assert queue.cancel(SCHOOL, cancelled).state is JobState.CANCELLED
    assert queue.wait_for_work(0)
    states = {job.id: str(job.state) for job in queue.list(SCHOOL, state=None, before=None, limit=9)}
    assert states == {done: "completed", retried: "delayed", released: "waiting", cancelled: "cancelled"}
    assert queue.figures(None).all.depth == queue.counts().depth == 2
    queue.ping()


def test_shards_are_spread_over_the_servers_and_drained_from_all(servers: Cluster, client: RedisCluster) -> None:
    """Two on each of the two primaries, each with its own tenants."""
    queue = JobQueue(client, shards=4)
    ids = {tenant: enqueue(queue, 2, tenant) for tenant in ("yew", "oak", "ash", "elm")}
    for node, shards in ((servers.owner, "01"), (servers.other, "23")):
        tags = {name.partition("}")[0].removeprefix("{rollcall").removeprefix("-") for name in key_names(node.client)}
        assert {tag or "0" for tag in tags} == set(shards)
    done = [job for _ in ids for job in claim(queue)]
    assert {job.tenant: job.shard for job in done} == {"yew": 0, "oak": 1, "ash": 2, "elm": 3}
    assert queue.ack([(job, "{}") for job in done]) == [True] * 8
    assert queue.counts().depth == 0


def test_a_queue_in_a_cluster_grows_without_losing_a_job(client: RedisCluster) -> None:
    """From one server to both, with what was on its way."""
    before = JobQueue(client)
    waiting = enqueue(before, 2, "elm")
    held = claim_one(before)
    after = JobQueue(client, shards=4, also=1)
    [new] = enqueue(after, 1, "elm")
    assert see(after, new).submitted_at > see(after, waiting[1]).submitted_at
    assert after.ack([(held, "{}")]) == [True]
    assert {job.id for _ in range(2) for job in claim(after)} == {waiting[1], new}


def test_only_the_slots_of_a_server_that_is_away_are(servers: Cluster, client: RedisCluster) -> None:
    """Schools on the other server mark on."""
    queue = JobQueue(client, shards=4)
    enqueue(queue, 1, "yew")
    servers.begin_to_move(servers.owner, servers.other)  # of shard 0
    with pytest.raises(Unavailable):
        queue.enqueue(a_job("yew"))
    [job_id] = enqueue(queue, 1, "elm")
    assert claim_one(queue.at(3)).id == job_id
    for node in (servers.owner, servers.other):
        node.cluster("SETSLOT", SLOT, "STABLE")


def test_the_queue_follows_its_slot_to_another_server(servers: Cluster, client: RedisCluster) -> None:
    """A lease taken before a move is acked after it; each verb finds the way by itself."""
    queue = JobQueue(client)
    held, waiting = enqueue(queue, 2)
    job = claim_one(queue)
    servers.move_the_slot(servers.owner, servers.other)
    assert queue.ack([(job, "{}")]) == [True]
    assert see(queue, held).state is JobState.COMPLETED
    servers.move_the_slot(servers.other, servers.owner)
    assert [job.id for job in claim(queue)] == [waiting]
    servers.move_the_slot(servers.owner, servers.other)
    assert queue.enqueue(a_job()).created
    servers.move_the_slot(servers.other, servers.owner)
    assert queue.wait_for_work(0)


def test_a_consumer_that_waits_wakes_up_where_the_slot_has_gone(servers: Cluster, client: RedisCluster) -> None:
    queue = JobQueue(client)
    found = []

    def consume() -> None:
        try:
            found.append(queue.wait_for_work(5))
        except Unavailable:  # the server that we waited at may cut us off; the next call finds the way
            found.append(queue.wait_for_work(5))

    consumer = threading.Thread(target=consume)
    consumer.start()
    until(lambda: servers.owner.client.info("clients")["blocked_clients"] == 1)
    servers.move_the_slot(servers.owner, servers.other)
    with servers.connect() as another:
        enqueue(JobQueue(another))
    consumer.join(10)
    assert found == [True]
    assert len(claim(queue)) == 1
    servers.move_the_slot(servers.other, servers.owner)


def test_a_slot_that_is_on_its_way_is_an_outage_and_not_a_defect(servers: Cluster, client: RedisCluster) -> None:
    queue = JobQueue(client)
    servers.begin_to_move(servers.owner, servers.other)
    with pytest.raises(Unavailable):
        queue.enqueue(a_job())
    for node in (servers.owner, servers.other):
        node.cluster("SETSLOT", SLOT, "STABLE")
    assert queue.enqueue(a_job()).created


def test_the_queue_follows_a_failover_and_outlives_a_dead_primary() -> None:
    """What a replica has is not lost with its primary."""
    with three_servers() as servers, servers.connect() as client:
        queue = JobQueue(client)
        first, second = (JobQueue(client, min_replicas=1, wait_ms=4_000).enqueue(a_job()).id for _ in range(2))
        servers.take_over(servers.replica)
        assert claim_one(queue).id == first

        until(lambda: has_caught_up(servers.owner))
        servers.replica.server.kill()
        with pytest.raises(Unavailable):
            claim(queue)
        servers.take_over(servers.owner, "TAKEOVER")
        found: list[str] = []

        def goes_on() -> bool:
            with suppress(Unavailable):  # the third server may not have heard of it yet
                found.extend(job.id for job in claim(queue))
            return bool(found)

        until(goes_on)
        assert found == [second]


def has_caught_up(node: Node) -> bool:
    """Whether a replica has all that its primary had."""
    return bool(node.client.info("replication").get("master_link_status") == "up")
