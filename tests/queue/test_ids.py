"""Job ids."""

from __future__ import annotations

from itertools import pairwise
from uuid import RFC_4122, UUID

from chalicelib.queue.ids import JobIds

NOON_NS = 1_770_811_200_000 * 1_000_000


def test_an_id_is_a_uuid_of_version_7_that_opens_with_its_milliseconds() -> None:
    job_id = JobIds(lambda: NOON_NS)()
    parsed = UUID(job_id)
    assert str(parsed) == job_id
    assert (parsed.version, parsed.variant) == (7, RFC_4122)
    assert parsed.int >> 80 == NOON_NS // 1_000_000


def test_ids_of_one_millisecond_grow_even_past_what_its_counter_holds() -> None:
    new_id = JobIds(lambda: NOON_NS)
    ids = [new_id() for _ in range(10_000)]
    assert all(a < b for a, b in pairwise(ids))
    assert {UUID(one).version for one in ids} == {7}


def test_ids_grow_when_the_clock_steps_back() -> None:
    instants = iter([NOON_NS, NOON_NS - 3_600 * 10**9, NOON_NS + 10**9])
    new_id = JobIds(lambda: next(instants))
    ids = [new_id() for _ in range(3)]
    assert ids == sorted(set(ids))


def test_two_processes_do_not_make_the_same_id() -> None:
    one, other = JobIds(lambda: NOON_NS), JobIds(lambda: NOON_NS)
    assert not {one() for _ in range(1_000)} & {other() for _ in range(1_000)}
