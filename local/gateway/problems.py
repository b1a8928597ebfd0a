"""What the gateway answers by itself, as application/problem+json (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import JSONResponse

from chalicelib.api.headers import HEADERS
from chalicelib.errors import RollcallError


def problem(error: RollcallError) -> JSONResponse:
    """The problem document of an error."""
    return problem_of(error.status, error.problem_code, error.detail, error.headers)


def problem_of(status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """A problem document by its parts."""
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    return JSONResponse(document, status, {**HEADERS, **(headers or {})}, media_type="application/problem+json")
