"""The event that API Gateway's Lambda proxy integration (REST, payload 1.0) makes of a request, and the way back.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from .routes import Match

STAGE = "local"


class MalformedAnswer(Exception):
    """The function's answer is not what a proxy integration must return."""


def proxy_event(request: Request, path: str, match: Match, body: bytes, request_id: str) -> dict[str, Any]:
    """The event for a request. Header names are in lower case, as a client of HTTP/2 sends them."""
    headers = _headers(request)
    query = parse_qs(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    text, is_base64 = _body(body)
    return {
        "resource": match.resource,
        "path": path,
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": match.path_parameters or None,
        "stageVariables": None,
        "requestContext": _context(request, path, match, headers, request_id),
        "body": text,
        "isBase64Encoded": is_base64,
    }


def http_response(answer: Any) -> Response:
    """The HTTP response that a function's answer stands for. Raises MalformedAnswer."""
    try:
        response = Response(_content(answer), int(answer["statusCode"]))
        many = {name.lower(): values for name, values in (answer.get("multiValueHeaders") or {}).items()}
        single = {name.lower(): [value] for name, value in (answer.get("headers") or {}).items()}
        headers = {"content-type": ["application/json"]} | single | many
        headers.pop("content-length", None)  # ours is the true one
        for name, values in headers.items():
            for value in values:
                response.raw_headers.append((name.encode("latin-1"), str(value).encode("latin-1", "replace")))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedAnswer(f"{type(error).__name__}: {error}") from error
    return response


def _headers(request: Request) -> dict[str, list[str]]:
    """Every header with all its values, and those that the gateway adds to tell of the client."""
    headers: dict[str, list[str]] = {}
    for name, value in request.scope["headers"]:
        headers.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
    passed_through = headers.get("x-forwarded-for", [])
    headers["x-forwarded-for"] = [", ".join([*passed_through, _client(request)])]
    headers["x-forwarded-proto"] = [request.scope["scheme"]]
    headers["x-forwarded-port"] = [str(request.scope["server"][1])]
    return headers


def _context(
    request: Request, path: str, match: Match, headers: dict[str, list[str]], request_id: str
) -> dict[str, Any]:
    now = time.time()
    return {
        "accountId": "000000000000",
        "apiId": "local",
        "domainName": headers.get("host", [""])[0],
        "httpMethod": request.method,
        "resourcePath": match.resource,
        "path": path,  # no stage before it, as behind a domain name of one's own
        "protocol": f"HTTP/{request.scope['http_version']}",
        "stage": STAGE,
        "requestId": request_id,
        "requestTime": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": int(now * 1000),
        "identity": {"sourceIp": _client(request), "userAgent": headers.get("user-agent", [None])[0]},
    }


def _client(request: Request) -> str:
    return request.client.host if request.client else "127.0.0.1"


def _body(body: bytes) -> tuple[str | None, bool]:
    if not body:
        return None, False
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode("ascii"), True


def _content(answer: dict[str, Any]) -> bytes:
    body = answer.get("body") or ""
    if answer.get("isBase64Encoded"):
        return base64.b64decode(body)
    return body if isinstance(body, bytes) else body.encode()
