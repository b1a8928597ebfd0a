"""A client that calls the Lambda handler in process, with the event that API Gateway would make of the request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import app
from chalicelib.api.doors import BASE
from local.gateway.isolation import isolate_requests
from local.gateway.routes import RouteTable
from local.lambda_context import LocalLambdaContext

# Some tests call from many threads at once.
isolate_requests(app.app)
_ROUTES = RouteTable(app.app.routes)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """The code of the problem."""
        return str(self.json["code"])

    @property
    def faults(self) -> set[tuple[str, str]]:
        """Where (a JSON pointer, or the name of a parameter or header) and what is wrong."""
        errors = self.json.get("errors", [])
        return {(fault["pointer"] if "pointer" in fault else fault.get("parameter"), fault["code"]) for fault in errors}


@dataclass(frozen=True, slots=True)
class Client:
    """Sends requests with these headers; paths stand below BASE unless they begin with it."""

    headers: Mapping[str, str] = field(default_factory=dict)

    def get(self, path: str, query: Mapping[str, Any] | None = None, **headers: str) -> Answer:
        """GET; a list in `query` repeats its parameter."""
        return self.send("GET", path, query=query, headers=headers)

    def delete(self, path: str) -> Answer:
        """DELETE."""
        return self.send("DELETE", path)

    def post(self, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str) -> Answer:
        """POST `body` as JSON, or `raw` as it is; underscores in a header's name become hyphens."""
        return self.send("POST", path, body=_bytes(body, raw), headers=headers)

    def put(self, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str) -> Answer:
        """PUT, as `post`."""
        return self.send("PUT", path, body=_bytes(body, raw), headers=headers)

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Any method."""
        full = quote(path if path.startswith(BASE) else BASE + path)
        match = _ROUTES.match(full)
        assert match is not None, f"there is no {full}"
        named = {name.replace("_", "-").lower(): value for name, value in (headers or {}).items()}
        sent = {**({"content-type": "application/json"} if body is not None else {}), **self.headers, **named}
        parameters = {name: _values(value) for name, value in (query or {}).items()}
        context = LocalLambdaContext()
        event = {
            "resource": match.resource,
            "path": full,
            "httpMethod": method,
            "headers": sent,
            "multiValueHeaders": {name: [value] for name, value in sent.items()},
            "queryStringParameters": {name: values[-1] for name, values in parameters.items()} or None,
            "multiValueQueryStringParameters": parameters or None,
            "pathParameters": match.path_parameters or None,
            "stageVariables": None,
            "requestContext": {
                "httpMethod": method,
                "resourcePath": match.resource,
                "requestId": context.aws_request_id,
                "identity": {"sourceIp": "127.0.0.1"},
            },
            **_body(body),
        }
        answer = app.app(event, context)
        assert not answer.get("isBase64Encoded")
        # What cannot be encoded could not leave Lambda either.
        answer["body"].encode()
        return Answer(answer["statusCode"], {k.lower(): v for k, v in answer["headers"].items()}, answer["body"])


def _values(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _bytes(body: Any, raw: bytes | None) -> bytes:
    return json.dumps(body).encode() if raw is None else raw


def _body(body: bytes | None) -> dict[str, Any]:
    """API Gateway hands over text; bytes that are none come in base64."""
    import base64

    try:
        return {"body": body.decode() if body else None, "isBase64Encoded": False}
    except UnicodeDecodeError:
        return {"body": base64.b64encode(body or b"").decode(), "isBase64Encoded": True}
