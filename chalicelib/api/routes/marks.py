"""POST /mark and POST /staff/mark: judge the form, hand the sheet to the acceptor, answer with the job."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from chalicelib.api.models.marks import (
    MAX_RECORDS,
    STAFF_RECORDS,
    STUDENT_RECORDS,
    Accepted,
    MarkRequest,
    StaffMarkRequest,
)
from chalicelib.api.operations import BASE, Call, Header, Operations, Reply
from chalicelib.api.requests import form_faults
from chalicelib.domain.attendance import MARKING_ROLES, OFFICE_ROLES
from chalicelib.domain.policy import Draft
from chalicelib.errors import (
    BadInput,
    Fault,
    IdempotencyKeyReused,
    MalformedJson,
    NotFound,
    QueueFull,
    Refused,
    TooLarge,
    Unavailable,
    UnsupportedMediaType,
)
from chalicelib.services.accept import Sheet

operations = Operations("Marking")

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_KEY = Header("Up to 255 visible ASCII characters; the same key and body give the same job.", "[!-~]{1,255}")
_HEADERS = {"Idempotency-Key": _KEY}
_RAISES = (
    MalformedJson, NotFound, TooLarge, UnsupportedMediaType, BadInput, IdempotencyKeyReused, QueueFull, Unavailable,
)  # fmt: skip


@operations.add(
    "POST", "/mark", "Mark students of a section, or a list of students", roles=MARKING_ROLES,
    body=MarkRequest, answer=Accepted, status=202, headers=_HEADERS, raises=_RAISES,
)  # fmt: skip
def mark_students(call: Call) -> Reply:
    """A first mark and a correction alike; a correction has a reason."""
    return _accept(call, MarkRequest, "student", STUDENT_RECORDS)


@operations.add(
    "POST", "/staff/mark", "Mark staff", roles=OFFICE_ROLES,
    body=StaffMarkRequest, answer=Accepted, status=202, headers=_HEADERS, raises=_RAISES,
)  # fmt: skip
def mark_staff(call: Call) -> Reply:
    """Staff are marked once a day, whatever the mode."""
    return _accept(call, StaffMarkRequest, "staff", STAFF_RECORDS)


def _accept(call: Call, model: type[BaseModel], noun: str, records: TypeAdapter[Any]) -> Reply:
    sheet = _sheet(call.body, model, noun, records)
    queued = call.container.acceptor.accept(call.actor, sheet, call.headers.get("idempotency-key"))
    url = f"{BASE}/jobs/{queued.id}"
    body = Accepted(jobId=queued.id, state=queued.state, total=queued.total, statusUrl=url)
    return Reply(body, 202, {"Location": url})


def _sheet(raw: Any, model: type[BaseModel], noun: str, records: TypeAdapter[Any]) -> Sheet:
    try:
        form: Any = model.model_validate(raw)
    except ValidationError as error:
        return _salvage(raw, noun, form_faults(error))
    people = [(index, getattr(record, f"{noun}_id")) for index, record in enumerate(form.records)]
    if noun == "staff":
        draft, section = Draft(noun, form.date, people), None
    else:
        draft, section = Draft(noun, form.date, people, form.session_id, form.period_id), form.section_id
    return Sheet(draft, section, form.reason, records.dump_json(form.records, exclude_none=True))


def _salvage(raw: Any, noun: str, faults: Sequence[Fault]) -> Sheet:
    """What can be read of a body with faults, so that the rules it breaks as well are told in the same answer.

    Raises Refused with the faults alone if not even the register or the list can be made out.
    """
    broken = {fault.pointer for fault in faults}
    listed = raw.get("records") if isinstance(raw, dict) else None
    if not isinstance(listed, list) or len(listed) > MAX_RECORDS or "/section_id" in broken:
        raise Refused(faults=faults)
    ids = [(index, record.get(f"{noun}_id")) for index, record in enumerate(listed) if isinstance(record, dict)]
    people = [(index, id_.lower()) for index, id_ in ids if isinstance(id_, str) and _UUID.fullmatch(id_)]
    day = None if "/date" in broken else date.fromisoformat(raw["date"])
    draft = Draft(noun, day, people)
    if noun == "student" and not broken & {"/session_id", "/period_id"}:
        draft = Draft(noun, day, people, _lower(raw.get("session_id")), _lower(raw.get("period_id")))
    elif noun == "student":
        draft = Draft(noun, None, people)
    return Sheet(draft, _lower(raw.get("section_id")), None, json.dumps([]).encode(), tuple(faults))


def _lower(value: str | None) -> str | None:
    return value.lower() if value is not None else None
