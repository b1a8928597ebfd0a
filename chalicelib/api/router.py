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
from chalicelib.cache import Toll
from chalicelib.container import Container
from chalicelib.errors import Forbidden, RollcallError
from chalicelib.services.actor import Actor

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
        request = app.current_request
        try:
            reply = _answer(operation, request, path, container(), authenticator)
        except RollcallError as error:
            return problem(error, _request_id(request))
        except Exception:
            log.exception("%s failed", operation.name)
            return problem(RollcallError(), _request_id(request))
        return _response(reply)

    view.__name__ = operation.name
    return view


def _answer(
    operation: Operation,
    request: Any,
    path: dict[str, str],
    container: Container,
    authenticator: Callable[[], Authenticator],
) -> Reply:
    if operation.roles is None:
        return operation.handler(_call(operation, request, path, container))
    actor = authenticator().identify(request.headers.get("authorization"))
    toll = container.allowances.toll(actor.tenant, actor.subject, reads=operation.method == "GET")
    try:
        if not operation.takes_toll:
            toll.take()
        if not actor.roles & operation.roles:
            raise Forbidden
        return operation.handler(_call(operation, request, path, container, actor, toll))
    except RollcallError:
        toll.take()  # what was refused before anything was asked of Redis counts like any other request
        raise


def _call(
    operation: Operation,
    request: Any,
    path: dict[str, str],
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
    )


def _response(reply: Reply) -> Response:
    body = reply.body.model_dump_json() if isinstance(reply.body, BaseModel) else reply.body
    headers: dict[str, str | list[str]] = {"Content-Type": "application/json", **HEADERS, **reply.headers}
    return Response(body=body, status_code=reply.status, headers=headers)


def _request_id(request: Any) -> str | None:
    found = request.context.get("requestId")
    return str(found) if found else None
