"""A ticket opens one WebSocket, once, soon; nothing else does."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from redis import Redis
from websockets.exceptions import InvalidStatus

import app
from chalicelib.domain.attendance import Role
from chalicelib.services.tickets import LIFE_S
from tests.realtime.client import Live, wait_until
from tests.realtime.conftest import Bearer, Person


def refused(url: str) -> int:
    """The status by which a handshake is refused."""
    with pytest.raises(InvalidStatus) as no, Live(url):
        pytest.fail("it was opened")
    return no.value.response.status_code


@pytest.mark.parametrize("role", sorted(Role))
def test_any_role_gets_a_ticket(bearer: Bearer, role: str) -> None:
    """And the URL that it opens holds it, good for half a minute."""
    told = bearer(role).ticket()
    assert told.keys() == {"ticket", "url", "expires_in"}
    assert told["url"].startswith("ws://127.0.0.1:")
    assert told["url"].endswith(f"/ws?ticket={told['ticket']}")
    assert told["expires_in"] == 30
    with Live(told["url"]) as live:
        assert live.ask(action="ping") == {"type": "pong"}


def test_without_a_token_there_is_no_ticket(gateway: str) -> None:
    """401, as anywhere in the API."""
    answer = httpx.post(f"{gateway}/realtime/tickets", trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


def test_a_ticket_is_good_once(ann: Person) -> None:
    """Who reads it in a log comes too late, also while the connection that it opened is open."""
    url = ann.ticket()["url"]
    with Live(url):
        assert refused(url) == 401
    assert refused(url) == 401


def test_a_ticket_expires(ann: Person, redis: Redis) -> None:
    """Redis lets it go after half a minute; here a little sooner."""
    url = ann.ticket()["url"]
    [key] = redis.scan_iter("*:live:ticket:*")
    left: Any = redis.ttl(key)
    assert 0 < left <= LIFE_S
    redis.pexpire(key, 1)
    wait_until(lambda: not redis.exists(key))
    assert refused(url) == 401


def test_what_is_no_ticket_opens_nothing(ann: Person) -> None:
    """None, an empty one, a forged one, a token in its place."""
    url = ann.ticket()["url"]
    door, _, ticket = url.partition("?ticket=")
    for query in (
        "",
        "?ticket=",
        f"?ticket={ticket[:-1]}",
        f"?token={ticket}",
        f"?ticket={ann.token}",
        "?ticket=%FF%00",
    ):
        assert refused(door + query) == 401
    with Live(url):
        pass


def test_redis_holds_no_ticket_that_could_be_used(ann: Person, redis: Redis) -> None:
    """Only its digest: reading the keys is not enough to connect as somebody."""
    ticket = ann.ticket()["ticket"].encode()
    names = list(redis.scan_iter("*"))
    assert names
    assert not any(ticket in name for name in names)


@pytest.fixture
def without_websocket(gateway: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment that has none."""
    monkeypatch.delenv("WEBSOCKET_URL")
    monkeypatch.delenv("WEBSOCKET_ENDPOINT")
    app.container().close()
    app.container.cache_clear()


def test_where_there_is_no_websocket_the_way_round_is_told(ann: Person, without_websocket: None) -> None:
    """503 with a Retry-After, and what to do instead."""
    answer = ann.ask("POST", "/realtime/tickets")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "GET /jobs/{jobId}" in answer.json()["detail"]
    assert answer.headers["retry-after"].isdecimal()
