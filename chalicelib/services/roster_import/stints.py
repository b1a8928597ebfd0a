"""Stints, the ranges of dates in which somebody belongs somewhere, and how those we hold follow those of the source.

The source says what is true from today on, and what it says of the past with an end of its own; what it no longer
mentions is history, which stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

_STRONGEST_FIRST = ("", "teacher", "substitute", "aide")


@dataclass(frozen=True, slots=True)
class Stint:
    """From `begin` up to, not including, `end`; `date.min` and `date.max` stand for no bound."""

    begin: date
    end: date
    source_id: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A stint that comes (`old` is None), goes (`new` is None) or is replaced; `left` when the source dropped it."""

    old: Stint | None
    new: Stint | None
    left: bool = False


def day_after(last: date) -> date:
    """The end of a stint whose last day is `last`; 9999-12-31, which sources use for `no end`, is no bound."""
    return last if last == date.max else last + timedelta(days=1)


def last_day(end: date) -> date:
    """The inverse of `day_after`."""
    return end if end == date.max else end - timedelta(days=1)


def merge(stints: Iterable[Stint]) -> tuple[list[Stint], list[Stint]]:
    """Disjoint stints in order, and those that overlapped an earlier one and were merged into it."""
    merged: list[Stint] = []
    swallowed: list[Stint] = []
    for stint in sorted(stints, key=lambda one: (one.begin, one.end, one.source_id)):
        if merged and stint.begin < merged[-1].end:
            end = max(merged[-1].end, stint.end)
            role = min(merged[-1].role, stint.role, key=_STRONGEST_FIRST.index)
            merged[-1] = replace(merged[-1], end=end, role=role)
            swallowed.append(stint)
        else:
            merged.append(stint)
    return merged, swallowed


def follow(current: Sequence[Stint], wanted: Sequence[Stint], today: date) -> list[Change]:
    """What turns the `current` stints of a pair into the `wanted` ones; both are disjoint.

    From today on the outcome is exactly what is wanted. A stint that ended earlier is history: who comes back after
    it gets a new one from today. Following a second time changes nothing.
    """
    changes: list[Change] = []
    chained: set[Stint] = set()
    for want in wanted:
        chain = sorted((c for c in current if want.begin <= c.begin < want.end), key=lambda c: c.begin)
        chained.update(chain)
        changes += _follow_one(chain, want, today)
    for stint in current:
        if stint in chained:
            continue
        later = [want.begin for want in wanted if want.begin > stint.begin]
        end = min([stint.end, today, *later])
        if end <= stint.begin:
            changes.append(Change(stint, None, left=True))
        elif end < stint.end:
            changes.append(Change(stint, replace(stint, end=end), left=True))
    return changes


def _follow_one(chain: list[Stint], want: Stint, today: date) -> list[Change]:
    """The same for one wanted stint and the current ones that begin within it."""
    if not chain:
        return [Change(None, want)]
    # What ended before today, though the source goes on, was closed when the source had left it out.
    history = [one for one in chain if one.end < today] if want.end > today else chain[:-1]
    running = chain[len(history) :]
    if not history:
        return _replaced(running, want)
    begin = running[0].begin if running else today
    changes = _replaced(running, replace(want, begin=min(begin, today)))
    if history[0].begin != want.begin:
        changes.append(Change(history[0], replace(history[0], begin=want.begin)))
    return changes


def _replaced(old: list[Stint], new: Stint) -> list[Change]:
    if old == [new]:
        return []
    return [Change(old[0] if old else None, new), *(Change(extra, None) for extra in old[1:])]
