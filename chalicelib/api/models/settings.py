"""A tenant's settings, as GET tells them and PUT takes them."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, StrictBool, StrictInt
from pydantic_core import PydanticCustomError

from chalicelib.api.models.fields import Id, Instant, IsoDate, Sent, Told
from chalicelib.domain.attendance import Mode, Weekday


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PydanticCustomError("invalid_time_zone", "There is no such time zone.") from None
    return name


TimeZone = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_known_zone)]


class SettingsChange(Sent):
    """The whole of a tenant's settings. `version` may come along from GET; If-Match is what is compared."""

    attendance_mode: Mode
    backdate_days: Annotated[StrictInt, Field(ge=0, le=36_525, description="Calendar days before today.")]
    allow_future_date: StrictBool
    notification_on_absent: StrictBool
    timezone: TimeZone = Field(description="An IANA name, such as Pacific/Auckland.", examples=["Pacific/Auckland"])
    attendance_mode_from: IsoDate | None = Field(
        default=None, description="The first date of the mode. A new mode without a new date holds from today on."
    )
    correction_reason_required: StrictBool = Field(default=False, description="A mark that changes needs a reason.")
    school_days: Annotated[list[Weekday], Field(min_length=1, max_length=7)] = Field(
        default=list(Weekday), description="The weekdays on which school is held, where the calendar says nothing."
    )
    version: StrictInt | None = None


class SettingsTold(Told):
    """A tenant's settings."""

    attendance_mode: Mode
    backdate_days: int
    allow_future_date: bool
    notification_on_absent: bool
    timezone: str
    attendance_mode_from: IsoDate
    correction_reason_required: bool
    school_days: list[Weekday]
    version: int


class SettingsAudit(Told):
    """One change of the settings."""

    id: Id
    before: dict[str, object]
    after: dict[str, object]
    actor_id: str | None
    actor_role: str | None
    at: Instant


class SettingsAuditPage(Told):
    """Changes of the settings, newest first."""

    items: list[SettingsAudit]
    next_cursor: str | None
