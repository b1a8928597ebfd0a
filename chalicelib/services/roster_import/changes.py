"""The difference between what the tables hold and what they should hold, row by row, and its counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from chalicelib.db.roster_writer import BELONGINGS, THINGS, State, read_range, write_range
from chalicelib.services.roster_import.desired import Desired, Pair
from chalicelib.services.roster_import.stints import Stint, follow

Row = dict[str, Any]

_PAIRS = {
    "guardianship": ("student_id", "guardian_id"),
    "enrollment": ("section_id", "student_id"),
    "teaching": ("section_id", "staff_id"),
}
_OWN = {"guardianship": (), "enrollment": ("source_id",), "teaching": ("source_id", "role")}


@dataclass(slots=True)
class Counts:
    """What an import did to a table, in rows."""

    created: int = 0
    updated: int = 0
    closed: int = 0
    unchanged: int = 0

    @property
    def changed(self) -> bool:
        """Whether anything was done."""
        return bool(self.created or self.updated or self.closed)


@dataclass(slots=True)
class Changes:
    """Rows to write, by table: things to upsert, ranges to take away and ranges to add."""

    things: dict[str, list[Row]] = field(default_factory=dict)
    removed: dict[str, list[Row]] = field(default_factory=dict)
    added: dict[str, list[Row]] = field(default_factory=dict)
    counts: dict[str, Counts] = field(default_factory=dict)


def compare(tenant_id: str, state: State, wanted: Desired, today: date) -> Changes:
    """What turns `state` into `wanted`; what has left is closed as of `today`, and nobody's history is dropped."""
    changes = Changes()
    for table in THINGS:
        _compare_things(changes, table, state.things[table], wanted.things[table])
    for table in BELONGINGS:
        current = _stints(table, state.ranges[table])
        _compare_stints(changes, tenant_id, table, current, wanted.stints[table], today)
    return changes


def _compare_things(changes: Changes, table: str, current: Mapping[str, Row], wanted: Mapping[str, Row]) -> None:
    counts = changes.counts[table] = Counts()
    rows = changes.things[table] = []
    for key, row in wanted.items():
        if key not in current:
            counts.created += 1
        elif current[key] != row:
            counts.updated += 1
        else:
            counts.unchanged += 1
            continue
        rows.append(row)
    for key, row in current.items():
        if row["active"] and key not in wanted:
            counts.closed += 1
            rows.append({**row, "active": False})


def _compare_stints(
    changes: Changes,
    tenant_id: str,
    table: str,
    current: Mapping[Pair, list[Stint]],
    wanted: Mapping[Pair, list[Stint]],
    today: date,
) -> None:
    counts = changes.counts[table] = Counts()
    removed, added = changes.removed.setdefault(table, []), changes.added.setdefault(table, [])
    for pair in {**wanted, **current}:
        mine, theirs = current.get(pair, []), wanted.get(pair, [])
        steps = [] if mine == theirs else follow(mine, theirs, today)
        counts.unchanged += len(mine) - sum(step.old is not None for step in steps)
        for step in steps:
            if step.old is None:
                counts.created += 1
            elif step.left:
                counts.closed += 1
            else:
                counts.updated += 1
            removed += [_row(tenant_id, table, pair, step.old)] if step.old else []
            added += [_row(tenant_id, table, pair, step.new)] if step.new else []


def _stints(table: str, rows: list[Row]) -> dict[Pair, list[Stint]]:
    first, second = _PAIRS[table]
    found: dict[Pair, list[Stint]] = defaultdict(list)
    for row in rows:
        own = {name: row[name] for name in _OWN[table]}
        found[row[first], row[second]].append(Stint(*read_range(row["valid"]), **own))
    for stints in found.values():
        stints.sort(key=lambda stint: stint.begin)
    return found


def _row(tenant_id: str, table: str, pair: Pair, stint: Stint) -> Row:
    row: Row = dict(zip(_PAIRS[table], pair, strict=True))
    row |= {name: getattr(stint, name) for name in _OWN[table]}
    return {"tenant_id": tenant_id, **row, "valid": write_range(stint.begin, stint.end)}
