"""Read what comes beside a body: headers, query parameters, ids in the path; what is wrong is told by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from chalicelib.api.models.fields import PATTERN_FAULTS, Sent
from chalicelib.api.operations import Header
from chalicelib.errors import Fault, NotFound, Refused

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

_TOLD = {
    "missing": ("missing", "This is required."),
    "extra_forbidden": ("unknown_field", "There is no such field."),
    "literal_error": ("invalid_value", "This must be {expected}."),
    "enum": ("invalid_value", "This must be {expected}."),
    "string_type": ("invalid_type", "This must be text."),
    "string_too_long": ("too_long", "This may have at most {max_length} characters."),
    "string_too_short": ("too_short", "This must have at least {min_length} characters."),
    "string_unicode": ("not_storable", "Text must be valid Unicode."),
    "too_long": ("too_many", "There may be at most {max_length} of these."),
    "too_short": ("too_few", "There must be at least {min_length} of these."),
    "greater_than_equal": ("out_of_range", "This must be {ge} or more."),
    "less_than_equal": ("out_of_range", "This must be {le} or less."),
    "int_type": ("invalid_type", "This must be a whole number."),
    "int_from_float": ("invalid_value", "This must be a whole number."),
    "int_parsing": ("invalid_value", "This must be a whole number."),
    "int_parsing_size": ("invalid_value", "This number is too large."),
    "float_parsing": ("invalid_value", "This must be a number."),
    "finite_number": ("invalid_value", "This must be a finite number."),
    "bool_type": ("invalid_type", "This must be true or false."),
    "list_type": ("invalid_type", "This must be a list."),
    "model_type": ("invalid_type", "This must be an object."),
    "dict_type": ("invalid_type", "This must be an object."),
}
"""Our stable code and a plain sentence for Pydantic's error types; types that our models raise are codes already."""


class _NoParameters(Sent):
    """The query of an operation that takes none."""


def read_query(model: type[BaseModel] | None, raw: Mapping[str, list[str]]) -> Any:
    """The query parameters as `model`. Raises Refused, naming each parameter that is unknown, repeated or wrong."""
    faults = [
        Fault("repeated", "Give this parameter once.", parameter=name)
        for name, values in raw.items()
        if len(values) > 1
    ]
    query = None
    try:
        query = (model or _NoParameters).model_validate({name: values[-1] for name, values in raw.items()})
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            code, detail = told(fault)
            if fault["type"] == "extra_forbidden":
                code, detail = "unknown_parameter", "There is no such parameter here."
            faults.append(Fault(code, detail, parameter=str(fault["loc"][0]) if fault["loc"] else None))
    if faults:
        raise Refused(faults=faults)
    return query


def check_headers(wanted: Mapping[str, Header], sent: Mapping[str, str]) -> None:
    """Raises Refused, naming each header that is there and does not match its pattern."""
    faults = [
        Fault("invalid_format", header.detail, parameter=name)
        for name, header in wanted.items()
        if (value := sent.get(name.lower())) is not None and not re.fullmatch(header.pattern, value)
    ]
    if faults:
        raise Refused(faults=faults)


def read_ids(path: Mapping[str, str]) -> dict[str, str]:
    """The ids in the path, in lower case. Raises NotFound for what cannot be an id."""
    for value in path.values():
        if not _UUID.fullmatch(value):
            raise NotFound
    return {name: value.lower() for name, value in path.items()}


def told(error: ErrorDetails) -> tuple[str, str]:
    """The stable code of one of Pydantic's errors, and what to tell the sender."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "string_pattern_mismatch":
        return PATTERN_FAULTS.get(context["pattern"], ("invalid_format", "This is not of the form asked for."))
    if kind not in _TOLD:
        return kind, error["msg"]
    code, detail = _TOLD[kind]
    return code, detail.format_map(context)
