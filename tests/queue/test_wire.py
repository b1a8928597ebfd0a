"""The door to Redis: in order, and each command once."""

from __future__ import annotations

from redis import Redis

from chalicelib.queue.home import Home
from chalicelib.queue.wire import Wire, script
from tests.queue.steps import KEYS


def test_what_came_before_a_forgotten_script_is_not_carried_out_twice(redis: Redis) -> None:
    redis.script_flush()
    progress = script("progress", [KEYS.job("none")], ["token", 1])
    assert Wire(Home(redis, KEYS.ring)).send(("INCR", "before"), progress, ("INCR", "before"), progress)[0::2] == [1, 3]
    assert redis.get("before") == b"3"


def test_nothing_is_sent_for_no_command(redis: Redis) -> None:
    assert Wire(Home(redis, KEYS.ring)).send() == []
