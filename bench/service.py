"""Our app in this process with a token for it, and the bare one beside which it is measured."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import jwt
from chalice.app import Chalice, Response
from redis import Redis

from bench.sheets import ACTOR
from bench.world import World
from chalicelib.api.doors import BASE
from chalicelib.container import Container
from chalicelib.queue.keys import Keys
from local.front_door import front_door
from local.lambda_context import LocalLambdaContext
from local.settings import environment
from local.tokens import AUDIENCE, ISSUER

_KEY = "the benchmarks' own key, longer than 32 characters"
_KEYS = Keys("rollcall")
MARK, JOB = f"{BASE}/mark", f"{BASE}/jobs/{{job_id}}"


@dataclass(frozen=True, slots=True)
class Service:
    """Our app and what it is made of; `environment` is for a consumer beside it."""

    app: Chalice
    container: Container
    environment: dict[str, str]
    headers: dict[str, str]


@contextmanager
def our_service(world: World, tenant: str) -> Iterator[Service]:
    """The app on the servers of `world`, and headers by which the office of `tenant` calls it."""
    variables = environment(database_url=world.app_url(), redis_url=world.redis_server.url(), key=_KEY, pool=2)
    app, container = front_door(variables)
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": ACTOR["id"], "tenant_id": tenant, "roles": ["office"]}
    token = jwt.encode({**claims, "exp": int(time.time()) + 86_400}, _KEY, "HS256")
    try:
        yield Service(
            app, container, variables, {"authorization": f"Bearer {token}", "content-type": "application/json"}
        )
    finally:
        container.close()


def bare_app(redis: Redis) -> Chalice:
    """An app that does as little as can be called the same: one LPUSH for a mark, one HGETALL for a job."""
    app = Chalice(app_name="bare")

    @app.route(MARK, methods=["POST"])
    def mark() -> Response:
        body: bytes = cast("Any", app.current_request).raw_body
        json.loads(body)
        redis.lpush("bare", body)
        return Response({"state": "waiting"}, status_code=202)

    @app.route(JOB)
    def job(job_id: str) -> Response:
        found: Any = redis.hgetall(_KEYS.job(job_id))
        return Response({name.decode(): value.decode() for name, value in found.items()})

    return app


def post_event(body: str, headers: dict[str, str]) -> dict[str, Any]:
    """The event of API Gateway for POST /mark."""
    return {
        "resource": MARK,
        "path": MARK,
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {"httpMethod": "POST", "resourcePath": MARK, "requestId": "bench", "identity": {}},
        "body": body,
        "isBase64Encoded": False,
    }


def invoke(app: Chalice, event: dict[str, Any]) -> dict[str, Any]:
    """Call an app as Lambda does."""
    answer: dict[str, Any] = app(event, LocalLambdaContext())
    return answer
