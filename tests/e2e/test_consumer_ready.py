"""A consumer tells when it drains: who waits for that has jobs written at once. One that has ended is told of."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.consumer import ConsumerProcess
from local.faults import StackFault
from local.stack import Stack
from tests.e2e.conftest import LONG_S

pytestmark = pytest.mark.e2e


def test_a_start_can_be_waited_for(stack: Stack) -> None:
    """`start_consumer` returns at once, `wait_ready` when this consumer drains, whatever earlier ones have logged."""
    stack.start_consumer()
    assert stack.wait_ready(LONG_S)
    before = stack.consumer.pid
    stack.kill_consumer()
    stack.start_consumer()
    assert not stack.wait_ready(0), "it cannot have loaded yet"
    assert stack.wait_ready(LONG_S)
    assert stack.consumer.pid != before
    assert stack.wait_ready(0), "it stays ready"


def test_a_consumer_that_was_killed_is_not_waited_for(stack: Stack) -> None:
    stack.kill_consumer()
    try:
        with pytest.raises(StackFault, match="The consumer has ended"):
            stack.wait_ready(LONG_S)
    finally:
        stack.start_consumer()


def test_a_consumer_that_cannot_start_says_why(tmp_path: Path) -> None:
    """The wait is over when it ends; an older consumer's words in the same log are not its own."""
    log = tmp_path / "consumer.log"
    log.write_text("Consumer 1 is ready.\n")
    consumer = ConsumerProcess({"DATABASE_URL": "", "REDIS_URL": ""}, log)
    consumer.start()
    try:
        assert not consumer.wait_ready(LONG_S)
        assert not consumer.running
        assert consumer.said() == "Error: set DATABASE_URL and REDIS_URL; `make dev` has a consumer already.\n"
    finally:
        consumer.stop()
