"""The OpenAPI 3.1 document, made from the operations and their models."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from chalicelib.api.operations import Operation
from chalicelib.api.problems import PROBLEM_JSON
from chalicelib.errors import Forbidden, RateLimited, RollcallError, Unauthenticated

VERSION = "1"


class ProblemFault(BaseModel):
    """One thing that is wrong with a request."""

    pointer: str | None = Field(default=None, description="JSON pointer into the body")
    parameter: str | None = Field(default=None, description="query parameter or header")
    code: str
    detail: str


class Problem(BaseModel):
    """RFC 9457, with a stable code and every fault at once."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    instance: str | None = None
    errors: list[ProblemFault] | None = None


_REF = "#/components/schemas/{model}"


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """The whole description, ready for `json.dumps`."""
    schemas, components = _schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rollcall",
            "version": VERSION,
            "description": "Takes a school's attendance at the bell: bulk marks become jobs, jobs end in a result.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in operations)],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


_Key = tuple[type[Any], JsonSchemaMode]


def _schemas(operations: Sequence[Operation]) -> tuple[dict[_Key, dict[str, Any]], dict[str, Any]]:
    wanted: dict[_Key, None] = {(Problem, "serialization"): None}
    for operation in operations:
        if operation.body is not None:
            wanted[operation.body, "validation"] = None
        if operation.answer is not None:
            wanted[operation.answer, "serialization"] = None
    mapping, definitions = models_json_schema(list(wanted), ref_template=_REF)
    return {(model, mode): schema for (model, mode), schema in mapping.items()}, definitions.get("$defs", {})


def _described(operation: Operation, schemas: dict[_Key, dict[str, Any]]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": (operation.handler.__doc__ or "").strip(),
        "tags": [operation.tag],
        "parameters": _parameters(operation),
        "responses": _responses(operation, schemas),
        "security": [{"bearer": []}] if operation.roles is not None else [],
    }
    if operation.roles is not None:
        told["x-roles"] = sorted(operation.roles)
    if operation.body is not None:
        schema = schemas[operation.body, "validation"]
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return told


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
        for name in re.findall(r"{(\w+)}", operation.path)
    ]
    if operation.query is not None:
        properties = operation.query.model_json_schema()["properties"]
        for name, schema in properties.items():
            plain = _not_null({key: value for key, value in schema.items() if key != "title"}, operation.query)
            found.append({"name": name, "in": "query", "required": False, "schema": plain})
    for name, header in operation.headers.items():
        schema = {"type": "string", "pattern": f"^{header.pattern}$"}
        found.append({"name": name, "in": "header", "required": False, "description": header.detail, "schema": schema})
    return found


def _not_null(schema: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """A query parameter is there or not: it is never null, so the `null` of an optional field is taken out."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"]
    if len(kinds) == 1:
        schema = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}} | kinds[0]
    reference = schema.get("$ref")
    if reference:
        name = reference.rsplit("/", 1)[-1]
        inlined: dict[str, Any] = dict(model.model_json_schema()["$defs"][name])
        inlined.pop("title", None)
        return inlined
    return schema


def _responses(operation: Operation, schemas: dict[_Key, dict[str, Any]]) -> dict[str, Any]:
    schema = schemas[operation.answer, "serialization"] if operation.answer else {"type": "object"}
    content = {"application/json": {"schema": schema}}
    done: dict[str, Any] = {"description": HTTPStatus(operation.status).phrase, "content": content}
    if operation.status == HTTPStatus.ACCEPTED:
        done["headers"] = {"Location": {"description": "Where to follow the job", "schema": {"type": "string"}}}
    responses = {str(operation.status): done}
    if operation.name == "health":
        responses["503"] = {"description": "Something is away", "content": content}
    refusals: tuple[type[RollcallError], ...] = operation.raises
    if operation.roles is not None:
        refusals = (Unauthenticated, Forbidden, RateLimited, *refusals)
    problem_schema = schemas[Problem, "serialization"]
    for error in refusals:
        told = responses.setdefault(
            str(error.status),
            {"description": HTTPStatus(error.status).phrase, "content": {PROBLEM_JSON: {"schema": problem_schema}}},
        )
        if error.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
            told["headers"] = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "string"}}}
    # A query parameter that is unknown is refused on every route.
    responses.setdefault(
        "422", {"description": "Unprocessable Entity", "content": {PROBLEM_JSON: {"schema": problem_schema}}}
    )
    return responses
