"""What stands before moto: the addresses that AWS has outside of its own API.

A REST API that was deployed answers below `/restapis/<id>/<stage>/_user_request_`, as LocalStack has it, by the routes
that were deployed and the functions that they name. A function's zip lies at the place that GetFunction names.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from moto.apigateway.models import APIGatewayBackend, RestAPI, apigateway_backends
from starlette.requests import Request

from local.gateway.events import http_response, proxy_event
from local.gateway.routes import RouteTable

from . import ACCOUNT, REGION
from .functions import CODE, Runner, code_of, find

_REQUEST = re.compile(r"/restapis/(?P<api>[^/]+)/(?P<stage>[^/]+)/_user_request_(?P<path>/.*)")
_FUNCTION = re.compile(r"functions/(?P<arn>arn:[^/]+)/invocations")
_Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Front:
    """A WSGI app before moto's."""

    def __init__(self, moto: _Wsgi, runner: Runner) -> None:
        self._moto, self._runner = moto, runner

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = str(environ["PATH_INFO"])
        if path.startswith(CODE):
            return _answer(start, 200, {"Content-Type": "application/zip"}, code_of(path.removeprefix(CODE)))
        if asked := _REQUEST.fullmatch(path):
            return self._request(asked, environ, start)
        return self._moto(environ, start)

    def _request(self, asked: re.Match[str], environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        backend: APIGatewayBackend = apigateway_backends[ACCOUNT][REGION]
        api = backend.apis.get(asked["api"])
        if api is None or asked["stage"] not in api.stages:
            return _answer(start, 403, {}, b'{"message":"Forbidden"}')
        verb, path = str(environ["REQUEST_METHOD"]), quote(asked["path"])
        routes = _routes(api)
        match = RouteTable(routes).match(path)
        function = routes[match.resource].get(verb) if match is not None else None
        if match is None or function is None:
            return _answer(start, 403, {}, b'{"message":"Missing Authentication Token"}')
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        event = proxy_event(_as_request(environ), path, match, body, str(uuid.uuid4()))
        event["requestContext"] |= {"apiId": asked["api"], "stage": asked["stage"]}
        answer, failed, _ = self._runner.run(find(function), event)
        if failed:
            return _answer(start, 502, {}, b'{"message": "Internal server error"}')
        response = http_response(json.loads(answer))
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in response.raw_headers}
        return _answer(start, response.status_code, headers, bytes(response.body))


def _routes(api: RestAPI) -> dict[str, dict[str, str]]:
    """The ARN of a function by resource and verb; what moto answers itself is not among them."""
    found: dict[str, dict[str, str]] = {}
    for resource in api.resources.values():
        for verb, method in resource.resource_methods.items():
            integration = method.method_integration
            if integration and (named := _FUNCTION.search(integration.uri or "")):
                found.setdefault(resource.get_path(), {})[verb] = named["arn"]
    return found


def _as_request(environ: dict[str, Any]) -> Request:
    """The request as ASGI has it, which is what makes events."""
    headers = [
        (name.removeprefix("HTTP_").replace("_", "-").lower().encode(), str(value).encode("latin-1"))
        for name, value in environ.items()
        if name.startswith("HTTP_") or (name in {"CONTENT_TYPE", "CONTENT_LENGTH"} and value)
    ]
    return Request({
        "type": "http", "method": environ["REQUEST_METHOD"], "headers": headers, "scheme": "https",
        "path": environ["PATH_INFO"], "query_string": str(environ.get("QUERY_STRING", "")).encode("latin-1"),
        "http_version": "1.1", "server": ("127.0.0.1", 443), "client": (environ["REMOTE_ADDR"], 0),
    })  # fmt: skip


def _answer(start: Callable[..., Any], status: int, headers: dict[str, str], body: bytes) -> list[bytes]:
    start(f"{status} -", [*{"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items()])
    return [body]
