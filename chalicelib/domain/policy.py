"""The rules that a mark request must keep; each breach is told, all of them at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from chalicelib.domain.attendance import Mode
from chalicelib.domain.register import Register
from chalicelib.domain.rules import Rules


@dataclass(frozen=True, slots=True)
class Breach:
    """One broken rule: its stable code, what to tell the sender, and the path to the part of the request."""

    code: str
    detail: str
    path: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """The readable parts of a mark request; a part that could not be read is None or left out.

    `people` are the ids in the records, in their order; `noun` is `student` or `staff`.
    """

    noun: str
    date: date | None
    people: Sequence[str | None]
    session_id: str | None = None
    period_id: str | None = None


def breaches(draft: Draft, rules: Rules, register: Register, today: date) -> Iterator[Breach]:
    """Each rule that `draft` breaks on the tenant's local day `today`, the date's first."""
    dated = list(_date_breaches(draft, rules, register, today))
    yield from dated
    if draft.date is not None and draft.noun == "student":
        yield from _period_breaches(draft, rules, draft.date)
    yield from _repeated(draft)
    day = draft.date
    # On a date that cannot be marked, only who was never on the list is worth telling.
    members = register.members_ever() if day is None or dated else register.members_on(day)
    yield from _strangers(draft, members)


def _date_breaches(draft: Draft, rules: Rules, register: Register, today: date) -> Iterator[Breach]:
    day = draft.date
    if day is None:
        return
    if day > today and not rules.allow_future_date:
        yield Breach("date_in_future", f"{day} is after today, {today}.", ("date",))
    if day < rules.oldest_markable(today):
        yield Breach("date_too_old", f"{day} is more than {rules.backdate_days} days before today, {today}.", ("date",))
    if draft.session_id is not None:
        if draft.session_id in rules.sessions and not rules.sessions[draft.session_id].holds(day):
            yield Breach("date_outside_session", f"{day} is not in the academic session named.", ("date",))
    elif rules.session_holding(day, register.session_ids) is None:
        yield Breach("date_outside_session", f"No academic session holds {day}.", ("date",))
    if not rules.is_school_day(day, register.school_id):
        yield Breach("not_a_school_day", f"{day} is not a school day.", ("date",))


def _period_breaches(draft: Draft, rules: Rules, day: date) -> Iterator[Breach]:
    mode = rules.mode_on(day)
    if mode is Mode.PERIOD and draft.period_id is None:
        yield Breach("period_required", "Attendance is taken by period: say which.", ("period_id",))
    if mode is Mode.DAILY and draft.period_id is not None:
        yield Breach("period_not_allowed", "Attendance is taken once a day, not by period.", ("period_id",))


def _repeated(draft: Draft) -> Iterator[Breach]:
    if len(set(draft.people)) == len(draft.people):
        return
    first: dict[str, int] = {}
    for index, person in enumerate(draft.people):
        if person is None:
            continue
        if person in first:
            detail = f"The {_called(draft)} is already in record {first[person]}."
            yield Breach(f"duplicate_{draft.noun}", detail, ("records", index, f"{draft.noun}_id"))
        else:
            first[person] = index


def _strangers(draft: Draft, members: frozenset[str]) -> Iterator[Breach]:
    if members.issuperset(draft.people):
        return
    where = "on the staff" if draft.noun == "staff" else "enrolled here on that date"
    for index, person in enumerate(draft.people):
        if person is not None and person not in members:
            detail = f"The {_called(draft)} is not {where}."
            yield Breach("not_enrolled", detail, ("records", index, f"{draft.noun}_id"))


def _called(draft: Draft) -> str:
    return "staff member" if draft.noun == "staff" else "student"
