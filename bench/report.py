"""Tells what was found: a line a figure for the terminal, JSON for programs, a page for readers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.figures import Figure, Spread

_HEAD = "| measure | Rollcall | beside | theirs | ratio | to reach | |\n|---|---|---|---|---|---|---|"


def number(value: float) -> str:
    """Three figures, with commas from a thousand on: 48,300, 5.13, 0.72."""
    if value >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def spread(found: Spread | None, unit: str = "") -> str:
    """`median (least to most) unit`; a dash for what there is not."""
    if found is None:
        return "-"
    told = f"{number(found.median)} ({number(found.least)} to {number(found.most)})"
    return f"{told} {unit}".rstrip()


def row(figure: Figure) -> str:
    """A line of the table."""
    target = f"{figure.target.way} {figure.target.bound:g}" if figure.target else ""
    verdict = {True: "met", False: "**missed**", None: ""}[figure.met]
    if figure.missing:
        verdict = f"**missing**: {figure.missing}".replace("|", "/").replace("\n", " ")
    ratio = spread(figure.ratio) if figure.ratio else ""
    theirs = spread(figure.theirs, figure.unit) if figure.theirs else ""
    ours = spread(figure.ours, figure.unit)
    return f"| {figure.what} | {ours} | {figure.beside} | {theirs} | {ratio} | {target} | {verdict} |"


def table(figures: Sequence[Figure]) -> str:
    """All lines, under their head."""
    return "\n".join([_HEAD, *map(row, figures)])


def page(template: str, facts: Mapping[str, str], figures: Sequence[Figure]) -> str:
    """The page with its part between the two marks written anew; the words around it stay."""
    before, start, rest = template.partition(_START)
    _, end, after = rest.partition(_END)
    if not (start and end):
        raise ValueError(f"the page has no {_START} … {_END}")
    told = "\n".join(f"- {name}: {value}" for name, value in facts.items())
    return f"{before}{start}\n\n{told}\n\n{table(figures)}\n\n{end}{after}"


_START, _END = "<!-- figures -->", "<!-- end of figures -->"


def write_json(path: Path, facts: Mapping[str, str], figures: Sequence[Figure]) -> None:
    """Write what was found, replacing what was there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    found = {"machine": dict(facts), "figures": [{**asdict(figure), "met": figure.met} for figure in figures]}
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
