"""The simulated bell: the same seed tells the same, its books agree, and it is fed with what is told."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest

from bench.simulate.__main__ import PAGE, check, page, sources, table
from bench.simulate.engine import Clock, Process, Signal, Station, Tally
from bench.simulate.model import Model
from bench.simulate.outcome import GROUND_A_MONTH, NEXT, PRICES, Outcome, outcome
from bench.simulate.parameters import MEASURED, Parameter, Parameters, load_parameters
from bench.simulate.sizes import BELLS, STATE_GROUND, Bell
from local.folder import ROOT

TOWN = Bell("town", 40, 5_000, STATE_GROUND)
CITY = Bell("city", 1_000, 50_000, STATE_GROUND, seconds=50, reads=2)
COSTS = (ROOT / "docs" / "how-to" / "costs.md").read_text(encoding="utf-8")


@cache
def run(bell: Bell = TOWN, seed: int = 1) -> Model:
    """A bell, simulated once."""
    return Model(bell, load_parameters(), seed).run()


def slow_redis(times: float) -> Parameters:
    """A Redis that takes so many times as long for everything."""
    usual = load_parameters()
    slower = {
        name: Parameter(getattr(usual, name).value * times, "ms", "made up")
        for name in ("accept_redis_write_ms", "register_redis_ms", "status_redis_ms", "batch_redis_ms")
    }
    return replace(usual, **slower)


def of_shards(shards: int, parameters: Parameters, bell: Bell = TOWN) -> Outcome:
    """The bell on so many shards, each with a server and two drains."""
    ground = replace(bell.ground, shards=shards, redis_nodes=shards, drains=2 * shards)
    return outcome(Model(replace(bell, ground=ground), parameters).run())


class TestEngine:
    """Clock, station, signal."""

    def test_a_station_serves_in_order_as_many_at_once_as_it_has_servers(self) -> None:
        clock, ended = Clock(), list[tuple[str, float]]()
        station = Station(clock, 2)

        def customer(name: str, seconds: float) -> Process:
            yield station, seconds
            ended.append((name, clock.now))

        for name, seconds in (("a", 3.0), ("b", 1.0), ("c", 1.0), ("d", 1.0)):
            clock.start(customer(name, seconds))
        clock.run()
        assert ended == [("b", 1.0), ("c", 2.0), ("a", 3.0), ("d", 3.0)]

    def test_a_signal_wakes_those_who_wait_and_others_give_up(self) -> None:
        clock, heard = Clock(), list[tuple[float, bool]]()
        signal = Signal(clock)

        def listener(patience: float) -> Process:
            came: bool = yield signal, patience
            heard.append((clock.now, came))

        def bell() -> Process:
            yield 2.0
            signal.fire()

        for process in (listener(1.0), listener(5.0), bell()):
            clock.start(process)
        clock.run()
        assert heard == [(1.0, False), (2.0, True)]

    def test_the_busiest_window_is_that_with_the_most_inside(self) -> None:
        clock = Clock()
        tally = Tally(clock)

        def visit() -> Process:
            entered = tally.enter()
            yield 15.0
            tally.leave(entered)

        clock.start(visit())
        clock.start(visit(), after=5.0)
        clock.run()
        assert (tally.most, tally.busiest) == (2, 1.5)
        assert tally.area == tally.stays == 30.0


def test_the_same_seed_tells_the_same_and_another_something_else() -> None:
    """So a figure in the docs can be checked."""
    again = Model(TOWN, load_parameters(), 1).run()
    assert outcome(again) == outcome(run())
    assert outcome(run(seed=2)) != outcome(run())


def test_every_register_is_accepted_and_completed_after_it_was_sent() -> None:
    """None is lost in the model either, and nobody is left inside."""
    model = run()
    assert len(model.accepted) == len(model.completed) == TOWN.registers == 200
    assert 0 < min(model.accepted) < min(model.completed)
    assert not any(shard.waiting for shard in model.shards)
    assert model.rest.inside == model.draining.inside == 0


def test_littles_law_holds_at_every_station() -> None:
    """L = λW: the mean number inside is the rate of arrivals times the mean stay. Each side is counted by itself."""
    model = run()
    seconds = model.clock.now
    tallies = [model.rest, model.draining, model.postgres.present, *(server.present for server in model.redis)]
    for tally in tallies:
        inside, rate, stay = tally.area / seconds, tally.entered / seconds, tally.stays / tally.entered
        assert tally.entered > 10
        assert inside == pytest.approx(rate * stay, rel=1e-9)


def test_a_station_with_one_server_waits_as_theory_says() -> None:
    """M/M/1 at 60 %: a stay of 1 / (μ - λ), within the noise of 40,000 customers."""
    import random

    clock, draw = Clock(), random.Random(1)
    station = Station(clock, 1)

    def customer() -> Process:
        yield station, draw.expovariate(1.0)

    def crowd() -> Process:
        for _ in range(40_000):
            yield draw.expovariate(0.6)
            clock.start(customer())

    clock.start(crowd())
    clock.run()
    assert station.present.stays / station.present.entered == pytest.approx(2.5, rel=0.05)


@pytest.mark.parametrize("times", [1, 12])
def test_more_shards_never_make_a_busy_city_slower(times: float) -> None:
    """While there is enough to do that no drain falls asleep; where Redis is what all wait for, they make it faster."""
    warm = replace(slow_redis(times), rest_start_ms=Parameter(0, "ms", "made up"))
    told = [of_shards(shards, warm, CITY) for shards in (1, 2, 4)]
    for fewer, more in pairwise(told):
        assert more.completed[0] <= fewer.completed[0] * 1.01
        assert more.completed[1] <= fewer.completed[1] * 1.05
        assert more.loads["Redis, busiest server"] < fewer.loads["Redis, busiest server"]
    if times > 1:
        assert told[-1].completed[0] < told[0].completed[0] * 0.9


def test_shards_do_not_make_a_quiet_town_quicker() -> None:
    """Each has a drain of its own to be woken: who does not need them should not have them."""
    one, four = (of_shards(shards, load_parameters()) for shards in (1, 4))
    assert four.completed[1] > one.completed[1]


def test_the_first_bottleneck_is_what_is_used_most_and_has_a_remedy() -> None:
    told = outcome(run())
    assert told.loads[told.bottleneck] == max(told.loads.values())
    assert set(told.loads) == set(NEXT)


def test_the_first_bottleneck_of_a_slow_redis_is_redis_and_of_few_requests_allowed_the_requests() -> None:
    assert of_shards(1, slow_redis(60)).bottleneck == "Redis, busiest server"
    strict = replace(TOWN, ground=replace(TOWN.ground, requests_a_second=2))
    assert outcome(Model(strict, load_parameters()).run()).bottleneck == "requests a second"


def test_the_limits_are_those_of_what_is_deployed() -> None:
    """A ground that promises what Terraform does not give would tell of another bottleneck."""
    sizes = (ROOT / "infra" / "terraform" / "sizes.tf").read_text(encoding="utf-8")
    for bell in BELLS:
        name = bell.ground.name.partition(",")[0]
        [size] = re.findall(rf"^    {name} = {{(.*?)^    }}", sizes, re.MULTILINE | re.DOTALL)
        told = dict(re.findall(r"(\w+) += (\d+)", size))
        assert int(told["requests_a_second"]) == bell.ground.requests_a_second
        assert int(told["postgres_sessions"]) == bell.ground.postgres_sessions


def test_prices_are_those_of_the_page_of_costs() -> None:
    for price in PRICES.values():
        assert f"{price:.7f}".rstrip("0") in COSTS or f"{price:.2f}" in COSTS
    rows = {cells[1].strip(): cells[3:5] for line in COSTS.splitlines() if len(cells := line.split("|")) == 6}
    for column, size in enumerate(("school", "state")):
        together, rest, functions = (
            int(
                next(cells for name, cells in rows.items() if name.startswith(start))[column]
                .strip(" *")
                .replace(",", "")
            )
            for start in ("**together", "REST API", "Lambda, arm64")
        )
        assert GROUND_A_MONTH[size] == together - rest - functions


def test_the_tables_tell_every_load_and_the_source_of_every_parameter() -> None:
    told = table([(TOWN, outcome(run()))])
    assert all(f"load: {name}" in told for name in NEXT)
    listed = sources(load_parameters())
    assert "bench/simulate/measured.json" in listed
    assert all(row.count("|") == 4 and not row.endswith("|  |") for row in listed.splitlines())
    assert page("a\n<!-- x -->\nold\n<!-- end of x -->\nb", {"x": "new"}) == (
        "a\n<!-- x -->\n\nnew\n\n<!-- end of x -->\nb"
    )
    bell = {"real": {"accept_p50": 2.0}, "simulated": {"accept_p50": 1.0}}
    assert "| accept, p50 | 2.0 ms | 1.0 ms | -50% |" in check(bell)


def test_the_page_of_the_plan_tells_what_was_measured() -> None:
    """Whoever measures anew writes the page anew."""
    text = PAGE.read_text(encoding="utf-8")
    assert check(json.loads(MEASURED.read_text(encoding="utf-8"))["bell"]) in text
    assert sources(load_parameters()) in text
