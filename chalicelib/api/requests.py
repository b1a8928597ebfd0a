"""Read a request: media type, size, JSON, query parameters, ids in the path; what is wrong is told by its name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from chalicelib.errors import Fault, MalformedJson, NotFound, Refused, TooLarge, UnsupportedMediaType

MAX_BODY_BYTES = 1024 * 1024

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

_CODES = {
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    "literal_error": "invalid_value",
    "enum": "invalid_value",
    "string_pattern_mismatch": "invalid_format",
    "string_too_long": "too_long",
    "string_too_short": "too_short",
    "string_unicode": "not_storable",
    "too_long": "too_many",
    "too_short": "too_few",
    "greater_than_equal": "out_of_range",
    "less_than_equal": "out_of_range",
}
"""Our stable codes for Pydantic's error types; any other ends in `invalid_type` if it says so, else `invalid_value`."""


def read_json(headers: Mapping[str, str], body: bytes) -> Any:
    """The body as JSON. Raises UnsupportedMediaType, TooLarge, MalformedJson."""
    media, _, parameters = headers.get("content-type", "application/json").partition(";")
    charset = re.search(r"charset=\"?([^\s;\"]+)", parameters, re.IGNORECASE)
    if media.strip().lower() != "application/json" or (charset and charset[1].lower() not in {"utf-8", "utf8"}):
        raise UnsupportedMediaType
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge(f"A body may have {MAX_BODY_BYTES} bytes; this one has {len(body)}.")
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_no_repeats)
    except (ValueError, RecursionError) as error:
        raise MalformedJson(f"The body is not JSON: {error}.") from None


def read_query(model: type[BaseModel] | None, raw: Mapping[str, list[str]]) -> Any:
    """The query parameters as `model`. Raises Refused, naming each parameter that is unknown, repeated or wrong."""
    faults = [
        Fault("repeated", "Give this parameter once.", parameter=name)
        for name, values in raw.items()
        if len(values) > 1
    ]
    if model is None:
        faults += [Fault("unknown_parameter", "There is no such parameter here.", parameter=name) for name in raw]
    else:
        try:
            query = model.model_validate({name: values[-1] for name, values in raw.items()})
        except ValidationError as error:
            faults += [
                Fault(code_of(fault), fault["msg"], parameter=str(fault["loc"][0]) if fault["loc"] else None)
                for fault in error.errors(include_url=False, include_context=False, include_input=False)
            ]
        else:
            if not faults:
                return query
    if faults:
        raise Refused(faults=faults)
    return None


def read_ids(path: Mapping[str, str]) -> dict[str, str]:
    """The ids in the path, in lower case. Raises NotFound for what cannot be an id."""
    for value in path.values():
        if not _UUID.fullmatch(value):
            raise NotFound
    return {name: value.lower() for name, value in path.items()}


def form_faults(errors: Iterable[ErrorDetails]) -> tuple[Fault, ...]:
    """Pydantic's errors as faults with JSON pointers (RFC 6901)."""
    return tuple(
        Fault(code_of(error), error["msg"], pointer="".join(f"/{_escaped(part)}" for part in error["loc"]))
        for error in errors
    )


def code_of(error: ErrorDetails) -> str:
    """The stable code of one of Pydantic's errors."""
    kind = error["type"]
    return _CODES.get(kind) or ("invalid_type" if kind.endswith("_type") else kind if kind in _OWN else "invalid_value")


_OWN = frozenset({"invalid_date", "late_minutes_not_allowed", "invalid_time_zone", "invalid_time"})
"""Error types that our own models raise: they are codes already."""


def _escaped(part: object) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object that names a key twice says two things: neither is taken."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object names a key twice")
    return found
