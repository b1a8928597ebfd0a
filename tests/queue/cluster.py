"""A real cluster of three servers: two primaries that share the slots, and a replica of the queue's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis, RedisCluster
from redis.crc import key_slot

from local.servers import EmbeddedRedis
from local.servers.server import free_port
from tests.queue.steps import KEYS, key_names

SLOT = key_slot(KEYS.ring.encode())  # in the first half
_HALF, _LAST = 8_191, 16_383


class ClusterServer(EmbeddedRedis):
    """A server that refuses what a cluster refuses."""

    def _command(self) -> Sequence[str | Path]:
        settings = {
            "cluster-enabled": "yes",
            "cluster-port": str(free_port()),
            "cluster-announce-ip": "127.0.0.1",
            "cluster-node-timeout": "1000",
            "cluster-require-full-coverage": "no",
            "cluster-allow-replica-migration": "no",
            "repl-diskless-sync-delay": "0",
        }
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        return [*super()._command(), *options]


@dataclass(frozen=True, slots=True)
class Node:
    """A server of the cluster, and a client of it alone."""

    server: EmbeddedRedis
    client: Redis

    @property
    def id(self) -> str:
        """Its name in the cluster."""
        return str(self.cluster("MYID").decode())

    def cluster(self, verb: str, *arguments: Any) -> Any:
        """A command of the `CLUSTER` family."""
        run: Callable[..., Any] = self.client.execute_command
        return run(f"CLUSTER {verb}", *arguments)


@dataclass(frozen=True, slots=True)
class Cluster:
    """`owner` has the queue's slot when the cluster starts, `other` the other slots; `replica` follows `owner`."""

    owner: Node
    other: Node
    replica: Node

    def connect(self) -> RedisCluster:
        """A client of the whole, as a deployment would make it, told of one server only."""
        return RedisCluster(
            host="127.0.0.1", port=self.other.server.port, socket_timeout=3, require_full_coverage=False
        )

    def begin_to_move(self, source: Node, target: Node) -> None:
        """The queue's slot is on its way: neither server serves all of it."""
        until(self.agrees)  # two moves at once are more than the servers' epochs can tell apart
        target.cluster("SETSLOT", SLOT, "IMPORTING", source.id)
        source.cluster("SETSLOT", SLOT, "MIGRATING", target.id)

    def move_the_slot(self, source: Node, target: Node) -> None:
        """Moves the queue's slot with all its keys, as an operator reshards."""
        self.begin_to_move(source, target)
        if keys := key_names(source.client):
            address = "127.0.0.1", target.server.port, "", 0, 5_000
            migrate: Callable[..., Any] = source.client.execute_command
            migrate("MIGRATE", *address, "KEYS", *keys)
        for node in (target, source):
            node.cluster("SETSLOT", SLOT, "NODE", target.id)

    def agrees(self) -> bool:
        """Whether all servers have heard of who has which slots, and since when."""
        views = [node.cluster("NODES") for node in (self.owner, self.other, self.replica)]
        return all(
            {address: (seen["epoch"], seen["slots"]) for address, seen in view.items()}
            == {address: (seen["epoch"], seen["slots"]) for address, seen in views[0].items()}
            for view in views
        )

    def take_over(self, replica: Node, how: str = "") -> None:
        """A failover: in good order, or by TAKEOVER when the primary is gone."""
        replica.cluster("FAILOVER", *([how] if how else []))
        until(lambda: replica.client.info("replication")["role"] == "master")


@contextmanager
def three_servers() -> Iterator[Cluster]:
    """Starts the cluster; about three seconds, of which the servers wait two before they serve."""
    with ExitStack() as stack:
        nodes = []
        for _ in range(3):
            server = stack.enter_context(ClusterServer())
            client = stack.enter_context(Redis.from_url(server.url()))
            nodes.append(Node(server, client))
        owner, other, replica = nodes
        for node, first, last in ((owner, 0, _HALF), (other, _HALF + 1, _LAST)):
            node.cluster("ADDSLOTSRANGE", first, last)
        bus = owner.client.config_get("cluster-port")["cluster-port"]
        for node in (other, replica):
            node.cluster("MEET", "127.0.0.1", owner.server.port, bus)
        until(lambda: all(len(node.cluster("NODES")) == 3 for node in nodes))
        replica.cluster("REPLICATE", owner.id)
        until(lambda: all(node.cluster("INFO")["cluster_state"] == "ok" for node in nodes))
        until(lambda: owner.client.info("replication").get("slave0", {}).get("state") == "online")
        yield Cluster(owner, other, replica)


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    """Waits for something that servers settle between themselves."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
