"""Rules and registers come back from Redis as they went in."""

from __future__ import annotations

from hypothesis import given, settings

from chalicelib.cache.codec import dump_register, dump_rules, load_register, load_rules
from chalicelib.domain.register import Register
from chalicelib.domain.rules import Rules
from tests import strategies


@settings(max_examples=50, deadline=None)
@given(strategies.rules())
def test_rules_survive_the_round_trip(rules: Rules) -> None:
    """Whatever a tenant has set is judged the same from the cache as from Postgres."""
    assert load_rules(dump_rules(rules)) == rules
    assert load_rules(dump_rules(rules).encode()) == rules


@settings(max_examples=50, deadline=None)
@given(strategies.registers())
def test_registers_survive_the_round_trip(register: Register) -> None:
    """Everybody stays on the list, and may be marked by the same people on the same dates."""
    assert load_register(dump_register(register)) == register
    assert load_register(dump_register(register).encode()) == register


@settings(max_examples=25, deadline=None)
@given(strategies.registers())
def test_equal_registers_are_equal_bytes(register: Register) -> None:
    """Sets have no order, but what lies in Redis has: two fillings of the cache can be compared."""
    assert dump_register(load_register(dump_register(register))) == dump_register(register)
