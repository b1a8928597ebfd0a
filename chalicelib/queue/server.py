"""What the queue asks of the server's settings."""

from __future__ import annotations

from typing import Any

from redis.exceptions import ResponseError

from chalicelib.errors import Unavailable
from chalicelib.queue.wire import Command, Wire

_SETTING = "maxmemory-policy"
_WANTED = "noeviction"


class UnsafeServer(Unavailable):
    """Redis may drop jobs that were accepted."""


def check_eviction(wire: Wire) -> None:
    """Raises UnsafeServer unless the server refuses writes when its memory is full, or will not say what it does.

    Any other policy drops keys silently then: jobs that were accepted, or the Idempotency-Keys that led to them.
    """
    policy = _policy(wire)
    if policy not in {None, _WANTED}:
        raise UnsafeServer(
            f"Redis must run with {_SETTING} {_WANTED}, not {policy}: a full memory would cost it accepted jobs."
        )


def _policy(wire: Wire) -> str | None:
    # A managed server has no CONFIG, and either may be forbidden to this user.
    for question, name in ((("CONFIG GET", _SETTING), _SETTING), (("INFO", "memory"), "maxmemory_policy")):
        if told := _ask(wire, question).get(name):
            return str(told)
    return None


def _ask(wire: Wire, question: Command) -> dict[str, Any]:
    try:
        [answer] = wire.send(question)
    except ResponseError:
        return {}
    return dict(answer)
