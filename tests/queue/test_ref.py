"""Refs on the lists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.queue.keys import Keys
from chalicelib.queue.ref import JobRef, Lane
from tests.queue.steps import a_job


@given(st.sampled_from(Lane), st.integers(0, 5_000), st.text(min_size=1), st.uuids())
def test_a_ref_is_read_as_it_was_written_whatever_the_tenant_is_called(
    lane: Lane, size: int, tenant: str, job_id: object
) -> None:
    ref = JobRef(lane, size, tenant, str(job_id))
    assert JobRef.parse(ref.encode().encode()) == ref


@pytest.mark.parametrize(("shard", "tag"), [(0, "{q}:"), (1, "{q-1}:"), (63, "{q-63}:")])
def test_all_keys_of_a_shard_share_its_hash_tag(shard: int, tag: str) -> None:
    """The first has the tag that the queue had before there were shards, so that an upgrade finds its jobs."""
    keys = Keys("q", shard)
    fixed = [value for value in vars(keys).values() if isinstance(value, str)]
    made = [*keys.lists(a_job("a{b}c").ref), keys.job("1"), keys.recent("{x}"), keys.idem("t", "d")]
    assert len(fixed) > 10
    assert all(key.startswith(tag) for key in fixed + made)


@pytest.mark.parametrize("name", ["", "a{b", "a}b"])
def test_a_name_that_would_break_the_hash_tag_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Keys(name)


@pytest.mark.parametrize("wrong", [{"tenant": "*"}, {"tenant": ""}, {"id": "a|b"}, {"size": -1}, {"max_attempts": 0}])
def test_a_job_that_would_break_the_books_is_refused(wrong: dict[str, object]) -> None:
    """`*` is where the depth of all tenants is counted."""
    with pytest.raises(ValueError, match="tenant"):
        a_job(**wrong)  # type: ignore[arg-type]  # one builder for all fields
