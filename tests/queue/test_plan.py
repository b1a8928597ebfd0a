"""The plan of a batch, without Redis."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.queue.plan import Heads, plan
from chalicelib.queue.ref import JobRef, Lane


def lists(tenant: str, interactive: Sequence[int] = (), bulk: Sequence[int] = ()) -> dict[str, Heads]:
    """The heads of a tenant, from the sizes of its jobs."""
    sizes = {Lane.INTERACTIVE: interactive, Lane.BULK: bulk}
    return {
        tenant: {
            lane: [JobRef(lane, size, tenant, f"{lane[0]}{at}") for at, size in enumerate(sizes[lane])] for lane in Lane
        }
    }


def take(heads: dict[str, Heads], *, claim: int = 0, max_jobs: int = 10, max_records: int = 1_000) -> list[str]:
    """The plan as `tenant/id`."""
    chosen = plan(heads, claim=claim, max_jobs=max_jobs, max_records=max_records)
    return [f"{ref.tenant}/{ref.id}" for ref in chosen]


def test_tenants_take_turns_in_the_order_of_the_ring() -> None:
    heads = lists("a", [1] * 5) | lists("b", [1]) | lists("c", [1, 1])
    assert take(heads, max_jobs=6) == ["a/i0", "b/i0", "c/i0", "a/i1", "c/i1", "a/i2"]


def test_a_batch_stops_at_its_records() -> None:
    assert take(lists("a", [30, 30, 30, 30]), max_records=90) == ["a/i0", "a/i1", "a/i2"]


def test_the_first_job_is_taken_however_large() -> None:
    assert take(lists("a", [5_000, 1]), max_records=100) == ["a/i0"]


def test_a_job_that_does_not_fit_lets_the_other_tenants_pass() -> None:
    assert take(lists("a", [60]) | lists("b", [60, 1]) | lists("c", [40]), max_records=100) == ["a/i0", "c/i0"]


def test_nothing_is_taken_from_nothing() -> None:
    assert take({}) == []
    assert take(lists("a")) == []


def test_interactive_goes_first_but_every_fourth_turn_is_bulks() -> None:
    assert take(lists("a", [1] * 6, [1] * 6), max_jobs=8) == [
        "a/i0", "a/i1", "a/i2", "a/b0", "a/i3", "a/i4", "a/i5", "a/b1",
    ]  # fmt: skip


def test_bulk_is_not_starved_by_claims_of_one_job() -> None:
    taken = [take(lists("a", [1], [1]), claim=number, max_jobs=1)[0] for number in range(8)]
    assert taken.count("a/b0") == 2


@given(
    st.lists(st.tuples(st.lists(st.integers(0, 50), max_size=6), st.lists(st.integers(0, 50), max_size=6)), max_size=6),
    st.integers(0, 9), st.integers(1, 20), st.integers(1, 200),
)  # fmt: skip
def test_every_plan_keeps_the_bounds_and_the_order_of_each_list(
    sizes: list[tuple[list[int], list[int]]], claim: int, max_jobs: int, max_records: int
) -> None:
    heads: dict[str, Heads] = {}
    for at, (interactive, bulk) in enumerate(sizes):
        heads |= lists(f"t{at}", interactive, bulk)
    chosen = plan(heads, claim=claim, max_jobs=max_jobs, max_records=max_records)

    assert len(chosen) <= max_jobs
    assert len(chosen) <= 1 or sum(ref.size for ref in chosen) <= max_records
    assert bool(chosen) == any(interactive or bulk for interactive, bulk in sizes)
    for tenant, lanes in heads.items():
        for lane in Lane:
            mine = [ref for ref in chosen if (ref.tenant, ref.lane) == (tenant, lane)]
            assert mine == list(lanes[lane])[: len(mine)]
