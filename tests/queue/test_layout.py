"""Which shard a tenant belongs to, and to which part of a cluster."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from chalicelib.queue.keys import Keys
from chalicelib.queue.layout import Layout
from tests.school import new_id


def test_one_shard_has_every_tenant() -> None:
    assert Layout().places("oak") == (0,)
    assert Layout().count == 1


def test_a_tenant_has_the_same_place_in_every_process_and_release() -> None:
    """The hash is CRC-32 of the id in UTF-8: whoever changes it moves every school."""
    assert [Layout(4).places(who) for who in ("yew", "oak", "Gymnasium Köln", "elm")] == [(0,), (1,), (2,), (3,)]


@given(st.text(min_size=1), st.integers(1, 64), st.integers(1, 64))
def test_a_tenant_that_moves_has_the_place_of_either_number(tenant: str, shards: int, also: int) -> None:
    here, there = Layout(shards).places(tenant), Layout(also).places(tenant)
    layout = Layout(shards, also)
    assert layout.places(tenant) == (here if here == there else here + there)
    assert all(place < layout.count for place in layout.places(tenant))


def test_tenants_are_spread_evenly() -> None:
    homes = Counter(Layout(8).places(new_id())[0] for _ in range(8_000))
    assert sorted(homes) == list(range(8))
    assert min(homes.values()) > 850


@pytest.mark.parametrize("shards", [4, 8, 16])
def test_shards_of_the_usual_queue_are_spread_over_four_servers(shards: int) -> None:
    """As many on each quarter of the slots, so that no server carries the others' load."""
    quarters = Counter(key_slot(Keys("rollcall", shard).ring.encode()) // 4_096 for shard in range(shards))
    assert quarters == dict.fromkeys(range(4), shards // 4)


@pytest.mark.parametrize("numbers", [(0, None), (-1, None), (4, 0)])
def test_a_queue_without_a_shard_is_refused(numbers: tuple[int, int | None]) -> None:
    with pytest.raises(ValueError, match="at least one shard"):
        Layout(*numbers)
