"""Tickets: leave to open one WebSocket soon, since a browser can send no token with it and URLs are logged."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass

from redis import Redis, RedisCluster

from chalicelib.cache.pipe import Pipe
from chalicelib.domain.attendance import Role
from chalicelib.errors import Unauthenticated, Unavailable
from chalicelib.services.actor import Actor

LIFE_S = 30

_NOWHERE = "Live progress is not set up here; follow the job by GET /jobs/{jobId}?wait=20."


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket and where to show it; good once, for `expires_in` seconds."""

    ticket: str
    url: str
    expires_in: int = LIFE_S


class Tickets:
    """Issues tickets and takes them back. `url` is where WebSockets are opened, None if nowhere."""

    def __init__(self, redis: Redis | RedisCluster, name: str, url: str | None) -> None:
        self._redis, self._name, self._url = Pipe(redis), name, url

    def issue(self, actor: Actor) -> Ticket:
        """A ticket by which its bearer is `actor`. Raises Unavailable, also if there is no WebSocket here."""
        if self._url is None:
            raise Unavailable(_NOWHERE, headers={"Retry-After": "3600"})
        ticket = secrets.token_urlsafe(32)
        self._redis.send(("SET", self._key(ticket), actor_to_json(actor), "EX", LIFE_S))
        return Ticket(ticket, f"{self._url}?ticket={ticket}")

    def redeem(self, ticket: str) -> Actor:
        """Who was given this ticket, which is no good from now on. Raises Unauthenticated, Unavailable."""
        [held] = self._redis.send(("GETDEL", self._key(ticket)))
        if held is None:
            raise Unauthenticated("The ticket was used, is too old, or was never issued.")
        return actor_from_json(held)

    def _key(self, ticket: str) -> str:
        """By a digest: who can read Redis' keys cannot open a connection with them."""
        digest = hashlib.sha256(ticket.encode("utf-8", "replace")).hexdigest()
        return f"{self._name}:live:ticket:{digest}"


def actor_to_json(actor: Actor) -> str:
    """An actor as Redis keeps it."""
    return json.dumps({"subject": actor.subject, "tenant": actor.tenant, "roles": sorted(actor.roles)})


def actor_from_json(text: bytes) -> Actor:
    """The actor that `actor_to_json` wrote."""
    held = json.loads(text)
    return Actor(held["subject"], held["tenant"], frozenset(Role(role) for role in held["roles"]))
