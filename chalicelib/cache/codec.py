"""Rules and registers as compact JSON, the way they lie in Redis."""

from __future__ import annotations

import json
from datetime import date
from functools import lru_cache

from chalicelib.domain.attendance import Mode, Weekday
from chalicelib.domain.register import Register, Span
from chalicelib.domain.rules import AcademicSession, Rules


def dump_rules(rules: Rules) -> str:
    """`rules` as JSON."""
    return _compact(
        {
            "revision": rules.revision,
            "timezone": rules.timezone,
            "modes": [[start.isoformat(), mode] for start, mode in rules.modes],
            "backdate_days": rules.backdate_days,
            "allow_future_date": rules.allow_future_date,
            "reason_required": rules.reason_required,
            "school_days": sorted(rules.school_days),
            "sessions": [[s.id, s.start.isoformat(), s.end.isoformat()] for s in rules.sessions.values()],
            "period_ids": sorted(rules.period_ids),
            "calendar": {
                school: {day.isoformat(): open_ for day, open_ in days.items()}
                for school, days in rules.calendar.items()
            },
        }
    )


@lru_cache(maxsize=64)
def load_rules(text: str | bytes) -> Rules:
    """The rules in `text`. A tenant's rules are the same from request to request, and take long to read."""
    raw = json.loads(text)
    return Rules(
        revision=raw["revision"],
        timezone=raw["timezone"],
        modes=tuple((date.fromisoformat(start), Mode(mode)) for start, mode in raw["modes"]),
        backdate_days=raw["backdate_days"],
        allow_future_date=raw["allow_future_date"],
        reason_required=raw["reason_required"],
        school_days=frozenset(Weekday(day) for day in raw["school_days"]),
        sessions={
            id_: AcademicSession(id_, date.fromisoformat(start), date.fromisoformat(end))
            for id_, start, end in raw["sessions"]
        },
        period_ids=frozenset(raw["period_ids"]),
        calendar={
            school: {date.fromisoformat(day): open_ for day, open_ in days.items()}
            for school, days in raw["calendar"].items()
        },
    )


def dump_register(register: Register) -> str:
    """`register` as JSON."""
    return _compact(
        {
            "section": register.section_id,
            "school": register.school_id,
            "sessions": sorted(register.session_ids),
            # One text of all ids: it is split in a quarter of the time that a list of texts is parsed in.
            "enrolled": [
                [span.start.isoformat(), span.end.isoformat(), " ".join(sorted(ids))] for span, ids in register.enrolled
            ],
            "teachers": [
                [span.start.isoformat(), span.end.isoformat(), sorted(ids)] for span, ids in register.teachers
            ],
        }
    )


def load_register(text: str | bytes) -> Register:
    """The register in `text`."""
    raw = json.loads(text)
    return Register(
        section_id=raw["section"],
        school_id=raw["school"],
        session_ids=frozenset(raw["sessions"]),
        enrolled=tuple((_span(start, end), frozenset(ids.split())) for start, end, ids in raw["enrolled"]),
        teachers=tuple((_span(start, end), frozenset(ids)) for start, end, ids in raw["teachers"]),
    )


def _span(start: str, end: str) -> Span:
    return Span(date.fromisoformat(start), date.fromisoformat(end))


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
