"""Metrics: a line that CloudWatch reads, the same that Powertools would write, and nothing where nobody reads."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from jsonschema_rs import ValidationError

from chalicelib.watch.ids import work
from chalicelib.watch.logs import JsonLines
from chalicelib.watch.metrics import Meter
from tests.watch.emf import figures_of


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[Any]]]:
    """What was told since the test began, as Lambda would print it."""
    caplog.set_level(logging.INFO, "chalicelib")
    printed = io.StringIO()
    handler = logging.StreamHandler(printed)
    handler.setFormatter(JsonLines())
    logging.getLogger("chalicelib").addHandler(handler)
    yield lambda: [json.loads(line) for line in printed.getvalue().splitlines()]
    logging.getLogger("chalicelib").removeHandler(handler)


def test_a_line_has_the_figures_the_stage_and_the_ids_at_hand(lines: Any) -> None:
    """One line for all figures, which CloudWatch takes by its specification."""
    with work(request="r1", tenant="t1"):
        Meter("dev").tell("accepted", {"JobsAccepted": 1, "MarksAccepted": 30}, job="j1")
    [line] = lines()
    assert figures_of(line) == {"JobsAccepted": 1, "MarksAccepted": 30}
    assert line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Rollcall"
    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Stage"]]
    told = {"Stage": "dev", "message": "accepted", "request": "r1", "tenant": "t1", "job": "j1", "level": "INFO"}
    assert {name: line[name] for name in told} == told


def test_a_code_is_told_beside_the_sum_of_all_codes(lines: Any) -> None:
    """By stage for an alarm, by code for who looks why."""
    Meter("dev").tell("refused", {"Refused": 1}, code="queue_full")
    [line] = lines()
    assert figures_of(line) == {"Refused": 1}
    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Stage"], ["Stage", "Code"]]
    assert line["Code"] == "queue_full"


def test_it_is_what_powertools_would_write(lines: Any) -> None:
    """Whose metrics are AWS's own, and cost too much at the start of the REST function."""
    theirs = EphemeralMetrics(namespace="Rollcall")
    theirs.add_dimension("Stage", "prod")
    theirs.add_metric("Depth", MetricUnit.Count, 4)
    theirs.add_metric("OldestWaitingAge", MetricUnit.Seconds, 1.5)
    wanted: Any = theirs.serialize_metric_set()
    Meter("prod").tell("drained", {"Depth": 4, "OldestWaitingAge": 1.5})
    [line] = lines()
    assert line["_aws"]["CloudWatchMetrics"] == wanted["_aws"]["CloudWatchMetrics"]
    assert abs(line["_aws"]["Timestamp"] - wanted["_aws"]["Timestamp"]) < 60_000
    assert [line[name] for name in ("Stage", "Depth", "OldestWaitingAge")] == ["prod", 4, 1.5]


def test_where_nobody_reads_nothing_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """A laptop at rest."""
    caplog.set_level(logging.WARNING, "chalicelib")
    meter = Meter("local")
    meter.tell("accepted", {"JobsAccepted": 1})
    assert not meter.is_on
    assert caplog.records == []


def test_a_laptop_reads_words(caplog: pytest.LogCaptureFixture) -> None:
    """`make dev VERBOSE=1`."""
    caplog.set_level(logging.INFO, "chalicelib")
    Meter("local").tell("refused", {"Refused": 1}, code="not_enrolled", job="j1")
    assert caplog.messages == ["refused: Refused=1 Code=not_enrolled job=j1"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda line: line["_aws"].pop("Timestamp"),
        lambda line: line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0].update(Unit="Marks"),
        lambda line: line["_aws"]["CloudWatchMetrics"][0].update(Dimensions=[["Stage", "Room"]]),
        lambda line: line.update(Refused="1"),
        lambda line: line.update(Stage=""),
    ],
)
def test_the_check_of_these_tests_refuses_what_cloudwatch_drops(lines: Any, spoil: Any) -> None:
    """A check that lets all pass would prove nothing."""
    Meter("dev").tell("refused", {"Refused": 1})
    [line] = lines()
    figures_of(line)
    spoil(line)
    with pytest.raises((AssertionError, KeyError, ValidationError)):
        figures_of(line)
