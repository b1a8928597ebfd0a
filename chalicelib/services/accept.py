"""Accept a bulk mark: judge it by the cached rules and register, push it on the queue, answer with the job."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol

from chalicelib.cache import RosterCache, Toll
from chalicelib.domain.policy import Breach, Draft, breaches
from chalicelib.domain.register import ALL_STUDENTS, STAFF, Register
from chalicelib.domain.rules import Rules
from chalicelib.errors import Fault, Forbidden, NotFound, Refused
from chalicelib.queue import Enqueued, Idempotency, JobQueue, Lane, NewJob, new_job_id
from chalicelib.services.actor import Actor
from chalicelib.services.doorbell import Doorbell
from chalicelib.watch.metrics import Meter

REGISTER_SIZE = 500
"""A section's list up to this many records goes before bulk lists."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A mark request in its readable parts.

    `faults` are those of its form; with any, the rest is judged only to tell all faults at once. `records` is the JSON
    array of the records, which goes to Postgres as it is.
    """

    draft: Draft
    section_id: str | None
    reason: str | None
    records: bytes
    faults: tuple[Fault, ...] = ()


class StandingMarks(Protocol):
    """What is marked already (Postgres); asked only when the tenant wants reasons and a request brings none."""

    def would_change(self, tenant: str, noun: str, day: date, period_id: str | None, records: bytes) -> Sequence[str]:
        """The ids of those whose mark the records would change."""
        ...


@dataclass(frozen=True, slots=True)
class Acceptor:
    """Accepts marks of students and staff."""

    queue: JobQueue
    rosters: RosterCache
    standing: Callable[[], StandingMarks]
    doorbell: Doorbell
    now: Callable[[], datetime]
    meter: Meter

    def accept(
        self, actor: Actor, sheet: Sheet, idempotency_key: str | None, toll: Toll | None = None, trace: str = ""
    ) -> Enqueued:
        """Queue `sheet`, or raise Refused with every fault in it, NotFound, Forbidden, QueueFull or Unavailable.

        The `toll` of the request is taken with the first look into the cache: RateLimited. `trace` goes with the job,
        so that the drain can tell where it came from.
        """
        rules, register = self._judged_by(actor, sheet, toll)
        today = rules.today(self.now())
        broken = [_fault(breach) for breach in breaches(sheet.draft, rules, register, today)]
        faults = [*sheet.faults, *broken]
        if faults:
            raise Refused(code=None if sheet.faults else broken[0].code, faults=faults)
        self._require_reason(actor, sheet, rules)
        data = _payload(actor, sheet, rules, register)
        queued = self.queue.enqueue(_job(actor, sheet, data, idempotency_key, trace))
        if queued.ring:
            self.doorbell.ring(queued.shard)
        if queued.created:
            self.meter.tell("accepted", {"JobsAccepted": 1, "MarksAccepted": queued.total}, job=queued.id)
        return queued

    def _judged_by(self, actor: Actor, sheet: Sheet, toll: Toll | None) -> tuple[Rules, Register]:
        name = STAFF if sheet.draft.noun == "staff" else sheet.section_id or ALL_STUDENTS
        if name == ALL_STUDENTS and not actor.marks_everyone:
            if sheet.faults:
                raise Refused(faults=sheet.faults)
            raise Forbidden("Only the office marks without a section: say which section this is.")
        try:
            rules, register = self.rosters.find(actor.tenant, name, toll)
        except NotFound as missing:
            if sheet.faults:
                raise Refused(faults=sheet.faults) from None
            where = Fault("not_found", missing.detail, pointer="/section_id")
            raise NotFound(missing.detail, faults=[where]) from None
        if not actor.marks_everyone and not register.taught_by(actor.subject, sheet.draft.date):
            raise Forbidden("A teacher marks own sections only, on the dates of the teaching.")
        _require_known(sheet, rules)
        return rules, register

    def _require_reason(self, actor: Actor, sheet: Sheet, rules: Rules) -> None:
        draft = sheet.draft
        if not rules.reason_required or sheet.reason is not None or draft.date is None:
            return
        changed = set(
            self.standing().would_change(actor.tenant, draft.noun, draft.date, draft.period_id, sheet.records)
        )
        faults = [
            Fault("reason_required", "This changes a mark: say why.", pointer=f"/records/{index}")
            for index, person in enumerate(draft.people)
            if person in changed
        ]
        if faults:
            raise Refused(code="reason_required", faults=faults)


def _require_known(sheet: Sheet, rules: Rules) -> None:
    """A session or period that this tenant does not have is not found, whoever has it."""
    draft = sheet.draft
    faults = []
    if draft.session_id is not None and draft.session_id not in rules.sessions:
        faults.append(Fault("not_found", "There is no such academic session.", pointer="/session_id"))
    if draft.period_id is not None and draft.period_id not in rules.period_ids:
        faults.append(Fault("not_found", "There is no such period.", pointer="/period_id"))
    if faults and not sheet.faults:
        raise NotFound(faults[0].detail, faults=faults)


def _payload(actor: Actor, sheet: Sheet, rules: Rules, register: Register) -> bytes:
    day = sheet.draft.date
    session = sheet.draft.session_id
    if session is None and day is not None and (holding := rules.session_holding(day, register.session_ids)):
        session = holding.id
    head = {
        "date": str(day),
        "section_id": sheet.section_id,
        "session_id": session,
        "period_id": sheet.draft.period_id,
        "reason": sheet.reason,
        "reason_required": rules.reason_required,
        "actor": {"id": actor.subject, "role": actor.role},
    }
    return json.dumps(head, ensure_ascii=False).encode()[:-1] + b', "records": ' + sheet.records + b"}"


def _job(actor: Actor, sheet: Sheet, data: bytes, idempotency_key: str | None, trace: str) -> NewJob:
    draft = sheet.draft
    register_sized = sheet.section_id is not None and len(draft.people) <= REGISTER_SIZE
    about = {"date": str(draft.date), "section_id": sheet.section_id, "period_id": draft.period_id}
    return NewJob(
        id=new_job_id(),
        tenant=actor.tenant,
        kind=draft.noun,
        lane=Lane.INTERACTIVE if register_sized else Lane.BULK,
        size=len(draft.people),
        data=data,
        meta=json.dumps(about),
        submitted_by=actor.subject,
        idempotency=_idempotency(actor, idempotency_key, sheet),
        trace=trace,
    )


def _idempotency(actor: Actor, key: str | None, sheet: Sheet) -> Idempotency | None:
    """A key is its sender's own: another person's equal key leads nowhere.

    The body is what the sender said, without what settings and roster add to it: they may change before it is repeated.
    """
    if key is None:
        return None
    draft = sheet.draft
    whose = f"{actor.subject}\0{key}"
    said = json.dumps([draft.noun, str(draft.date), sheet.section_id, draft.session_id, draft.period_id, sheet.reason])
    return Idempotency(
        key=hashlib.sha256(whose.encode()).hexdigest(),
        body=hashlib.sha256(said.encode() + sheet.records).hexdigest(),
    )


def _fault(breach: Breach) -> Fault:
    return Fault(breach.code, breach.detail, pointer="".join(f"/{part}" for part in breach.path))


def utc_now() -> datetime:
    """The clock."""
    return datetime.now(UTC)
