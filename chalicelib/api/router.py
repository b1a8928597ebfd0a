"""What happens to a request: authenticate, authorise, read, call, answer; every error becomes a problem document."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chalice.app import Response
from pydantic import BaseModel

from chalicelib.api.authentication import Authenticator
from chalicelib.api.bodies import read_body
from chalicelib.api.doors import Door
from chalicelib.api.headers import HEADERS, preflight, shared
from chalicelib.api.operations import Call, Operation, Reply
from chalicelib.api.problems import problem
from chalicelib.api.requests import check_headers, read_ids, read_query
from chalicelib.api.routes import operation
from chalicelib.cache import Toll
from chalicelib.container import Container
from chalicelib.errors import Forbidden, RollcallError
from chalicelib.services.actor import Actor
from chalicelib.watch.ids import note, work
from chalicelib.watch.traces import current_trace

log = logging.getLogger(__name__)


class Router:
    """Takes requests at the doors. The two makers are called within a request, so that what fails there is told."""

    def __init__(self, container: Callable[[], Container], authenticator: Callable[[], Authenticator]) -> None:
        self._container, self._authenticator = container, authenticator

    def answer(self, door: Door, request: Any, ids: dict[str, str]) -> Response:
        """The answer of the operation behind `door`; `ids` are those in the path."""
        return self._told(door.handler, request, lambda trace: self._carried_out(door, request, ids, trace))

    def preflight(self, doors: Sequence[Door], request: Any, ids: dict[str, str]) -> Response:  # noqa: ARG002 - any id
        """What a browser may send to the path of `doors`.

        Answered here and not by API Gateway, whose own answer knows one origin, fixed when the API was deployed.
        """

        def allowed(_: str) -> Response:
            methods = ", ".join(sorted({"OPTIONS", *(door.method for door in doors)}))
            names = {name for door in doors for name in operation(door).headers}
            pages = preflight(self._container().settings.cors_origins, request.headers, methods, names)
            return Response(body="", status_code=204, headers={**HEADERS, "Allow": methods, **pages})

        return self._told("preflight", request, allowed)

    def _told(self, name: str, request: Any, answer: Callable[[str], Response]) -> Response:
        """An error becomes a problem document, and a page that may read the answer is told so."""
        request_id, trace = _request_id(request), current_trace(request.headers.get("x-amzn-trace-id"))
        cross_origin: Mapping[str, str] = {}
        with work(request=request_id, operation=name, trace=trace.root if trace else None):
            try:
                cross_origin = shared(self._container().settings.cors_origins, request.headers)
                response = answer(str(trace or ""))
            except RollcallError as error:
                self._container().meter.tell("refused", {"Refused": 1}, code=error.problem_code)
                response = problem(error, request_id)
            except Exception:
                log.exception("%s failed", name)
                response = problem(RollcallError(), request_id)
        response.headers.update(cross_origin)
        return response

    def _carried_out(self, door: Door, request: Any, ids: dict[str, str], trace: str) -> Response:
        wanted, container = operation(door), self._container()
        if wanted.roles is None:
            return _response(wanted.handler(_call(wanted, request, ids, trace, container)))
        actor = self._authenticator().identify(request.headers.get("authorization"))
        note(tenant=actor.tenant)
        toll = container.allowances.toll(actor.tenant, actor.subject, reads=wanted.method == "GET")
        try:
            if not wanted.takes_toll:
                toll.take()
            if not actor.roles & wanted.roles:
                raise Forbidden
            return _response(wanted.handler(_call(wanted, request, ids, trace, container, actor, toll)))
        except RollcallError:
            toll.take()  # what was refused before anything was asked of Redis counts like any other request
            raise


def _call(
    wanted: Operation,
    request: Any,
    ids: dict[str, str],
    trace: str,
    container: Container,
    actor: Actor | None = None,
    toll: Toll | None = None,
) -> Call:
    check_headers(wanted.headers, request.headers)
    query = request.query_params
    raw = {name: query.getlist(name) for name in query} if query else {}
    return Call(
        container=container,
        path=read_ids(ids),
        headers=request.headers,
        bearer=actor,
        toll=toll,
        query=read_query(wanted.query, raw),
        body=read_body(request.headers, request.raw_body) if wanted.body is not None else b"",
        trace=trace,
    )


def _response(reply: Reply) -> Response:
    body = reply.body.model_dump_json() if isinstance(reply.body, BaseModel) else reply.body
    headers: dict[str, str | list[str]] = {"Content-Type": "application/json", **HEADERS, **reply.headers}
    return Response(body=body, status_code=reply.status, headers=headers)


def _request_id(request: Any) -> str | None:
    found = request.context.get("requestId")
    return str(found) if found else None
