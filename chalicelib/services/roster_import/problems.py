"""What can be wrong with a bundle: a row that is left out, or a fault that refuses all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.errors import BadInput


@dataclass(frozen=True, slots=True, order=True)
class RowProblem:
    """One thing that is wrong with one row.

    `file` is the standard's name (`users.csv`); `line` the physical line where the row begins, from 1, or 0 for the
    file as a whole; `column` is empty when the row as a whole is wrong.
    """

    file: str
    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.column}: {self.reason}" if self.column else f"{where}: {self.reason}"


class ImportRefused(BadInput):
    """The bundle cannot be imported; nothing was changed."""

    code = "import_refused"

    def __init__(self, detail: str, problems: Sequence[RowProblem] = ()) -> None:
        super().__init__(detail)
        self.problems = tuple(problems)


def refused(file: str, reason: str, *, line: int = 0, column: str = "") -> ImportRefused:
    """A fatal fault of `file`: the error and its one problem say the same."""
    problem = RowProblem(file, line, column, reason)
    return ImportRefused(str(problem), [problem])
