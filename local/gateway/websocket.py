"""The WebSocket API on this machine: `/ws` for clients, `/@connections/{id}` for functions that post to them.

A message to or from a client may have 128 KiB, as on AWS. What is told and not enforced: AWS also wants frames of at
most 32 KiB from clients, throttles, and may run the messages of one connection at once; here they run in their order.
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api.html
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from chalice.app import Chalice
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from local.lambda_context import LocalLambdaContext

from .problems import problem_of
from .websocket_events import connect_event, disconnect_event, message_event

MAX_MESSAGE = 128 * 1024
IDLE_S, LIFE_S = 600.0, 7_200.0
"""API Gateway closes a connection on which nothing went for ten minutes, and every one after two hours."""

_log = logging.getLogger(__name__)

_GOING_AWAY = 1001
_ABNORMAL = 1006


@dataclass(slots=True)
class Connection:
    """One open WebSocket; instants are in seconds since 1970."""

    socket: WebSocket
    id: str = field(default_factory=lambda: f"{secrets.token_urlsafe(11)}=")
    opened: float = field(default_factory=time.time)
    active: float = field(default_factory=time.time)


class WebSocketDoor:
    """Turns what happens on a WebSocket into the events that API Gateway sends, and calls the app's handlers."""

    def __init__(
        self, app: Chalice, threads: ThreadPoolExecutor, *, idle_s: float = IDLE_S, life_s: float = LIFE_S
    ) -> None:
        self._handlers = {key: app.handler_map[handler.name] for key, handler in app.websocket_handlers.items()}
        self._threads, self._idle_s, self._life_s = threads, idle_s, life_s
        self._open: dict[str, Connection] = {}

    @property
    def routes(self) -> list[BaseRoute]:
        """What is served; nothing for an app without a `$connect` handler."""
        if "$connect" not in self._handlers:
            return []
        return [
            WebSocketRoute("/ws", self.talk),
            Route("/@connections/{connection}", self.manage, methods=["POST", "GET", "DELETE"]),
        ]

    async def talk(self, socket: WebSocket) -> None:
        """One WebSocket from the handshake to its end."""
        connection = Connection(socket)
        status = await self._call("$connect", connect_event(connection))
        if status >= 400:
            refusal = {401: ("unauthenticated", "The ticket is not good."), 403: ("forbidden", "Refused.")}
            name, detail = refusal.get(status, ("bad_gateway", "The function failed; the log says why."))
            await socket.send_denial_response(problem_of(status if status in refusal else 502, name, detail))
            return
        await socket.accept()
        self._open[connection.id] = connection
        code = _ABNORMAL
        try:
            code = await self._listen(connection)
        finally:
            self._open.pop(connection.id, None)
            await self._call("$disconnect", disconnect_event(connection, code))

    async def manage(self, request: Request) -> Response:
        """@connections: post to a connection, ask about it, close it; 410 if it is gone."""
        connection = self._open.get(request.path_params["connection"])
        if request.method == "POST":
            body = await request.body()
            if len(body) > MAX_MESSAGE:
                return _error(413, "PayloadTooLargeException", f"A message may have {MAX_MESSAGE} bytes.")
            if connection is None or not await self._send(connection, body.decode("utf-8", "replace")):
                return _gone()
            return Response(status_code=200)
        if connection is None:
            return _gone()
        if request.method == "DELETE":
            await connection.socket.close()
            return Response(status_code=204)
        source = connection.socket.client
        told = {"connectedAt": _iso(connection.opened), "lastActiveAt": _iso(connection.active)}
        return JSONResponse({**told, "identity": {"sourceIp": source.host if source else "127.0.0.1"}})

    async def _listen(self, connection: Connection) -> int:
        """Hand over messages until either side closes; the close code."""
        while True:
            now = time.time()
            left = min(connection.active + self._idle_s, connection.opened + self._life_s) - now
            try:
                async with asyncio.timeout(max(0, left)):
                    message = await connection.socket.receive()
            except TimeoutError:
                if connection.active + self._idle_s > time.time() < connection.opened + self._life_s:
                    continue  # something was sent to the client meanwhile
                await connection.socket.close(_GOING_AWAY)
                return _GOING_AWAY
            if message["type"] == "websocket.disconnect":
                return int(message.get("code") or _ABNORMAL)
            connection.active = time.time()
            await self._call("$default", message_event(connection, message.get("text"), message.get("bytes")))

    async def _send(self, connection: Connection, text: str) -> bool:
        if connection.socket.application_state is not WebSocketState.CONNECTED:
            return False
        try:
            await connection.socket.send_text(text)
        except (WebSocketDisconnect, RuntimeError):
            return False
        connection.active = time.time()
        return True

    async def _call(self, key: str, event: dict[str, Any]) -> int:
        """The status that the handler of a route answers; 502 if it failed."""
        handler = self._handlers.get(key)
        if handler is None:
            return 200
        call: Callable[[], Any] = lambda: handler(event, LocalLambdaContext())  # noqa: E731  typed
        try:
            answer = await asyncio.get_running_loop().run_in_executor(self._threads, call)
            return int(answer["statusCode"])
        except Exception:  # noqa: BLE001  a function that fails is an answer of 502, whatever it raised
            _log.exception("the function of %s failed", key)
            return 502


def _error(status: int, name: str, detail: str) -> Response:
    return JSONResponse({"message": detail}, status, {"x-amzn-ErrorType": name})


def _gone() -> Response:
    return _error(410, "GoneException", "The connection is gone.")


def _iso(instant: float) -> str:
    return datetime.fromtimestamp(instant, UTC).isoformat().replace("+00:00", "Z")
