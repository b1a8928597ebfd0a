"""Problem documents (RFC 9457): every error leaves the API in this shape, with a stable `code`."""

from __future__ import annotations

import json
from http import HTTPStatus

from chalice.app import Response

from chalicelib.api.headers import HEADERS
from chalicelib.errors import RollcallError

PROBLEM_JSON = "application/problem+json"

MAX_FAULTS = 20_000
"""Four wrong fields in each of 5,000 records; a body made of nothing but faults must not outgrow Lambda's 6 MB."""


def problem(error: RollcallError, instance: str | None = None) -> Response:
    """The response that tells `error`; `instance` names the request, for whoever reads the logs."""
    document: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "code": error.problem_code,
        "detail": error.detail,
    }
    if instance:
        document["instance"] = f"urn:request:{instance}"
    if error.faults:
        document["errors"] = [fault.to_json() for fault in error.faults[:MAX_FAULTS]]
    return Response(
        # A name that is no Unicode, told as it was sent, could not leave.
        body=json.dumps(document, ensure_ascii=False).encode("utf-8", "replace").decode(),
        status_code=error.status,
        headers={"Content-Type": PROBLEM_JSON, **HEADERS, **error.headers},
    )
