"""The list of doors is what the rooms offer, no more and no less; a room is loaded by the first knock, not before."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from chalicelib.api import routes
from chalicelib.api.doors import BASE, DOORS, Door

ROOT = Path(__file__).parents[2]


def test_every_operation_has_a_door_and_every_door_an_operation() -> None:
    """By method, path, room and handler, in every module of the room of routes."""
    offered = {
        Door(made.method, made.path.removeprefix(BASE), room.name, name)
        for room in iter_modules(routes.__path__)
        for name, made in import_module(f"{routes.__name__}.{room.name}").operations.named.items()
    }
    assert offered == set(DOORS)
    assert len(DOORS) == len({(door.method, door.path) for door in DOORS})


def test_nothing_is_loaded_at_the_start_that_only_some_requests_need() -> None:
    """Models, tokens, what tells followers: a fresh process that imports the app has none of it."""
    code = "import app, sys; app.container; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert "chalicelib.container" in loaded
    heavy = {"pydantic", "jwt", "chalicelib.api.router", "chalicelib.realtime"}
    assert not heavy & loaded
    assert not [name for name in loaded if name.startswith("chalicelib.api.routes.")]
