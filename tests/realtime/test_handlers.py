"""The Lambda entry points of the WebSocket, called with the events that API Gateway documents."""

from __future__ import annotations

import json
from typing import Any

import pytest
from redis import Redis

import app
from chalicelib.container import Container
from chalicelib.domain.attendance import Role
from chalicelib.realtime.posting import Message, Posted
from chalicelib.services.actor import Actor
from local.lambda_context import LocalLambdaContext
from tests.school import new_id


def event(route: str, kind: str, **more: Any) -> dict[str, Any]:
    """An event as API Gateway's documentation shows it."""
    return {
        "requestContext": {
            "routeKey": route, "eventType": kind, "extendedRequestId": "ABCD1234=", "messageDirection": "IN",
            "requestTime": "11/Feb/2026:18:11:22 +0000", "stage": "prod", "connectedAt": 1770833482000,
            "requestTimeEpoch": 1770833482002, "identity": {"sourceIp": "192.0.2.3"}, "requestId": "ABCD1234=",
            "domainName": "abcd1234.execute-api.eu-central-1.amazonaws.com", "connectionId": "AAAA1234=",
            "apiId": "abcd1234",
        },
        "isBase64Encoded": False,
        **more,
    }  # fmt: skip


def call(handler: Any, sent: dict[str, Any]) -> dict[str, Any]:
    """What Lambda would return to API Gateway."""
    answer: dict[str, Any] = handler(sent, LocalLambdaContext())
    json.dumps(answer)
    return answer


class Heard:
    """A poster that writes down what it is given; one connection may be gone."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.gone = False

    def post(self, messages: list[Message]) -> Posted:
        """Note them."""
        assert {connection for connection, _ in messages} == {"AAAA1234="}
        self.messages += [json.loads(text) for _, text in messages]
        return Posted(gone=frozenset({"AAAA1234="} if self.gone else ()))


@pytest.fixture
def heard(container: Container, monkeypatch: pytest.MonkeyPatch) -> Heard:
    """What the connection is told: there is no gateway here, and the answers are the same."""
    poster = Heard()
    monkeypatch.setattr(app.sessions(), "_poster", poster)
    return poster


@pytest.fixture
def connected(container: Container, heard: Heard) -> Actor:
    """Somebody of the office, connected."""
    actor = Actor("the-office", new_id(), frozenset({Role.OFFICE}))
    ticket = container.tickets.issue(actor).ticket
    headers = {"Host": "abcd1234.execute-api.eu-central-1.amazonaws.com", "Upgrade": "websocket"}
    sent = event("$connect", "CONNECT", headers=headers, queryStringParameters={"ticket": ticket})
    assert call(app.websocket_connect, sent) == {"statusCode": 200}
    return actor


@pytest.mark.parametrize(
    "query", [{}, {"queryStringParameters": None}, {"queryStringParameters": {"ticket": "forged"}}]
)
def test_connect_without_a_ticket_is_refused(container: Container, query: dict[str, Any]) -> None:
    """API Gateway leaves the query out when there is none."""
    assert call(app.websocket_connect, event("$connect", "CONNECT", **query)) == {"statusCode": 401}


def test_connect_without_redis_is_refused(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    """503: the client may try again."""
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    app.container.cache_clear()
    app.sessions.cache_clear()
    sent = event("$connect", "CONNECT", queryStringParameters={"ticket": "any"})
    assert call(app.websocket_connect, sent) == {"statusCode": 503}


def test_a_message_is_answered_by_a_post(connected: Actor, heard: Heard) -> None:
    """The function itself answers 200 with no body, whatever was said."""
    for body in ('{"action": "ping"}', "what?"):
        assert call(app.websocket_message, event("$default", "MESSAGE", messageId="b", body=body)) == {
            "statusCode": 200
        }
    assert [message["type"] for message in heard.messages] == ["pong", "error"]


def test_a_message_of_an_unknown_connection_is_refused(container: Container, heard: Heard) -> None:
    """Who is not in the books cannot subscribe."""
    sent = event("$default", "MESSAGE", body='{"action": "subscribe", "queue": true}')
    assert call(app.websocket_message, sent) == {"statusCode": 200}
    assert [message["code"] for message in heard.messages] == ["unauthenticated"]


def test_a_client_that_left_before_its_answer_is_forgotten(connected: Actor, heard: Heard, redis: Redis) -> None:
    """The post meets 410."""
    heard.gone = True
    call(app.websocket_message, event("$default", "MESSAGE", body='{"action": "subscribe", "queue": true}'))
    assert not list(redis.scan_iter("*:live:*"))


def test_disconnect_forgets(connected: Actor, redis: Redis) -> None:
    """Everything; and a second time does no harm."""
    call(app.websocket_message, event("$default", "MESSAGE", body='{"action": "subscribe", "queue": true}'))
    assert len(list(redis.scan_iter("*:live:{*"))) == 3
    for _ in range(2):
        assert call(app.websocket_disconnect, event("$disconnect", "DISCONNECT")) == {"statusCode": 200}
    assert not list(redis.scan_iter("*:live:*"))


def test_a_defect_is_an_error_event_too(
    connected: Actor, heard: Heard, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The client is told no more than the code; the log has the rest."""
    monkeypatch.setattr(app.sessions(), "_jobs", None)
    sent = event("$default", "MESSAGE", body=json.dumps({"action": "subscribe", "jobId": new_id()}))
    assert call(app.websocket_message, sent) == {"statusCode": 200}
    assert [message["code"] for message in heard.messages] == ["internal_error"]
    assert "NoneType" in caplog.text
    assert "NoneType" not in json.dumps(heard.messages)
