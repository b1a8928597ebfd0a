"""What the API offers: each operation said once, for the router, the checks and the OpenAPI document alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from chalicelib.api.doors import BASE, DOORS
from chalicelib.cache import Toll
from chalicelib.container import Container
from chalicelib.domain.attendance import Role
from chalicelib.errors import RollcallError
from chalicelib.services.actor import Actor

_DOOR_TO = {door.handler: door for door in DOORS}

EVERYONE = frozenset(Role)
"""Whoever has a token."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, checked: the path's ids, the query, the body as it came.

    The bearer and the toll, what this request takes of the bearer's allowance, are None on a public route. `trace` is
    that of X-Ray, empty if there is none.
    """

    container: Container
    path: Mapping[str, str]
    headers: Mapping[str, str]
    bearer: Actor | None = None
    toll: Toll | None = None
    query: Any = None
    body: bytes = b""
    trace: str = ""

    @property
    def actor(self) -> Actor:
        """The bearer of the token, on a route that asks for one."""
        if self.bearer is None:
            raise RuntimeError("a public route has no actor")
        return self.bearer


@dataclass(frozen=True, slots=True)
class Reply:
    """What a handler answers."""

    body: BaseModel | str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Header:
    """A request header that may be sent: what it is for, and the pattern that the whole of it must match."""

    detail: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path. `roles` None makes it public; `query` and `body` are models of what may be sent.

    A `body` is described and counted here, and validated by its handler, which can tell more than the form's faults.
    The router takes the toll of a request before its handler runs, unless that `takes_toll` with what it reads first.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    tag: str
    answer: type[BaseModel] | None
    status: int = 200
    roles: frozenset[Role] | None = EVERYONE
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    headers: Mapping[str, Header] = field(default_factory=dict)
    raises: tuple[type[RollcallError], ...] = ()
    takes_toll: bool = False

    @property
    def name(self) -> str:
        """The operation's id."""
        return self.handler.__name__


class Operations:
    """A room's operations, collected by decorator."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.named: dict[str, Operation] = {}

    def add(self, summary: str, **how: Any) -> Callable[[Handler], Handler]:
        """Offer the decorated handler behind the door that names it; `how` are further fields of Operation."""

        def offer(handler: Handler) -> Handler:
            door = _DOOR_TO[handler.__name__]
            self.named[door.handler] = Operation(door.method, BASE + door.path, handler, summary, self.tag, **how)
            return handler

        return offer
