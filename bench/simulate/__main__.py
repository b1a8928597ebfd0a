"""`python -m bench.simulate`: print what each bell would ask of its ground, and how far the model can be believed."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields

from bench.simulate.model import Model
from bench.simulate.outcome import NEXT, Outcome, outcome
from bench.simulate.parameters import MEASURED, Parameters, load_parameters
from bench.simulate.sizes import BELLS, Bell
from local.folder import ROOT

PAGE = ROOT / "docs" / "explanation" / "scale.md"


def main() -> None:
    """Simulate all bells, or measure first."""
    parser = argparse.ArgumentParser(prog="python -m bench.simulate", description="Bells, simulated.")
    parser.add_argument("--measure", action="store_true", help="measure the service times anew, on a quiet machine")
    parser.add_argument("--seed", type=int, default=1, help="of all that is drawn (default: 1)")
    parser.add_argument("--write", action="store_true", help="write docs/explanation/scale.md anew")
    asked = parser.parse_args()
    if asked.measure:
        from bench.simulate.measuring import measure

        measure()
    parameters = load_parameters()
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    told = {
        "bells": table([(bell, outcome(Model(bell, parameters, asked.seed).run())) for bell in BELLS]),
        "check": check(measured["bell"]),
        "parameters": sources(parameters),
        "machine": "\n".join(f"- {name}: {value}" for name, value in measured["machine"].items()),
    }
    print("\n\n".join(told.values()))
    if asked.write:
        PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), told), encoding="utf-8")


def table(bells: Sequence[tuple[Bell, Outcome]]) -> str:
    """A column a bell."""
    lines: dict[str, list[str]] = {}

    def add(name: str, *cells: str) -> None:
        lines.setdefault(name, []).extend(cells)

    for bell, told in bells:
        add("", f"{bell.name} on `{bell.ground.name}`")
        add("tenants, students", f"{bell.tenants:,}, {bell.students:,}")
        add("registers in five minutes", f"{told.registers:,}")
        add("requests a second", f"{told.requests_a_second:,.0f}")
        add("accept, p50, p99", _ms(told.accept))
        add("sent → completed, p50, p99", _ms(told.completed))
        add("REST functions at once", f"{told.rest:,}")
        add("drains at once", f"{told.drains} of {bell.ground.drains}")
        add("connections to Redis", f"{told.redis_connections:,}")
        add("connections to Postgres", f"{told.postgres_connections:,}")
        add("Redis commands a second", f"{told.redis_commands_a_second:,.0f}")
        for name, load in told.loads.items():
            add(f"load: {name}", f"{load:.1%}")
        add("first bottleneck", told.bottleneck)
        add("then", NEXT[told.bottleneck])
        add("dollars a month", f"{told.cost:,.0f}")
    rows = [f"| {name} | " + " | ".join(cells) + " |" for name, cells in lines.items()]
    return "\n".join([rows[0], "|---" * (len(bells) + 1) + "|", *rows[1:]])


def sources(parameters: Parameters) -> str:
    """Every figure that the model was fed with, and where it comes from."""
    told = ((field.name, getattr(parameters, field.name)) for field in fields(parameters))
    rows = [f"| {name} | {one.value:.3g} {one.unit} | {one.source} |" for name, one in told]
    return "\n".join(["| parameter | value | source |", "|---|---|---|", *rows])


def page(text: str, told: Mapping[str, str]) -> str:
    """The page with each part between `<!-- NAME -->` and `<!-- end of NAME -->` written anew."""
    for name, part in told.items():
        before, start, rest = text.partition(f"<!-- {name} -->")
        _, end, after = rest.partition(f"<!-- end of {name} -->")
        if not (start and end):
            raise ValueError(f"the page has no part {name!r}")
        text = f"{before}{start}\n\n{part}\n\n{end}{after}"
    return text


def check(bell: dict[str, dict[str, float]]) -> str:
    """The bell that was measured beside the one that was simulated."""
    real, simulated = bell["real"], bell["simulated"]
    rows = [
        f"| {name.replace('_', ', ')} | {real[name]:.1f} ms | {simulated[name]:.1f} ms | "
        f"{simulated[name] / real[name] - 1:+.0%} |"
        for name in real
    ]
    return "\n".join(["| one small bell | measured | simulated | error |", "|---|---|---|---|", *rows])


def _ms(seconds: tuple[float, float]) -> str:
    return f"{seconds[0] * 1000:,.0f}, {seconds[1] * 1000:,.0f} ms"


if __name__ == "__main__":
    main()
