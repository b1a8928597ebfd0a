"""A tenant's settings: read, replaced, and the log of who changed them."""

from __future__ import annotations

import re

from chalicelib.api.bodies import read_form
from chalicelib.api.models.reading import PageQuery
from chalicelib.api.models.settings import SettingsAuditPage, SettingsChange, SettingsTold
from chalicelib.api.operations import Call, Header, Operations, Reply
from chalicelib.domain.attendance import OFFICE_ROLES, Role
from chalicelib.domain.questions import Window
from chalicelib.errors import (
    BadInput,
    MalformedJson,
    NotFound,
    TooLarge,
    Unavailable,
    UnsupportedMediaType,
    VersionMismatch,
)

operations = Operations("Settings")

_MATCH = Header(
    "The version that is to be replaced, or *; another one gives 412.", r'(?:\*|(?:W/)?"[0-9]{1,9}"|[0-9]{1,9})'
)


@operations.add("The tenant's settings", answer=SettingsTold, raises=(NotFound, Unavailable))
def get_settings(call: Call) -> Reply:
    """For any role; the version is also the ETag."""
    return _told(call.container.settings_keeper.read(call.actor))


@operations.add(
    "Replace the tenant's settings", roles=frozenset({Role.ADMIN}), body=SettingsChange,
    answer=SettingsTold, headers={"If-Match": _MATCH},
    raises=(MalformedJson, NotFound, VersionMismatch, TooLarge, UnsupportedMediaType, BadInput, Unavailable),
)  # fmt: skip
def put_settings(call: Call) -> Reply:
    """Takes the whole object. Audited, and in force for the next request."""
    wanted = read_form(SettingsChange, call.body)
    settings = wanted.model_dump()
    settings["attendance_mode"] = wanted.attendance_mode.value
    settings["school_days"] = sorted({day.value for day in wanted.school_days}, key=list(_week()).index)
    return _told(call.container.settings_keeper.change(call.actor, settings, if_version=_if_match(call)))


@operations.add(
    "Who changed the settings, when and how", roles=OFFICE_ROLES, query=PageQuery,
    answer=SettingsAuditPage, raises=(BadInput, Unavailable),
)  # fmt: skip
def settings_history(call: Call) -> Reply:
    """Newest first."""
    page = call.container.reader.settings_history(call.actor, Window(call.query.limit, call.query.cursor))
    return Reply(SettingsAuditPage.model_validate(page))


def _told(settings: dict[str, object]) -> Reply:
    return Reply(SettingsTold.model_validate(settings), headers={"ETag": f'"{settings["version"]}"'})


def _if_match(call: Call) -> int | None:
    version = re.search("[0-9]+", call.headers.get("if-match", "*"))
    return int(version[0]) if version else None


def _week() -> list[str]:
    return ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]
