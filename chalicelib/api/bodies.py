"""Read a body: media type, size, JSON, form; what is wrong with it is told by its JSON pointer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from chalicelib.api.models.fields import Sent
from chalicelib.api.requests import told
from chalicelib.errors import Fault, MalformedJson, Refused, TooLarge, UnsupportedMediaType

_Form = TypeVar("_Form", bound=Sent)

MAX_BODY_BYTES = 1024 * 1024


def read_body(headers: Mapping[str, str], body: bytes) -> bytes:
    """The body, if it says that it is plain JSON and is not too large. Raises UnsupportedMediaType, TooLarge.

    A compressed body is refused unopened: what it would grow to nobody can tell.
    """
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("The body must be sent uncompressed.", headers={"Accept-Encoding": "identity"})
    media, _, parameters = headers.get("content-type", "application/json").partition(";")
    charset = re.search(r"charset=\"?([^\s;\"]+)", parameters, re.IGNORECASE) if parameters else None
    if media.strip().lower() != "application/json" or (charset and charset[1].lower() not in {"utf-8", "utf8"}):
        raise UnsupportedMediaType
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge(f"A body may have {MAX_BODY_BYTES} bytes; this one has {len(body)}.")
    return body


def read_json(body: bytes) -> Any:
    """The body as JSON, in which no object names a key twice. Raises MalformedJson."""
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_no_repeats)
    except (ValueError, RecursionError) as error:
        raise MalformedJson(f"The body is not JSON: {error}.") from None


def read_form(model: type[_Form], body: bytes) -> _Form:
    """The body as `model`. Raises MalformedJson, or Refused with a fault for each thing that is wrong.

    Pydantic's own parser is three times as fast as Python's, but takes a key that is named twice, and tells less of
    what is no JSON: so what it will not take, or may have taken wrongly, is read once more with care.
    """
    try:
        form = model.model_validate_json(body)
    except ValidationError:
        form = None
    if form is not None and _says_no_more(body, form):
        return form
    raw = read_json(body)
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise Refused(faults=_faults(error)) from None


def _says_no_more(body: bytes, form: Sent) -> bool:
    """Whether all of `body` is in `form`: a key that was named twice is a string that got lost on the way.

    Without a backslash, each string has two quotes. False says nothing.
    """
    return b"\\" not in body and body.count(b'"') == 2 * form.strings()


def _faults(error: ValidationError) -> tuple[Fault, ...]:
    """Pydantic's errors as faults with JSON pointers (RFC 6901)."""
    faults = []
    for one in error.errors(include_url=False, include_input=False):
        code, detail = told(one)
        faults.append(Fault(code, detail, pointer="".join(f"/{_escaped(part)}" for part in one["loc"])))
    return tuple(faults)


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
