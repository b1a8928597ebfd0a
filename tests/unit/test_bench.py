"""The benchmarks' arithmetic and table: what is measured in turn is compared in turn, and nothing missing is hidden."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.figures import Figure, Series, Spread, Target, in_turn
from bench.measures import MEASURES
from bench.report import number, page, row, table, write_json

FACTS = {"processor": "a small one, 2 cores"}


def a_figure(ratio: float = 2.0, target: Target | None = None) -> Figure:
    """Ours 200, theirs 100."""
    spreads = [Spread(value, value * 0.9, value * 1.1) for value in (200, 100, ratio)]
    return Figure("drain", "marks/s", spreads[0], "BullMQ", spreads[1], spreads[2], target)


def test_samples_are_taken_in_turn_and_the_first_round_only_warms_up() -> None:
    """A B A B …: a busy moment of the machine falls on both; what was still cold is not counted."""
    order: list[str] = []

    def sampler(name: str) -> float:
        order.append(name)
        return float(len(order))

    series = in_turn(lambda: sampler("ours"), {"theirs": lambda: sampler("theirs")}, 2)

    assert order == ["ours", "theirs"] * 3
    assert (series.ours, series.others) == ([3, 5], {"theirs": [4, 6]})


def test_a_ratio_is_the_median_of_the_pairs_not_of_the_two_medians() -> None:
    """Each sample is divided by its neighbour's, so that a slow minute cancels out."""
    figure = Series([10, 40, 90], {"theirs": [10, 20, 30]}).beside("theirs", "drain", "marks/s")

    assert figure.ratio == Spread(2, 1, 3)
    assert (figure.ours, figure.theirs) == (Spread(40, 10, 90), Spread(20, 10, 30))


@pytest.mark.parametrize(
    ("target", "met"),
    [
        (Target("at least", 2), True),
        (Target("at least", 2.01), False),
        (Target("at most", 2), True),
        (Target("at most", 1.99), False),
        (Target("less than", 2), False),
        (None, None),
    ],
)
def test_a_target_is_judged_by_the_median_ratio(target: Target | None, met: bool | None) -> None:
    """The bound itself counts as reached, but for `less than`."""
    assert a_figure(2.0, target).met is met


def test_without_a_peer_the_target_is_for_our_own_figure() -> None:
    """Memory is MiB, not a ratio."""
    assert Figure("memory", "MiB", Spread(59, 58, 60), target=Target("less than", 200)).met is True
    assert Figure("memory", "MiB", Spread(259, 258, 260), target=Target("less than", 200)).met is False


@pytest.mark.parametrize(
    ("value", "told"), [(48_321, "48,300"), (1000, "1,000"), (128.4, "128"), (10.04, "10.0"), (0.716, "0.72")]
)
def test_numbers_are_told_by_three_figures(value: float, told: str) -> None:
    """More would be noise."""
    assert number(value) == told


def test_a_line_tells_both_figures_with_their_spread_the_ratio_and_the_verdict() -> None:
    """Everything that is needed to doubt it."""
    assert row(a_figure(2.0, Target("at least", 1.5))) == (
        "| drain | 200 (180 to 220) marks/s | BullMQ | 100 (90.0 to 110) marks/s | 2.00 (1.80 to 2.20) "
        "| at least 1.5 | met |"
    )
    assert row(a_figure(1.0, Target("at least", 1.5))).endswith("| at least 1.5 | **missed** |")


def test_a_peer_that_is_not_to_be_had_is_told_as_missing() -> None:
    """It has a line with the reason, on one line whatever the reason looks like, and reaches no target."""
    figure = Figure("drain", beside="RQ", target=Target("at least", 10), missing="pip failed:\nno | network")

    assert figure.met is None
    assert row(figure).endswith("| at least 10 | **missing**: pip failed: no / network |")
    assert len(table([figure, a_figure()]).splitlines()) == 4


def test_the_page_is_written_anew_between_its_marks_only() -> None:
    """The words around the figures are a person's."""
    words = "# Benchmarks\n\n<!-- figures -->\n\nold\n\n<!-- end of figures -->\n\nHow: …\n"
    made = page(words, FACTS, [a_figure()])

    assert made.startswith("# Benchmarks\n\n<!-- figures -->\n\n- processor: a small one, 2 cores\n\n| measure |")
    assert made.endswith("<!-- end of figures -->\n\nHow: …\n")
    assert "old" not in made
    assert page(made, FACTS, [a_figure()]) == made
    with pytest.raises(ValueError, match="the page has no"):
        page("nothing here", FACTS, [])


def test_the_json_holds_each_figure_with_its_verdict(tmp_path: Path) -> None:
    """For programs that compare two runs."""
    path = tmp_path / "new" / "results.json"
    write_json(path, FACTS, [a_figure(2.0, Target("at least", 1.5))])

    found = json.loads(path.read_text(encoding="utf-8"))
    assert found["machine"] == FACTS
    [figure] = found["figures"]
    assert (figure["met"], figure["ratio"]["median"]) == (True, 2.0)


def test_each_measure_goes_by_the_name_of_its_module() -> None:
    """`--only NAME` leads to `bench/measures/NAME.py`."""
    for name, measure in MEASURES.items():
        assert measure.__module__ == f"bench.measures.{name}"
