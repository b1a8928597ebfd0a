"""The ids of the work at hand (request, tenant …): they go on each line that is written meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_at_hand: ContextVar[dict[str, str] | None] = ContextVar("rollcall-ids", default=None)


@contextmanager
def work(**ids: str | None) -> Iterator[None]:
    """While this lasts, `ids` go on each line; an id that is None is left out."""
    token = _at_hand.set({name: value for name, value in ids.items() if value is not None})
    try:
        yield
    finally:
        _at_hand.reset(token)


def note(**ids: str) -> None:
    """Add what became known of the work at hand, such as the tenant once the token was read."""
    held = _at_hand.get()
    if held is not None:
        held.update(ids)


def ids() -> Mapping[str, str]:
    """The ids of the work at hand; none outside of any."""
    return _at_hand.get() or {}
