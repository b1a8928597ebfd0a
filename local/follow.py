"""Follow a job over HTTP and WebSocket, as a client of one's own would: events while they come, else questions."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from local.faults import StackFault

FINISHED = frozenset({"completed", "failed", "cancelled"})

_SILENCE_S = 5.0
_POLL_S = 0.25
_TIMEOUT_S = 30.0

Way = Callable[[str], None]
"""Called with how the job is followed from now on: `WebSocket` or `polling`."""

_UNTOLD: Way = lambda _: None  # noqa: E731  typed


def follow(
    url: str, token: str, job_id: str, *, patience_s: float = 60.0, way: Way = _UNTOLD
) -> Iterator[dict[str, Any]]:
    """The job, as GET /jobs/{jobId} tells it, now and whenever it has moved; the last one has finished.

    `url` is the API's, BASE included. Without a WebSocket, or when it breaks, the job is asked for instead; `way` is
    told. Raises StackFault if the job may not be seen, or has not finished within `patience_s` seconds.
    """
    deadline = time.monotonic() + patience_s
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT_S, trust_env=False) as http:
        told = None
        for job in _states(http, job_id, deadline, way):
            if job != told:
                yield job
            told = job
            if job["state"] in FINISHED:
                return
    raise StackFault(f"The job {job_id} has not finished within {patience_s:g} s.")


def _states(http: httpx.Client, job_id: str, deadline: float, way: Way) -> Iterator[dict[str, Any]]:
    """States of the job, repeats among them, until the deadline."""
    socket_url = _ticket(http)
    if socket_url is not None:
        try:
            with connect(socket_url, proxy=None, open_timeout=_SILENCE_S) as socket:
                way("WebSocket")
                yield from _events(http, socket, job_id, deadline)
        except (OSError, WebSocketException, TimeoutError):
            pass  # what was missed is asked for
    way("polling")
    while time.monotonic() < deadline:
        yield _ask(http, job_id)
        time.sleep(_POLL_S)


def _events(http: httpx.Client, socket: ClientConnection, job_id: str, deadline: float) -> Iterator[dict[str, Any]]:
    subscribe = json.dumps({"action": "subscribe", "jobId": job_id})
    socket.send(subscribe)
    while (left := deadline - time.monotonic()) > 0:
        try:
            event = json.loads(socket.recv(timeout=min(left, _SILENCE_S)))
        except TimeoutError:
            # An event may be lost; the present state comes with every subscription, so a question heals that.
            socket.send(subscribe)
            continue
        if event["type"] == "error":
            raise StackFault(f"The job {job_id} cannot be followed: {event['code']}: {event['detail']}")
        if event["type"] == "job":
            yield _ask(http, job_id) if event.get("truncated") else event["job"]


def _ticket(http: httpx.Client) -> str | None:
    """Where to open a WebSocket; None if there is none."""
    answer = http.post("/realtime/tickets")
    return str(answer.json()["url"]) if answer.status_code == httpx.codes.CREATED else None


def _ask(http: httpx.Client, job_id: str) -> dict[str, Any]:
    answer = http.get(f"/jobs/{job_id}")
    if not answer.is_success:
        raise StackFault(f"The job {job_id} cannot be followed: {answer.status_code}: {answer.text[:200]}")
    job: dict[str, Any] = answer.json()
    return job
