"""How long each step took, told as a table."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table


class Stopwatch:
    """Measures named steps, of what began at `started` (Unix time). On a terminal the step that runs is shown."""

    def __init__(self, console: Console, started: float) -> None:
        self._console = console
        self._started = started
        self.steps: list[tuple[str, float]] = []

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.time() - self._started

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure one step."""
        started = time.perf_counter()
        with self._console.status(f"{name} …"):
            yield
        self.note(name, time.perf_counter() - started)

    def note(self, name: str, seconds: float) -> None:
        """Add a step that was measured otherwise."""
        self.steps.append((name, seconds))

    def table(self) -> Table:
        """The steps in their order, and the time since the start."""
        table = Table(title="How long it took", title_justify="left", show_footer=True)
        table.add_column("Step", "Everything")
        table.add_column("Seconds", f"{self.elapsed:.3f}", justify="right")
        for name, seconds in self.steps:
            table.add_row(name, f"{seconds:.3f}")
        return table
