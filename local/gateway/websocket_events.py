"""The events that API Gateway's Lambda proxy integration makes of a WebSocket: CONNECT, MESSAGE, DISCONNECT."""

from __future__ import annotations

import base64
import time
import uuid
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import parse_qs

from starlette.websockets import WebSocket

from .events import STAGE


class Open(Protocol):
    """A connection as the events tell it."""

    socket: WebSocket
    id: str
    opened: float


def connect_event(connection: Open) -> dict[str, Any]:
    """`$connect`, with the headers and the query of the handshake."""
    scope = connection.socket.scope
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return {
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "requestContext": _context(connection, "$connect", "CONNECT"),
        "isBase64Encoded": False,
    }


def message_event(connection: Open, text: str | None, data: bytes | None) -> dict[str, Any]:
    """`$default`, with the message; a binary one in base64."""
    context = _context(connection, "$default", "MESSAGE") | {"messageId": uuid.uuid4().hex}
    body = text if text is not None else base64.b64encode(data or b"").decode("ascii")
    return {"requestContext": context, "body": body, "isBase64Encoded": text is None}


def disconnect_event(connection: Open, code: int) -> dict[str, Any]:
    """`$disconnect`, with the close code."""
    context = _context(connection, "$disconnect", "DISCONNECT")
    closed = {"disconnectStatusCode": code, "disconnectReason": ""}
    return {"requestContext": context | closed, "isBase64Encoded": False}


def _context(connection: Open, route: str, kind: str) -> dict[str, Any]:
    socket, now = connection.socket, time.time()
    identity = {
        "sourceIp": socket.client.host if socket.client else "127.0.0.1",
        "userAgent": socket.headers.get("user-agent"),
    }
    return {
        "routeKey": route,
        "eventType": kind,
        "messageDirection": "IN",
        "connectionId": connection.id,
        "connectedAt": int(connection.opened * 1000),
        "domainName": socket.headers.get("host", ""),
        "stage": STAGE,
        "apiId": "local",
        "requestId": str(uuid.uuid4()),
        "extendedRequestId": uuid.uuid4().hex,
        "requestTime": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": int(now * 1000),
        "identity": identity,
    }
