"""The measures by name, in the order of the report; each is one module with one function."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.figures import Figure
from bench.measures.accept import accept
from bench.measures.batches import batches
from bench.measures.cold_start import cold_start
from bench.measures.corrections import corrections
from bench.measures.drain import drain
from bench.measures.full_table import full_table
from bench.measures.limits import limits
from bench.measures.memory import memory
from bench.measures.register import register
from bench.measures.request import request
from bench.measures.status import status
from bench.world import World

Measure = Callable[[World], list[Figure]]

MEASURES: Mapping[str, Measure] = {
    measure.__name__: measure
    for measure in (
        drain, batches, register, accept, full_table, corrections, memory, status, request, cold_start, limits,
    )
}  # fmt: skip
