"""API Gateway imports REST APIs from Swagger 2.0, which is what Chalice writes; moto takes OpenAPI 3 only."""

from __future__ import annotations

from functools import wraps
from typing import Any

from moto.apigateway.models import APIGatewayBackend

_VERBS = {"get", "put", "post", "delete", "options", "head", "patch"}


def mend() -> None:
    """Let both ways of import take Swagger 2.0."""
    original_import, original_put = APIGatewayBackend.import_rest_api, APIGatewayBackend.put_rest_api

    @wraps(original_import)
    def import_rest_api(self: APIGatewayBackend, api_doc: dict[str, Any], *more: Any, **named: Any) -> Any:
        return original_import(self, _as_openapi_3(api_doc), *more, **named)

    @wraps(original_put)
    def put_rest_api(
        self: APIGatewayBackend, function_id: str, api_doc: dict[str, Any], *more: Any, **named: Any
    ) -> Any:
        return original_put(self, function_id, _as_openapi_3(api_doc), *more, **named)

    APIGatewayBackend.import_rest_api = import_rest_api  # type: ignore[method-assign]
    APIGatewayBackend.put_rest_api = put_rest_api  # type: ignore[method-assign]


def _as_openapi_3(document: dict[str, Any]) -> dict[str, Any]:
    """The document with what moto wants to see; what moto reads of it stands in the same places in both versions."""
    if "swagger" not in document:
        return document
    paths = {
        path: {verb: _with_address(operation) for verb, operation in operations.items() if verb in _VERBS}
        for path, operations in document.get("paths", {}).items()
    }
    rest = {name: value for name, value in document.items() if name != "swagger"}
    return {**rest, "openapi": "3.0.1", "info": {"description": "", **document["info"]}, "paths": paths}


def _with_address(operation: dict[str, Any]) -> dict[str, Any]:
    """A mock integration, of which CORS is made, calls nothing and names nothing to call."""
    integration = operation.get("x-amazon-apigateway-integration")
    if integration is None:
        return operation
    return {**operation, "x-amazon-apigateway-integration": {"uri": "", "httpMethod": "POST", **integration}}
