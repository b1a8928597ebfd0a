"""Bind operations to Chalice: authenticate, authorise, read, call, answer; every error becomes a problem document."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from chalice.app import Chalice, Response
from pydantic import BaseModel

from chalicelib.api.authentication import Authenticator
from chalicelib.api.bodies import read_body
from chalicelib.api.operations import Call, Operation, Reply
from chalicelib.api.problems import HEADERS, problem
from chalicelib.api.requests import check_headers, read_ids, read_query
from chalicelib.container import Container
from chalicelib.errors import Forbidden, RollcallError
from chalicelib.watch.ids import note, work
from chalicelib.watch.traces import Trace, current_trace

log = logging.getLogger(__name__)


def bind(
    app: Chalice,
    operations: Iterable[Operation],
    container: Callable[[], Container],
    authenticator: Callable[[], Authenticator],
) -> None:
    """Offer `operations` on `app`. The two makers are called at the first request, so `import app` needs nothing."""
    for operation in operations:
        view = _view(app, operation, container, authenticator)
        # Chalice would answer a wrong media type itself, but not with a problem document: so every type comes here.
        app.route(operation.path, methods=[operation.method], name=operation.name, content_types=[])(view)


def _view(
    app: Chalice, operation: Operation, container: Callable[[], Container], authenticator: Callable[[], Authenticator]
) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        request: Any = app.current_request
        request_id, trace = _request_id(request), current_trace(request.headers.get("x-amzn-trace-id"))
        with work(request=request_id, operation=operation.name, trace=trace.root if trace else None):
            try:
                return _response(_answer(operation, request, path, container(), authenticator, trace))
            except RollcallError as error:
                container().meter.tell("refused", {"Refused": 1}, code=error.problem_code)
                return problem(error, request_id)
            except Exception:
                log.exception("%s failed", operation.name)
                return problem(RollcallError(), request_id)

    view.__name__ = operation.name
    return view


def _answer(
    operation: Operation,
    request: Any,
    path: dict[str, str],
    container: Container,
    authenticator: Callable[[], Authenticator],
    trace: Trace | None,
) -> Reply:
    actor = None
    if operation.roles is not None:
        actor = authenticator().identify(request.headers.get("authorization"))
        note(tenant=actor.tenant)
        if not actor.roles & operation.roles:
            raise Forbidden
    check_headers(operation.headers, request.headers)
    query = request.query_params
    raw = {name: query.getlist(name) for name in query} if query else {}
    call = Call(
        container=container,
        path=read_ids(path),
        headers=request.headers,
        bearer=actor,
        query=read_query(operation.query, raw),
        body=read_body(request.headers, request.raw_body) if operation.body is not None else b"",
        trace=str(trace or ""),
    )
    return operation.handler(call)


def _response(reply: Reply) -> Response:
    body = reply.body.model_dump_json() if isinstance(reply.body, BaseModel) else reply.body
    headers: dict[str, str | list[str]] = {"Content-Type": "application/json", **HEADERS, **reply.headers}
    return Response(body=body, status_code=reply.status, headers=headers)


def _request_id(request: Any) -> str | None:
    found = request.context.get("requestId")
    return str(found) if found else None
