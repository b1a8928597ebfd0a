"""Whether Rollcall works, and what it offers: for anyone."""

from __future__ import annotations

import json
from functools import cache
from typing import Literal

from chalicelib.api.models.health import Health
from chalicelib.api.operations import Call, Operations, Reply
from chalicelib.errors import Unavailable

operations = Operations("Service")


@operations.add("Which dependency is away", roles=None, answer=Health)
def health(call: Call) -> Reply:
    """200 when all answer, else 503; marks are still accepted while only Postgres is away."""
    found: dict[str, Literal["ok", "away"]] = {}
    for name, ping in (("redis", call.container.queue.ping), ("postgres", call.container.ping_postgres)):
        try:
            ping()
            found[name] = "ok"
        except Unavailable:
            found[name] = "away"
    fine = all(state == "ok" for state in found.values())
    return Reply(Health(status="ok" if fine else "degraded", dependencies=found), 200 if fine else 503)


@operations.add("This description", roles=None, answer=None)
def openapi(call: Call) -> Reply:  # noqa: ARG001 - every handler takes the call
    """OpenAPI 3.1, made from the same models that check the requests."""
    return Reply(_document())


@cache
def _document() -> str:
    from chalicelib.api.openapi import document
    from chalicelib.api.routes import operations as every

    return json.dumps(document(every()))
