"""POST /mark and POST /staff/mark: judge the form, hand the sheet to the acceptor, answer with the job."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from chalicelib.api.bodies import read_form, read_json
from chalicelib.api.doors import BASE
from chalicelib.api.models.marks import MAX_RECORDS, Accepted, MarkRequest, StaffMarkRequest
from chalicelib.api.operations import Call, Header, Operations, Reply
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
    "Mark students of a section, or a list of students", roles=MARKING_ROLES,
    body=MarkRequest, answer=Accepted, status=202, headers=_HEADERS, raises=_RAISES, takes_toll=True,
)  # fmt: skip
def mark_students(call: Call) -> Reply:
    """A first mark and a correction alike; a correction has a reason."""
    try:
        form = read_form(MarkRequest, call.body)
    except Refused as refused:
        return _accept(call, _salvage(read_json(call.body), "student", refused.faults))
    people = [record["student_id"] for record in form.records]
    draft = Draft("student", form.date, people, form.session_id, form.period_id)
    return _accept(call, Sheet(draft, form.section_id, form.reason, form.records_json))


@operations.add(
    "Mark staff", roles=OFFICE_ROLES,
    body=StaffMarkRequest, answer=Accepted, status=202, headers=_HEADERS, raises=_RAISES, takes_toll=True,
)  # fmt: skip
def mark_staff(call: Call) -> Reply:
    """Staff are marked once a day, whatever the mode."""
    try:
        form = read_form(StaffMarkRequest, call.body)
    except Refused as refused:
        return _accept(call, _salvage(read_json(call.body), "staff", refused.faults))
    people = [record["staff_id"] for record in form.records]
    return _accept(call, Sheet(Draft("staff", form.date, people), None, form.reason, form.records_json))


def _accept(call: Call, sheet: Sheet) -> Reply:
    told = call.headers.get("idempotency-key"), call.toll, call.trace
    queued = call.container.acceptor.accept(call.actor, sheet, *told)
    url = f"{BASE}/jobs/{queued.id}"
    body = Accepted(jobId=queued.id, state=queued.state, total=queued.total, statusUrl=url)
    return Reply(body, 202, {"Location": url})


def _salvage(raw: Any, noun: str, faults: Sequence[Fault]) -> Sheet:
    """What can be read of a body with faults, so that the rules it breaks as well are told in the same answer.

    Raises Refused with the faults alone if not even the register or the list can be made out.
    """
    broken = {fault.pointer for fault in faults}
    listed = raw.get("records") if isinstance(raw, dict) else None
    if not isinstance(listed, list) or len(listed) > MAX_RECORDS or "/section_id" in broken:
        raise Refused(faults=faults)
    ids = [record.get(f"{noun}_id") if isinstance(record, dict) else None for record in listed]
    people = [id_.lower() if isinstance(id_, str) and _UUID.fullmatch(id_) else None for id_ in ids]
    day = None if "/date" in broken else date.fromisoformat(raw["date"])
    draft = Draft(noun, day, people)
    if noun == "student" and not broken & {"/session_id", "/period_id"}:
        draft = Draft(noun, day, people, _lower(raw.get("session_id")), _lower(raw.get("period_id")))
    elif noun == "student":
        draft = Draft(noun, None, people)
    return Sheet(draft, _lower(raw.get("section_id")), None, b"[]", tuple(faults))


def _lower(value: str | None) -> str | None:
    return value.lower() if value is not None else None
