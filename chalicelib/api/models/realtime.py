"""A ticket as POST /realtime/tickets tells it."""

from __future__ import annotations

from pydantic import Field

from chalicelib.api.models.fields import Told


class TicketTold(Told):
    """Leave to open one WebSocket, soon."""

    ticket: str
    url: str = Field(description="open a WebSocket here; the ticket is in it")
    expires_in: int = Field(description="seconds for which the ticket is good, once")
