"""Allowances: exact bounds by the clock of Redis, each tenant and user by itself, no obstacle when Redis is away."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.retry import Retry

from chalicelib.cache import Allowances, Toll
from chalicelib.config import Rate, RateSettings
from chalicelib.errors import RateLimited, Unavailable


def of(redis: Redis, tenant: int = 100, user: int = 100) -> Allowances:
    """So many requests a minute of a tenant and of a user, and ten times as many reads."""
    return Allowances(redis, RateSettings(writes=Rate(tenant, user), reads=Rate(tenant * 10, user * 10)))


def write(allowances: Allowances, tenant: str = "oak", user: str = "ann") -> Toll:
    """What a write of Ann of Oak owes."""
    return allowances.toll(tenant, user, reads=False)


def passed(toll: Callable[[], Toll], attempts: int) -> int:
    """How many of so many requests pass."""
    return sum(not refusal(toll()) for _ in range(attempts))


def refusal(toll: Toll) -> int:
    """Seconds of Retry-After; 0 if the request passes."""
    try:
        toll.take()
    except RateLimited as error:
        return int(error.headers["Retry-After"])
    return 0


def pass_time(redis: Redis, seconds: int) -> None:
    """Have so much time passed: whatever is to come back is that much nearer."""
    for key in redis.keys("allowance:*"):
        back: Any = redis.get(key)
        redis.set(key, int(back) - seconds * 1_000_000)


@pytest.mark.parametrize("bound", [1, 2, 7, 600])
def test_so_many_pass_at_once_and_not_one_more(redis: Redis, bound: int) -> None:
    """Whoever kept still for a minute may send the requests of a minute at once."""
    allowances = of(redis, tenant=1_000_000, user=bound)
    assert passed(lambda: write(allowances), min(bound, 20)) == min(bound, 20)
    redis.set("allowance:{oak}:write:ann", _now(redis) + 60_000_000)  # as if all were taken
    assert refusal(write(allowances)) > 0


@pytest.mark.parametrize(("tenant", "user"), [(7, 1000), (1000, 7)])
def test_the_bound_is_exact_among_fifty_clients(redis: Redis, tenant: int, user: int) -> None:
    """All at once, whichever of the two bounds it is."""
    allowances = of(redis, tenant, user)
    began = _now(redis)
    with ThreadPoolExecutor(50) as clients:
        waits = list(clients.map(lambda _: refusal(write(allowances)), range(200)))
    came_back = (_now(redis) - began) * 7 // 60_000_000  # none, unless this took more than eight seconds
    assert 7 <= waits.count(0) <= 7 + came_back


@pytest.mark.parametrize("bound", [1, 7, 60, 600])
def test_whoever_waits_as_told_passes(redis: Redis, bound: int) -> None:
    """And a second earlier would not have, if it was told to wait for longer than that."""
    allowances = of(redis, user=bound, tenant=1_000)
    redis.set("allowance:{oak}:write:ann", _now(redis) + 60_000_000)
    wait = refusal(write(allowances))
    assert wait == -(-60 // bound)
    if wait > 1:
        pass_time(redis, wait - 1)
        assert refusal(write(allowances)) == 1
        pass_time(redis, 1)
    else:
        pass_time(redis, wait)
    assert refusal(write(allowances)) == 0


def test_requests_come_back_evenly(redis: Redis) -> None:
    """Of six a minute, two in twenty seconds."""
    allowances = of(redis, user=6)
    assert passed(lambda: write(allowances), 10) == 6
    pass_time(redis, 20)
    assert passed(lambda: write(allowances), 10) == 2
    pass_time(redis, 3_600)
    assert passed(lambda: write(allowances), 10) == 6


def test_one_users_flood_leaves_the_others_their_part(redis: Redis) -> None:
    """What is refused takes nothing of the tenant's, so another user passes until the tenant's bound."""
    allowances = of(redis, tenant=10, user=4)
    assert passed(lambda: write(allowances, user="ann"), 50) == 4
    assert passed(lambda: write(allowances, user="bob"), 50) == 4
    assert passed(lambda: write(allowances, user="cat"), 50) == 2
    with pytest.raises(RateLimited, match="all users of this tenant"):
        write(allowances, user="dan").take()
    with pytest.raises(RateLimited, match="this user"):
        write(allowances, user="ann").take()


def test_another_tenant_is_not_touched(redis: Redis) -> None:
    """Not even by a user of the same name."""
    allowances = of(redis, tenant=3)
    assert passed(lambda: write(allowances, "oak"), 50) == 3
    assert passed(lambda: write(allowances, "elm"), 50) == 3


def test_reads_and_writes_are_counted_apart(redis: Redis) -> None:
    """Who follows many jobs can still mark."""
    allowances = of(redis, user=1)
    assert passed(lambda: allowances.toll("oak", "ann", reads=True), 50) == 10
    assert passed(lambda: write(allowances), 50) == 1


def test_the_clock_is_that_of_redis(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Lambda whose clock is an hour ahead passes no more than the others."""
    allowances = of(redis, user=1)
    assert passed(lambda: write(allowances), 3) == 1
    hour = time.time() + 3_600
    monkeypatch.setattr(time, "time", lambda: hour)
    assert passed(lambda: write(allowances), 3) == 0


def test_a_toll_is_taken_once(redis: Redis) -> None:
    """Whoever takes it, and however often."""
    allowances = of(redis, user=2)
    toll = write(allowances)
    toll.take()
    toll.take()
    toll = write(allowances)
    toll.take_and_read("roster:{oak}", ["rules"])
    toll.take()
    assert refusal(write(allowances)) > 0


def test_what_is_read_on_the_way(redis: Redis) -> None:
    """The values in the order asked for, None for what is not there; nothing if there is nothing left to ask."""
    allowances = of(redis, user=1)
    redis.hset("roster:{oak}", mapping={"rules": "r", "r:7b": "b"})
    assert write(allowances).take_and_read("roster:{oak}", ["r:7b", "r:8a", "rules"]) == [b"b", None, b"r"]
    with pytest.raises(RateLimited):
        write(allowances).take_and_read("roster:{oak}", ["rules"])


@pytest.mark.parametrize("user", ["ann", "{elm}", "}{", "ann:write", "ä\n"])
def test_the_keys_of_a_tenant_share_a_slot_and_go_by_themselves(redis: Redis, user: str) -> None:
    """In a cluster one script touches them all, and whoever was here once leaves nothing behind."""
    write(of(redis), "oak", user).take()
    allowances = of(redis)
    allowances.toll("oak", user, reads=True).take()
    keys: Any = redis.keys("*")
    assert len(keys) == 4
    assert {key_slot(key) for key in keys} == {key_slot(b"roster:{oak}")}
    assert all(0 < redis.pttl(key) <= 60_000 for key in keys)


def test_a_server_that_lost_the_script_is_told_it_again(redis: Redis) -> None:
    """After a failover or a restart."""
    allowances = of(redis, user=2)
    for _ in range(2):
        redis.script_flush()
        write(allowances).take()
    assert refusal(write(allowances)) > 0


class TestWithoutRedis:
    """What counts is away: all may pass, and what needs Redis itself fails by itself."""

    def test_all_pass_and_it_is_not_asked_each_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A server that does not even refuse would cost each request its patience."""
        nobody = Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0))
        allowances = of(nobody, user=1)
        asked = _asked(allowances, monkeypatch)
        assert passed(lambda: write(allowances), 10) == 10
        assert len(asked) == 1

    def test_it_is_asked_again_after_a_while(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """And then it counts again."""
        allowances = of(Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0)))
        asked = _asked(allowances, monkeypatch)
        write(allowances).take()
        later = time.monotonic() + 6
        monkeypatch.setattr(time, "monotonic", lambda: later)
        write(allowances).take()
        assert len(asked) == 2

    def test_what_must_be_read_is_unavailable(self) -> None:
        """A mark cannot be judged: 503."""
        allowances = of(Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0)))
        with pytest.raises(Unavailable):
            write(allowances).take_and_read("roster:{oak}", ["rules"])

    def test_a_full_server_still_lets_read(self, redis: Redis) -> None:
        """It refuses to count, not to read: whether a mark finds room is the queue's to say."""
        allowances = of(redis, user=1)
        redis.hset("roster:{oak}", "rules", "r")
        redis.config_set("maxmemory", "1")
        try:
            write(allowances).take()
            assert write(of(redis)).take_and_read("roster:{oak}", ["rules"]) == [b"r"]
        finally:
            redis.config_set("maxmemory", "0")


def _now(redis: Redis) -> int:
    seconds, microseconds = redis.time()
    return int(seconds) * 1_000_000 + int(microseconds)


def _asked(allowances: Allowances, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Each time that Redis is asked."""
    asked: list[Any] = []
    run = allowances._run

    def note(*arguments: Any) -> Any:
        asked.append(arguments)
        return run(*arguments)

    monkeypatch.setattr(allowances, "_run", note)
    return asked
