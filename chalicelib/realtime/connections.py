"""Who is connected and what they follow, in Redis.

`<name>` is the queue's; everything expires with the longest life of a connection and a little more.

<name>:live:{connection}          STRING the actor, as JSON
<name>:live:{connection}:follows  SET of the topics below
<name>:live:{tenant}:job:<id>     SET of the connections that follow a job
<name>:live:{tenant}:queue        SET of the connections that follow all jobs of the tenant
<name>:live:{tenant}:turn:…       STRING there while a connection should not be told of a job again
<name>:live:watch                 ZSET `tenant|job id` → ms at which its followers were told of it last

The parts in braces are hash tags. No command touches two of them, so each pipeline may be spread over a cluster.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from redis import Redis, RedisCluster

from chalicelib.cache.pipe import Command, Pipe
from chalicelib.errors import Conflict
from chalicelib.services.actor import Actor
from chalicelib.services.tickets import actor_from_json, actor_to_json

LIFE_S = 2 * 3600 + 900
"""API Gateway ends a connection after two hours."""

MAX_FOLLOWED = 100
"""Subscriptions a connection."""

TURN_MS = 1_000
"""So long a connection is not told again of a job that is not finished."""

Followers = Mapping[str, frozenset[str]]
"""The connections to tell, by job id."""


class Connections:
    """The books. Every method raises Unavailable when Redis is away."""

    def __init__(self, redis: Redis | RedisCluster, name: str, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since 1970."""
        self._redis, self._name, self._clock = Pipe(redis), f"{name}:live", clock

    def open(self, connection: str, actor: Actor) -> None:
        """Somebody has connected."""
        self._redis.send(("SET", self._key(connection), actor_to_json(actor), "EX", LIFE_S))

    def actor(self, connection: str) -> Actor | None:
        """Who is connected; None if the connection is not known."""
        [held] = self._redis.send(("GET", self._key(connection)))
        return actor_from_json(held) if held is not None else None

    def close(self, connection: str) -> None:
        """Forget a connection and all that it follows."""
        follows = self._follows(connection)
        [topics] = self._redis.send(("SMEMBERS", follows))
        leave: list[Command] = [("SREM", topic, connection) for topic in topics]
        self._redis.send(*leave, ("DEL", follows), ("DEL", self._key(connection)))

    def follow(self, connection: str, topic: str) -> None:
        """Tell the connection of a topic from now on. Raises Conflict if it follows too many."""
        follows = self._follows(connection)
        *_, count = self._redis.send(
            ("SADD", topic, connection), ("EXPIRE", topic, LIFE_S),
            ("SADD", follows, topic), ("EXPIRE", follows, LIFE_S), ("SCARD", follows),
        )  # fmt: skip
        # Counted after the fact, so that two messages at once cannot pass the bound together.
        if count > MAX_FOLLOWED:
            self.unfollow(connection, topic)
            raise Conflict(f"A connection may follow {MAX_FOLLOWED} things; unsubscribe from one, or from `queue`.")

    def unfollow(self, connection: str, topic: str) -> None:
        """Tell the connection of a topic no more."""
        self._redis.send(("SREM", topic, connection), ("SREM", self._follows(connection), topic))

    def job_topic(self, tenant: str, job_id: str) -> str:
        """The topic of one job."""
        return f"{self._key(tenant)}:job:{job_id}"

    def queue_topic(self, tenant: str) -> str:
        """The topic of all jobs of a tenant."""
        return f"{self._key(tenant)}:queue"

    def followers(self, jobs: Mapping[str, str]) -> Followers:
        """Who follows these jobs (id → tenant), jobs without a follower left out.

        One round trip if nobody follows any of them, with one command a tenant.
        """
        tenants: dict[str, list[str]] = {}
        for job_id, tenant in jobs.items():
            tenants.setdefault(tenant, []).append(job_id)
        topics = {tenant: self._topics(tenant, ids) for tenant, ids in tenants.items()}
        counts = self._redis.send(*(("EXISTS", *names) for names in topics.values()))
        followed = [tenant for tenant, count in zip(topics, counts, strict=True) if count]
        reads: list[Command] = [("SMEMBERS", name) for tenant in followed for name in topics[tenant]]
        replies = iter(self._redis.send(*reads))
        found: dict[str, frozenset[str]] = {}
        for tenant in followed:
            everything = next(replies)
            for job_id in tenants[tenant]:
                if members := everything | next(replies):
                    found[job_id] = frozenset(member.decode() for member in members)
        return found

    def take_turns(self, wanted: Sequence[tuple[str, str, str]]) -> list[bool]:
        """For each (tenant, job id, connection) whether the last telling is long enough ago; if so, this one counts."""
        commands: list[Command] = [
            ("SET", f"{self._key(tenant)}:turn:{job_id}:{connection}", "1", "NX", "PX", TURN_MS)
            for tenant, job_id, connection in wanted
        ]
        return [reply is not None for reply in self._redis.send(*commands)]

    def end(self, tenant: str, job_id: str) -> None:
        """The job will never move again, and its followers know: they follow it no more."""
        topic = self.job_topic(tenant, job_id)
        [members] = self._redis.send(("SMEMBERS", topic))
        leave: list[Command] = [("SREM", self._follows(member.decode()), topic) for member in members]
        self._redis.send(*leave, ("DEL", topic))
        self.unwatch({job_id: tenant})

    def watch(self, jobs: Mapping[str, str]) -> None:
        """The followers of these jobs (id → tenant) have just been told, and there will be more to tell."""
        now = int(self._clock() * 1000)
        self._redis.send(*(("ZADD", self._watched, now, f"{tenant}|{job_id}") for job_id, tenant in jobs.items()))

    def unwatch(self, jobs: Mapping[str, str]) -> None:
        """There is nothing more to tell of these jobs."""
        if jobs:
            self._redis.send(("ZREM", self._watched, *(f"{tenant}|{job_id}" for job_id, tenant in jobs.items())))

    def silent(self, for_s: float, limit: int) -> dict[str, str]:
        """Jobs (id → tenant) whose followers have heard nothing `for_s` seconds: up to `limit`, the longest first."""
        before = int((self._clock() - for_s) * 1000)
        [members] = self._redis.send(("ZRANGE", self._watched, "-inf", before, "BYSCORE", "LIMIT", 0, limit))
        pairs = (member.decode().rpartition("|") for member in members)
        return {job_id: tenant for tenant, _, job_id in pairs}

    @property
    def _watched(self) -> str:
        return f"{self._name}:watch"

    def _topics(self, tenant: str, job_ids: Iterable[str]) -> list[str]:
        return [self.queue_topic(tenant), *(self.job_topic(tenant, job_id) for job_id in job_ids)]

    def _follows(self, connection: str) -> str:
        return f"{self._key(connection)}:follows"

    def _key(self, tag: str) -> str:
        return f"{self._name}:{{{tag}}}"
