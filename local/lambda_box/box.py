"""All functions of a package on this machine, each started when first invoked."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from local.packaging.package import Function

from .cell import Cell, Folders
from .isolation import Isolation, isolation
from .task import lay_out_runtime, remove


class LambdaBox:
    """Functions by name, out of an unpacked `task`; all end when the `with` block does, or this process.

    `variables` are what a deployment would set, on top of what the package sets. A memory limit and a share of the
    CPU are not enforced, and one process a function is all there is.
    """

    def __init__(
        self,
        task: Path,
        functions: Mapping[str, Function],
        variables: Mapping[str, str],
        isolated: Isolation | None = None,
    ) -> None:
        """`isolated` says how far functions are kept apart from this machine; by default, as far as can be."""
        self.isolation = isolated or isolation()
        self._scratch = Path(tempfile.mkdtemp(prefix="rollcall-lambda-"))
        self._scratch.chmod(0o755)
        self.functions = dict(functions)
        folders = Folders(task, lay_out_runtime(self._scratch / "runtime"), self._scratch)
        self._cells = {name: Cell(one, folders, variables, self.isolation) for name, one in functions.items()}

    def invoke(self, function: str, event: Any) -> Any:
        """What the function returns. Raises FunctionFailed, TooLargeEvent."""
        return self._cells[function].invoke(event)

    def __getitem__(self, function: str) -> Cell:
        return self._cells[function]

    def close(self) -> None:
        """Stop everything; the task folder stays."""
        for cell in self._cells.values():
            cell.stop()
        remove(self._scratch)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()
