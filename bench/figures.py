"""What a benchmark finds: samples taken in turn, their spread, and ratios against a target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal, TypeAlias

Sampler: TypeAlias = Callable[[], float]
"""Does the work once and returns its figure."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of samples, the least and the most."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> Spread:
        """The spread of at least one sample."""
        return cls(median(samples), min(samples), max(samples))


@dataclass(frozen=True, slots=True)
class Target:
    """A bound of a ratio, or of a figure by itself."""

    way: Literal["at least", "at most", "less than"]
    bound: float

    def met(self, value: float) -> bool:
        """Whether `value` keeps the bound."""
        if self.way == "at least":
            return value >= self.bound
        return value <= self.bound if self.way == "at most" else value < self.bound


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report: ours, beside whom, and the ratio of ours to theirs, taken pair by pair.

    `unit` tells both figures. Without a ratio, a target is for `ours`. `missing` says why there is no figure.
    """

    what: str
    unit: str = ""
    ours: Spread | None = None
    beside: str = ""
    theirs: Spread | None = None
    ratio: Spread | None = None
    target: Target | None = None
    missing: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None without a target or without a figure."""
        judged = self.ratio or (self.ours if self.theirs is None else None)
        return self.target.met(judged.median) if self.target and judged else None


@dataclass(slots=True)
class Series:
    """Samples of ours and of others, taken in turn, so that a busy moment of the machine falls on all alike."""

    ours: list[float] = field(default_factory=list)
    others: dict[str, list[float]] = field(default_factory=dict)

    def beside(self, name: str, what: str, unit: str, target: Target | None = None) -> Figure:
        """The figure of ours beside the other of that name."""
        theirs = self.others[name]
        ratios = [own / other for own, other in zip(self.ours, theirs, strict=True)]
        spreads = Spread.of(self.ours), Spread.of(theirs), Spread.of(ratios)
        return Figure(what, unit, spreads[0], name, spreads[1], spreads[2], target)


def in_turn(ours: Sampler, others: Mapping[str, Sampler], runs: int) -> Series:
    """Sample ours, then each other, `runs` times over, after one round that warms all of them up and is not counted."""
    series = Series(others={name: [] for name in others})
    for counted in range(-1, runs):
        found = {"": ours(), **{name: sampler() for name, sampler in others.items()}}
        if counted < 0:
            continue
        series.ours.append(found[""])
        for name, samples in series.others.items():
            samples.append(found[name])
    return series
