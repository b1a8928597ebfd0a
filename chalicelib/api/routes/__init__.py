"""The operations of the API, one module a part of it; each is loaded when it is first asked for."""

from __future__ import annotations

from importlib import import_module

from chalicelib.api.doors import DOORS, Door
from chalicelib.api.operations import Operation


def operation(door: Door) -> Operation:
    """What is behind `door`."""
    room = import_module(f"{__name__}.{door.room}")
    found: Operation = room.operations.named[door.handler]
    return found


def operations() -> list[Operation]:
    """Every operation, in the order of the documentation."""
    return [operation(door) for door in DOORS]
