"""CSV text to rows with their line numbers, and the reading of one cell, which notes what is wrong with it."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date

from chalicelib.services.roster_import.problems import ImportRefused, RowProblem, refused

MAX_ID = 255
"""The standard's bound for a sourcedId, in characters."""

_SHOWN = 10
"""So many columns are named in one message."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Row:
    """One row. A reader of cells never raises: it notes a problem and returns something of the right type."""

    __slots__ = ("_cells", "_file", "line", "problems")

    def __init__(self, file: str, line: int, cells: dict[str, str]) -> None:
        self._file = file
        self._cells = cells
        self.line = line
        self.problems: list[RowProblem] = []

    def problem(self, column: str, reason: str) -> None:
        """Note that this row is bad."""
        self.problems.append(RowProblem(self._file, self.line, column, reason))

    def optional(self, column: str) -> str | None:
        """The trimmed text of a cell, None when it is blank or the file has no such column."""
        value = self._cells.get(column.lower(), "").strip()
        if "\0" in value:
            self.problem(column, "holds a NUL character.")
        return value or None

    def text(self, column: str) -> str:
        """The trimmed text of a cell that must not be blank."""
        value = self.optional(column)
        if value is None:
            self.problem(column, "must not be blank.")
        return value or ""

    def id(self, column: str) -> str:
        """A sourcedId that must be there."""
        value = self.text(column)
        if len(value) > MAX_ID:
            self.problem(column, f"is longer than {MAX_ID} characters.")
        return value

    def optional_day(self, column: str) -> date | None:
        """A date, None when the cell is blank."""
        value = self.optional(column)
        if value is None:
            return None
        try:
            if _DAY.fullmatch(value):
                return date.fromisoformat(value)
        except ValueError:
            pass  # such as 30 February
        self.problem(column, f"{value!r} is no date such as 2026-08-31.")
        return None

    def day(self, column: str) -> date:
        """A date that must be there."""
        self.text(column)
        return self.optional_day(column) or date.min

    def items(self, column: str) -> tuple[str, ...]:
        """The parts of a comma-separated list, each once, in their order."""
        parts = (part.strip() for part in (self.optional(column) or "").split(","))
        return tuple(dict.fromkeys(part for part in parts if part))


def read_rows(file: str, text: str, required: Sequence[str]) -> Iterator[Row]:
    """The rows of a CSV text, blank lines left out; one with too few or too many cells has a problem.

    Columns are known by name, without regard to case. Raises ImportRefused when the header lacks a `required` column
    or the quoting is broken: what follows a stray quote cannot be trusted.
    """
    lines = _lines(file, text)
    _, header = next(lines, (1, []))
    names = [name.strip().lower() for name in header]
    missing = [column for column in required if column.lower() not in names]
    if missing:
        problems = [RowProblem(file, 1, column, "the column is missing.") for column in missing]
        raise ImportRefused(f"{file} lacks the columns {', '.join(missing)}.", problems)
    twice = sorted(name for name, count in Counter(names).items() if name and count > 1)
    if twice:
        raise refused(file, f"has the columns {', '.join(map(repr, twice[:_SHOWN]))} twice.", line=1)
    for line, cells in lines:
        row = Row(file, line, dict(zip(names, cells, strict=False)))
        if len(cells) != len(names):
            row.problem("", f"has {len(cells)} cells; the header has {len(names)}.")
        yield row


def has_column(file: str, text: str, column: str) -> bool:
    """Whether the header of a CSV text names `column`."""
    _, header = next(_lines(file, text), (1, []))
    return column.lower() in (name.strip().lower() for name in header)


def _lines(file: str, text: str) -> Iterator[tuple[int, list[str]]]:
    """Records that are not blank, each with the physical line where it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    start = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise refused(file, f"the quoting is broken from here on ({error}).", line=start) from error
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield start, cells
        start = reader.line_num + 1
