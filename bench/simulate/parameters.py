"""What the simulation is fed with: each figure with its unit and where it comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MEASURED = HERE / "measured.json"
RESULTS = HERE.parent / "results.json"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A figure that can be doubted."""

    value: float
    unit: str
    source: str


_MEASURED = "bench/simulate/measured.json"
_AWS = "assumed; AWS publishes none"


@dataclass(frozen=True, slots=True)
class Parameters:
    """Times are of one core of the machine that they were measured on; `register` means one of 30 marks."""

    accept_cpu_ms: Parameter
    accept_redis_read_ms: Parameter
    accept_redis_write_ms: Parameter
    accept_redis_commands: Parameter
    status_cpu_ms: Parameter
    status_redis_ms: Parameter
    status_redis_commands: Parameter
    batch_drain_ms: Parameter
    batch_redis_ms: Parameter
    batch_redis_commands: Parameter
    batch_postgres_ms: Parameter
    batch_wait_ms: Parameter
    register_drain_ms: Parameter
    register_redis_ms: Parameter
    register_redis_commands: Parameter
    register_postgres_ms: Parameter
    rest_start_ms: Parameter
    round_trip_ms: Parameter = Parameter(0.5, "ms", "assumed: two zones of a region")
    gateway_ms: Parameter = Parameter(10, "ms", f"{_AWS}, and none is promised")
    invoke_ms: Parameter = Parameter(50, "ms", f"{_AWS} for an asynchronous invocation")
    rest_cpu: Parameter = Parameter(512 / 1769, "cores", ".chalice/config.json: 512 MB; AWS: 1,769 MB are a core")
    drain_cpu: Parameter = Parameter(1024 / 1769, "cores", ".chalice/config.json: 1,024 MB; AWS: 1,769 MB are a core")
    spread: Parameter = Parameter(0.3, "of the mean", "assumed: deviation of each service time, log-normal")

    def __getitem__(self, name: str) -> float:
        """A parameter's figure; times in seconds."""
        parameter: Parameter = getattr(self, name)
        return parameter.value / 1000 if parameter.unit == "ms" else parameter.value


def load_parameters(measured: Mapping[str, float] | None = None) -> Parameters:
    """Those that were measured last, and the benchmark's start of the REST function."""
    found = json.loads(MEASURED.read_text(encoding="utf-8"))["service"] if measured is None else measured
    units = {"_ms": "ms", "cpu": "cores"}
    given = {name: Parameter(value, units.get(name[-3:], "commands"), _MEASURED) for name, value in found.items()}
    return Parameters(
        **given,
        rest_start_ms=_benchmark("start of the REST function out of the zip"),
    )


def _benchmark(what: str) -> Parameter:
    figures: list[dict[str, Any]] = json.loads(RESULTS.read_text(encoding="utf-8"))["figures"]
    [figure] = [figure for figure in figures if figure["what"] == what]
    return Parameter(figure["ours"]["median"], figure["unit"], f"bench/results.json: {what}")
