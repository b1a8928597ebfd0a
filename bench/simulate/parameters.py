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


CONFIG = HERE.parents[1] / ".chalice" / "config.json"
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
    rest_memory_mb: Parameter
    rest_cpu: Parameter
    drain_memory_mb: Parameter
    drain_cpu: Parameter
    round_trip_ms: Parameter = Parameter(0.5, "ms", "assumed: two zones of a region")
    gateway_ms: Parameter = Parameter(10, "ms", f"{_AWS}, and none is promised")
    invoke_ms: Parameter = Parameter(50, "ms", f"{_AWS} for an asynchronous invocation")
    spread: Parameter = Parameter(0.3, "of the mean", "assumed: standard deviation, log-normal")

    def __getitem__(self, name: str) -> float:
        """A parameter's figure; times in seconds."""
        parameter: Parameter = getattr(self, name)
        return parameter.value / 1000 if parameter.unit == "ms" else parameter.value


def load_parameters(measured: Mapping[str, float] | None = None) -> Parameters:
    """Those that were measured last, and the benchmark's start of the REST function."""
    found = json.loads(MEASURED.read_text(encoding="utf-8"))["service"] if measured is None else measured
    units = {"_ms": "ms", "cpu": "cores"}
    given = {name: Parameter(value, units.get(name[-3:], "commands"), _MEASURED) for name, value in found.items()}
    usual = {
        "rest_start_ms": _benchmark("start of the REST function out of the zip"),
        "rest_memory_mb": _memory("api_handler"),
        "rest_cpu": _share("api_handler"),
        "drain_memory_mb": _memory("drain"),
        "drain_cpu": _share("drain"),
    }
    return Parameters(**{**usual, **given})


def _benchmark(what: str) -> Parameter:
    figures: list[dict[str, Any]] = json.loads(RESULTS.read_text(encoding="utf-8"))["figures"]
    [figure] = [figure for figure in figures if figure["what"] == what]
    return Parameter(figure["ours"]["median"], figure["unit"], f"bench/results.json: {what}")


def _memory(function: str) -> Parameter:
    told = json.loads(CONFIG.read_text(encoding="utf-8"))["lambda_functions"][function]
    return Parameter(told["lambda_memory_size"], "MB", ".chalice/config.json")


def _share(function: str) -> Parameter:
    """What Lambda gives to so much memory; a second core is of no use to one thread."""
    return Parameter(min(1.0, _memory(function).value / 1_769), "cores", "AWS: 1,769 MB come with a core")
