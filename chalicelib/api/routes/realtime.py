"""Live progress: a ticket for the WebSocket."""

from __future__ import annotations

from chalicelib.api.models.realtime import TicketTold
from chalicelib.api.operations import EVERYONE, Call, Operations, Reply
from chalicelib.errors import Unavailable

operations = Operations("Live progress")


@operations.add(
    "A ticket to follow jobs by WebSocket", roles=EVERYONE, answer=TicketTold, status=201,
    raises=(Unavailable,),
)  # fmt: skip
def create_ticket(call: Call) -> Reply:
    """Good once, for half a minute: it stands in a URL, and URLs are logged. 503 where there is no WebSocket."""
    return Reply(TicketTold.model_validate(call.container.tickets.issue(call.actor)), 201)
