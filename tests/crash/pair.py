"""A Redis with a replica, under a name that a failover leads to the other one, as the DNS of a hosted Redis does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis

from local.servers import EmbeddedRedis
from tests.crash.process import until


@dataclass
class Pair:
    """`name` is a link to the socket of the primary; `url` is what clients are told."""

    name: Path
    primary: EmbeddedRedis
    replica: EmbeddedRedis

    @property
    def url(self) -> str:
        """The URL of the name."""
        return f"unix://{self.name}"

    def fail_over(self) -> None:
        """The primary dies; the replica is promoted and takes the name. What was the primary has no data any more."""
        self.primary.kill()
        with Redis.from_url(self.replica.url()) as client:
            client.replicaof("NO", "ONE")
        self.primary, self.replica = self.replica, self.primary
        self._lead_the_name()

    def attach_replica(self) -> None:
        """A replica, new and empty, follows the primary; returns when it has caught up."""
        self.replica.start()
        with Redis.from_url(self.replica.url()) as replica, Redis.from_url(self.primary.url()) as primary:
            primary.config_set("repl-diskless-sync-delay", "0")
            replica.replicaof("127.0.0.1", str(self.primary.port))
            until(lambda: _told(primary, "slave0").get("state") == "online")
            self.caught_up()

    def caught_up(self) -> None:
        """Wait until the replica has all that the primary has."""
        with Redis.from_url(self.primary.url()) as primary:
            until(lambda: _told(primary, "slave0").get("offset") == _told(primary, "master_repl_offset"))

    def _lead_the_name(self) -> None:
        draft = self.name.with_suffix(".new")
        draft.symlink_to(self.primary.socket)
        draft.replace(self.name)


@contextmanager
def a_pair(folder: Path) -> Iterator[Pair]:
    """Start both, the replica caught up."""
    with ExitStack() as opening:
        primary, replica = (opening.enter_context(EmbeddedRedis()) for _ in range(2))
        pair = Pair(folder / "redis.sock", primary, replica)
        pair._lead_the_name()
        pair.attach_replica()
        yield pair


def _told(client: Redis, name: str) -> Any:
    told: Any = client.info("replication")
    return told.get(name, {})
