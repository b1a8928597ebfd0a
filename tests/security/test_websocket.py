"""Every message of a WebSocket, said by somebody of another school about a job of theirs: as if there were none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, get_args

import pytest
from redis import Redis

import app
from chalicelib.container import Container
from chalicelib.domain.attendance import Role
from chalicelib.realtime.messages import ClientMessage
from chalicelib.realtime.posting import Message, Posted
from local.lambda_context import LocalLambdaContext
from tests.security.conftest import token
from tests.security.town import Town, keys

OURS, THEIRS = "AAAAours=", "AAAAtheirs="

JOBS = ["job", "job_waiting", "job_active", "job_failed", "job_forgotten"]
MESSAGES: list[tuple[str, dict[str, Any], str]] = [
    *(("subscribe", {"jobId": job}, "error") for job in JOBS),
    *(("unsubscribe", {"jobId": job}, "unsubscribed") for job in JOBS),
    ("subscribe", {"queue": True}, "subscribed"),
    ("unsubscribe", {"queue": True}, "unsubscribed"),
    ("ping", {}, "pong"),
]  # fmt: skip


class Heard:
    """A poster that writes down what each connection is told."""

    def __init__(self) -> None:
        self.told: dict[str, list[str]] = {OURS: [], THEIRS: []}

    def post(self, messages: Sequence[Message]) -> Posted:
        """Note them."""
        for connection, message in messages:
            self.told[connection].append(message)
        return Posted()


def happens(kind: str, connection: str, **more: Any) -> Any:
    """An event of API Gateway, and what Lambda answers."""
    handlers = {
        "CONNECT": app.websocket_connect,
        "MESSAGE": app.websocket_message,
        "DISCONNECT": app.websocket_disconnect,
    }
    context = {"connectionId": connection, "eventType": kind, "domainName": "a", "apiId": "b", "stage": "c"}
    return handlers[kind]({"requestContext": context, **more}, LocalLambdaContext())


def connect(connection: str, subject: str, tenant: str, *roles: str) -> dict[str, str]:
    """Open a connection as somebody; the ticket that did it, in a query."""
    ticket = {"ticket": token(subject, tenant, *roles).post("/realtime/tickets").json["ticket"]}
    assert happens("CONNECT", connection, queryStringParameters=ticket) == {"statusCode": 200}
    return ticket


@pytest.fixture(scope="module")
def heard(container: Container, town: Town) -> Iterator[Heard]:
    """Two connections: one of ours, who has every role, and one of theirs, who follows the queue and a job."""
    heard = Heard()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app.sessions(), "_poster", heard)
        connect(OURS, "ann", town.ours.tenant, *Role)
        connect(THEIRS, "the-admin", town.theirs.tenant, "admin")
        for what in ({"queue": True}, {"jobId": town.theirs.ids["job_waiting"]}):
            happens("MESSAGE", THEIRS, body=json.dumps({"action": "subscribe", **what}))
        assert '"subscribed"' in str(heard.told[THEIRS])
        yield heard


def say(heard: Heard, message: dict[str, Any]) -> list[str]:
    """What our connection is told to a message."""
    heard.told[OURS].clear()
    happens("MESSAGE", OURS, body=json.dumps(message))
    return list(heard.told[OURS])


def theirs_in(redis: Any, town: Town) -> dict[bytes, Any]:
    """What Redis holds of them: jobs, subscriptions, connections."""
    assert isinstance(redis, Redis)
    marks = [town.theirs.tenant, THEIRS, *(one for name, one in town.theirs.ids.items() if name.startswith("job"))]
    return {name: value for name, value in keys(redis).items() if any(mark.encode() in name for mark in marks)}


def test_every_action_is_attempted() -> None:
    """A new one must come with its own attempt."""
    actions = get_args(ClientMessage.model_fields["action"].annotation)
    assert {action for action, _, _ in MESSAGES} == set(actions)
    named = {name for _, about, _ in MESSAGES for name in about}
    assert named == ClientMessage.model_fields.keys() - {"action"}


@pytest.mark.parametrize(("action", "about", "answer"), MESSAGES)
def test_a_message_reaches_nothing_of_theirs(
    action: str, about: dict[str, Any], answer: str, heard: Heard, town: Town, container: Container
) -> None:
    """Told as of a job that nobody has, with nothing of theirs in it; what they follow, they go on following."""
    before, spoken = theirs_in(container.redis, town), list(heard.told[THEIRS])
    their, nobodys = (
        say(heard, {"action": action} | {name: ids.get(str(value), value) for name, value in about.items()})
        for ids in (town.theirs.ids, town.nobody)
    )
    assert json.loads(their[0])["type"] == answer
    for real, unknown in zip(their, nobodys, strict=True):
        assert {**json.loads(real), "jobId": ""} == {**json.loads(unknown), "jobId": ""}
    if answer == "error":
        assert json.loads(their[0])["code"] == "not_found"
    sent = town.theirs.ids.get(str(about.get("jobId")))
    assert [one for one in set(town.theirs.ids.values()) - {sent} if one in str(their)] == []
    assert theirs_in(container.redis, town) == before
    assert heard.told[THEIRS] == spoken


def test_a_ticket_of_theirs_that_was_used_opens_nothing(heard: Heard, town: Town, container: Container) -> None:
    """Whoever reads it in a log, a neighbour included; and who never had one is nobody."""
    used = connect("AAAAmore=", "the-admin", town.theirs.tenant, "admin")
    before = theirs_in(container.redis, town)
    for query in (used, {"ticket": town.theirs.tenant}, {"ticket": ""}, {}, None):
        assert happens("CONNECT", "AAAAforged=", queryStringParameters=query) == {"statusCode": 401}
    assert theirs_in(container.redis, town) == before


def test_a_connection_that_ends_takes_only_its_own_with_it(heard: Heard, town: Town, container: Container) -> None:
    """Theirs goes on."""
    before = theirs_in(container.redis, town)
    connect("AAAAbrief=", "ann", town.ours.tenant, "office")
    happens("MESSAGE", OURS, body=json.dumps({"action": "subscribe", "queue": True}))
    happens("DISCONNECT", "AAAAbrief=")
    assert theirs_in(container.redis, town) == before
