"""`python -m bench`: run all measures, or some by name, and tell what they found."""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Figure
from bench.machine import load, machine
from bench.measures import MEASURES
from bench.report import page, row, write_json
from bench.world import open_world
from local.folder import ROOT

RESULTS = ROOT / "bench" / "results.json"
PAGE = ROOT / "docs" / "benchmarks.md"


def main() -> int:
    """Returns 0 when every target is met, 1 when one is missed or has no figure."""
    asked = _arguments()
    facts = machine()
    facts["load before"] = f"{load():.2f}"
    started = time.monotonic()
    figures: list[Figure] = []
    for name in asked.only or MEASURES:
        print(f"{name} …", flush=True)
        # A world a measure: none is slowed by the rows that another left.
        with (
            tempfile.TemporaryDirectory() as scratch,
            open_world(Path(scratch), runs=asked.runs, full=asked.full) as world,
        ):
            found = MEASURES[name](world)
        figures += found
        print("\n".join(map(row, found)), flush=True)
    facts["run"] = f"{datetime.now(UTC):%Y-%m-%d}, {asked.runs} rounds, {(time.monotonic() - started) / 60:.0f} minutes"
    facts["load after"] = f"{load():.2f}"
    if asked.write:
        write_json(RESULTS, facts, figures)
        PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), facts, figures), encoding="utf-8")
    reached = [figure.met is not False and not (figure.target and figure.missing) for figure in figures]
    return 0 if all(reached) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Rollcall beside its peers and limits.")
    parser.add_argument("--only", nargs="+", choices=list(MEASURES), metavar="NAME", help=", ".join(MEASURES))
    parser.add_argument("--runs", type=int, default=5, help="rounds that count, after one that warms up (default: 5)")
    parser.add_argument("--full", action="store_true", help="ten million marks in the full table, not one")
    parser.add_argument("--write", action="store_true", help="write bench/results.json and docs/benchmarks.md anew")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
