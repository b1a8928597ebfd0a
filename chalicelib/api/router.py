"""Bind operations to Chalice: authenticate, authorise, read, call, answer; every error becomes a problem document."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from chalice.app import Chalice, Response
from pydantic import BaseModel

from chalicelib.api.authentication import Authenticator
from chalicelib.api.bodies import read_body
from chalicelib.api.headers import HEADERS, preflight, shared
from chalicelib.api.operations import Call, Operation, Reply
from chalicelib.api.problems import problem
from chalicelib.api.requests import check_headers, read_ids, read_query
from chalicelib.cache import Toll
from chalicelib.container import Container
from chalicelib.errors import Forbidden, RollcallError
from chalicelib.services.actor import Actor
from chalicelib.watch.ids import note, work
from chalicelib.watch.traces import current_trace

log = logging.getLogger(__name__)


def bind(
    app: Chalice,
    operations: Iterable[Operation],
    container: Callable[[], Container],
    authenticator: Callable[[], Authenticator],
) -> None:
    """Offer `operations` on `app`. The two makers are called at the first request, so `import app` needs nothing."""
    by_path: dict[str, list[Operation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, []).append(operation)
        view = _view(app, operation.name, container, _answering(operation, container, authenticator))
        # Chalice would answer a wrong media type itself, but not with a problem document: so every type comes here.
        app.route(operation.path, methods=[operation.method], name=operation.name, content_types=[])(view)
    for path, offered in by_path.items():
        view = _view(app, "preflight", container, _preflight(offered, container))
        app.route(path, methods=["OPTIONS"], name="preflight", content_types=[])(view)


def _view(
    app: Chalice, name: str, container: Callable[[], Container], answer: Callable[[Any, dict[str, str], str], Response]
) -> Callable[..., Response]:
    """What Chalice calls: an error becomes a problem document, and a page that may read the answer is told so."""

    def view(**path: str) -> Response:
        request: Any = app.current_request
        request_id, trace = _request_id(request), current_trace(request.headers.get("x-amzn-trace-id"))
        cross_origin: Mapping[str, str] = {}
        with work(request=request_id, operation=name, trace=trace.root if trace else None):
            try:
                cross_origin = shared(container().settings.cors_origins, request.headers)
                response = answer(request, path, str(trace or ""))
            except RollcallError as error:
                container().meter.tell("refused", {"Refused": 1}, code=error.problem_code)
                response = problem(error, request_id)
            except Exception:
                log.exception("%s failed", name)
                response = problem(RollcallError(), request_id)
        response.headers.update(cross_origin)
        return response

    view.__name__ = name
    return view


def _answering(
    operation: Operation, container: Callable[[], Container], authenticator: Callable[[], Authenticator]
) -> Callable[[Any, dict[str, str], str], Response]:
    return lambda request, path, trace: _response(_answer(operation, request, path, trace, container(), authenticator))


def _preflight(
    offered: Sequence[Operation], container: Callable[[], Container]
) -> Callable[[Any, dict[str, str], str], Response]:
    """Answered here and not by API Gateway, whose own answer knows one origin, fixed when the API was deployed."""
    methods = ", ".join(sorted({"OPTIONS", *(operation.method for operation in offered)}))
    names = frozenset(name for operation in offered for name in operation.headers)

    def answer(request: Any, *_: object) -> Response:
        allowed = preflight(container().settings.cors_origins, request.headers, methods, names)
        return Response(body="", status_code=204, headers={**HEADERS, "Allow": methods, **allowed})

    return answer


def _answer(
    operation: Operation,
    request: Any,
    path: dict[str, str],
    trace: str,
    container: Container,
    authenticator: Callable[[], Authenticator],
) -> Reply:
    if operation.roles is None:
        return operation.handler(_call(operation, request, path, trace, container))
    actor = authenticator().identify(request.headers.get("authorization"))
    note(tenant=actor.tenant)
    toll = container.allowances.toll(actor.tenant, actor.subject, reads=operation.method == "GET")
    try:
        if not operation.takes_toll:
            toll.take()
        if not actor.roles & operation.roles:
            raise Forbidden
        return operation.handler(_call(operation, request, path, trace, container, actor, toll))
    except RollcallError:
        toll.take()  # what was refused before anything was asked of Redis counts like any other request
        raise


def _call(
    operation: Operation,
    request: Any,
    path: dict[str, str],
    trace: str,
    container: Container,
    actor: Actor | None = None,
    toll: Toll | None = None,
) -> Call:
    check_headers(operation.headers, request.headers)
    query = request.query_params
    raw = {name: query.getlist(name) for name in query} if query else {}
    return Call(
        container=container,
        path=read_ids(path),
        headers=request.headers,
        bearer=actor,
        toll=toll,
        query=read_query(operation.query, raw),
        body=read_body(request.headers, request.raw_body) if operation.body is not None else b"",
        trace=trace,
    )


def _response(reply: Reply) -> Response:
    body = reply.body.model_dump_json() if isinstance(reply.body, BaseModel) else reply.body
    headers: dict[str, str | list[str]] = {"Content-Type": "application/json", **HEADERS, **reply.headers}
    return Response(body=body, status_code=reply.status, headers=headers)


def _request_id(request: Any) -> str | None:
    found = request.context.get("requestId")
    return str(found) if found else None
