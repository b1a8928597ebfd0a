"""What goes over a WebSocket: the client's messages, read and checked, and the events that answer them."""

from __future__ import annotations

import json
from typing import Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from chalicelib.api.bodies import read_form
from chalicelib.api.models.fields import Id, Sent
from chalicelib.api.models.jobs import JobStatus
from chalicelib.errors import RollcallError, TooLarge
from chalicelib.services.jobs import JobView

MAX_MESSAGE = 4 * 1024
"""Bytes of a client's message."""

MAX_EVENT = 128 * 1024
"""Bytes that API Gateway takes for one message to a client."""


class ClientMessage(Sent):
    """What a client may say. Following means one job, or `queue`: all jobs of the tenant."""

    action: Literal["subscribe", "unsubscribe", "ping"]
    jobId: Id | None = None  # noqa: N815 - the job's fields keep Bull's spelling
    queue: Literal[True] | None = None

    @model_validator(mode="after")
    def _names_one_thing(self) -> Self:
        named = (self.jobId is not None) + (self.queue is not None)
        if named != (self.action != "ping"):
            raise PydanticCustomError("invalid_value", "Give `jobId`, or `queue`: true; with ping, neither.")
        return self


def read_message(body: str) -> ClientMessage:
    """A client's message. Raises TooLarge, MalformedJson, Refused."""
    raw = body.encode("utf-8", "replace")
    if len(raw) > MAX_MESSAGE:
        raise TooLarge(f"A message may have {MAX_MESSAGE} bytes; this one has {len(raw)}.")
    return read_form(ClientMessage, raw)


def job_event(view: JobView) -> str:
    """A job, told exactly as GET /jobs/{jobId} tells it.

    The list of a huge import's rejected records may not fit into a message: then it is left empty, and `truncated`
    says so.
    """
    status = JobStatus.of(view)
    text = f'{{"type":"job","job":{status.model_dump_json()}}}'
    if len(text.encode()) > MAX_EVENT and status.result is not None:
        status.result.rejected = []
        text = f'{{"type":"job","truncated":true,"job":{status.model_dump_json()}}}'
    return text


def answer(message: ClientMessage) -> str:
    """That a message was understood and done: subscribed, unsubscribed or pong."""
    done = {"subscribe": "subscribed", "unsubscribe": "unsubscribed", "ping": "pong"}[message.action]
    return json.dumps({"type": done} | message.model_dump(exclude={"action"}, exclude_none=True))


def error_event(error: RollcallError, message: ClientMessage | None = None) -> str:
    """What went wrong, with the API's code, and what it was about if that could be read."""
    about = message.model_dump(exclude={"action"}, exclude_none=True) if message is not None else {}
    told: dict[str, object] = {"type": "error", "code": error.problem_code, "detail": error.detail, **about}
    if error.faults:
        told["errors"] = [fault.to_json() for fault in error.faults]
    return json.dumps(told)
