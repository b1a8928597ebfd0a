"""Field types that several models share: ids, dates, storable text."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

_UUID_PATTERN = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
_STORABLE_PATTERN = r"^[^\x00]*$"
_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")  # fromisoformat also takes weeks and dates without hyphens

PATTERN_FAULTS = {
    _UUID_PATTERN: ("invalid_format", "This must be a UUID."),
    _STORABLE_PATTERN: ("not_storable", "Text may not contain NUL."),
}
"""What to tell of text that does not match: patterns are checked in Rust, which tells nothing but the pattern."""


class Sent(BaseModel):
    """What a client sends: an unknown field is refused, so that a misspelt one is never ignored."""

    model_config = ConfigDict(extra="forbid")

    def strings(self) -> int:
        """How many strings, keys included, the JSON has that was understood."""
        return self.model_dump_json(exclude_unset=True).count('"') // 2


class Told(BaseModel):
    """What the API tells."""

    model_config = ConfigDict(extra="ignore", from_attributes=True)


def _parse_date(value: Any) -> Any:
    if isinstance(value, date):
        return value
    try:
        if isinstance(value, str) and _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise PydanticCustomError("invalid_date", "A date is written YYYY-MM-DD and must exist.")


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


Id = Annotated[
    str,
    StringConstraints(pattern=_UUID_PATTERN, to_lower=True, strict=True),
    WithJsonSchema({"type": "string", "format": "uuid"}),
]
"""A UUID; told in lower case."""

IsoDate = Annotated[date, BeforeValidator(_parse_date), WithJsonSchema({"type": "string", "format": "date"})]
"""A local calendar date, YYYY-MM-DD."""

Instant = Annotated[datetime, PlainSerializer(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
"""An instant in UTC with microseconds, ending in Z."""

Text255 = Annotated[str, StringConstraints(max_length=255, pattern=_STORABLE_PATTERN, strict=True)]
Text500 = Annotated[str, StringConstraints(max_length=500, pattern=_STORABLE_PATTERN, strict=True)]
"""Up to 500 characters that Postgres can store: no NUL, no lone surrogate."""
