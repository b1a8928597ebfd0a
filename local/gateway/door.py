"""The ASGI application that stands where API Gateway stands."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from chalice.app import Chalice
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from chalicelib.errors import MethodNotAllowed, NotFound, RollcallError, TooLarge
from local.lambda_context import LocalLambdaContext

from .events import MalformedAnswer, http_response, proxy_event
from .isolation import isolate_requests
from .problems import problem, problem_of
from .routes import RouteTable
from .websocket import WebSocketDoor

MAX_BODY = 10 * 1024 * 1024  # bytes that API Gateway takes
MAX_HEAD = 10_240  # bytes of the request line and all headers, as API Gateway has it
_CONCURRENCY = 64  # threads; a client that waits for a job holds one for up to 20 s

_log = logging.getLogger(__name__)


def create_gateway(app: Chalice, *, concurrency: int = _CONCURRENCY) -> Starlette:
    """An ASGI application that answers HTTP and WebSockets by calling the app as Lambda would.

    `concurrency` calls run at once.
    """
    threads = ThreadPoolExecutor(concurrency, thread_name_prefix="lambda")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        threads.shutdown(wait=False, cancel_futures=True)  # the server has waited for those that run

    gateway = Starlette(routes=WebSocketDoor(app, threads).routes, lifespan=lifespan)
    # The default and not a route: Starlette's patterns match no line break, which a path may well hold.
    gateway.router.default = RestDoor(app, threads)
    gateway.router.redirect_slashes = False
    return gateway


class RestDoor:
    """The REST API: every HTTP request that no other door takes."""

    def __init__(self, app: Chalice, threads: ThreadPoolExecutor) -> None:
        isolate_requests(app)
        self._app = app
        self._threads = threads
        self._routes = RouteTable(app.routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)  # refused, as where an API has no such door
            return
        started = time.perf_counter()
        request = Request(scope, receive)
        context = LocalLambdaContext()
        path = scope["raw_path"].decode("latin-1")
        try:
            response = await self._answer(request, path, context)
        except RollcallError as error:
            response = problem(error)
        response.headers["x-amzn-requestid"] = context.aws_request_id
        await response(scope, receive, send)
        spent = (time.perf_counter() - started) * 1000
        _log.debug("%s %s %d %.1f ms", request.method, path, response.status_code, spent)

    async def _answer(self, request: Request, path: str, context: LocalLambdaContext) -> Response:
        if _head(request) > MAX_HEAD:
            detail = f"The request line and the headers have more than {MAX_HEAD} bytes."
            return problem_of(431, "headers_too_large", detail)
        match = self._routes.match(path)
        if match is None:
            raise NotFound(f"There is nothing at {path}.")
        entries = self._app.routes[match.resource]
        if request.method not in entries:
            return self._preflight(request.method, match.resource)
        body = await _read(request)
        event = proxy_event(request, path, match, body, context.aws_request_id)
        call: Callable[[], Any] = lambda: self._app(event, context)  # noqa: E731  typed
        return await _invoke(call, self._threads)

    def _preflight(self, method: str, resource: str) -> Response:
        """The answer that needs no function: to a browser's question before a request to another origin."""
        entries = self._app.routes[resource]
        open_to_others = [name for name, entry in entries.items() if entry.cors]
        if method != "OPTIONS" or not open_to_others:
            allowed = ", ".join(sorted(entries))
            raise MethodNotAllowed(f"{resource} takes {allowed}.", headers={"Allow": allowed})
        headers = entries[open_to_others[0]].cors.get_access_control_headers()
        allowed = ",".join(sorted({*open_to_others, "OPTIONS"}))
        return Response(headers={**headers, "Access-Control-Allow-Methods": allowed})


async def _invoke(call: Callable[[], Any], threads: ThreadPoolExecutor) -> Response:
    try:
        running: Awaitable[Any] = asyncio.get_running_loop().run_in_executor(threads, call)
        return http_response(await running)
    except MalformedAnswer:
        _log.exception("the function's answer is malformed")
    except Exception:  # noqa: BLE001  a function that fails is an answer of 502, whatever it raised
        _log.exception("the function failed")
    return problem_of(502, "bad_gateway", "The function failed; the log says why.")


def _head(request: Request) -> int:
    """Bytes of the request line and the headers, without what parts them."""
    line = len(request.method) + len(request.scope["raw_path"]) + len(request.scope["query_string"])
    return line + sum(len(name) + len(value) for name, value in request.scope["headers"])


async def _read(request: Request) -> bytes:
    """The whole body. Raises TooLarge as soon as it is known to be too large, by its length or by counting."""
    told = request.headers.get("content-length", "0")
    if told.isdecimal() and int(told) > MAX_BODY:
        raise _too_large()
    chunks = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            raise _too_large()
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large() -> TooLarge:
    return TooLarge(f"The body is larger than {MAX_BODY} bytes.", headers={"Connection": "close"})
