"""Every operation, asked with a good token of one school for what belongs to another: refused, and no trace is left.

The answer is the one that somebody gets who asks for what nobody has; a list holds nothing of theirs. A new operation
without an attempt here fails `test_every_operation_is_attempted`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import Engine

from chalicelib.api.doors import BASE
from chalicelib.api.operations import Operation
from chalicelib.api.routes import operations
from chalicelib.container import Container
from chalicelib.domain.attendance import Role
from tests.api.client import Answer, Client
from tests.school import TODAY
from tests.security.conftest import token
from tests.security.town import LISTS, Ids, Town, keys, rows


@dataclass(frozen=True)
class Attempt:
    """A request for something of theirs. `their X` and `our X`, as a whole value, stand for ids and words of Town.

    `at` fills the path; `writes` says that it is lawful, and changes our own school alone.
    """

    method: str
    path: str
    status: int
    about: str = ""
    at: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    writes: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.about}".strip()

    @property
    def has_twin(self) -> bool:
        """Whether it can be asked of nobody: cursors are made by the API alone, and what writes is no question."""
        return not self.writes and "cursor of" not in str(self.query)

    def send(self, client: Client, their: Ids, our: Ids) -> Answer:
        """Ask, with these in place of theirs and ours."""

        def fill(value: Any) -> Any:
            if isinstance(value, dict | list):
                pairs = value.items() if isinstance(value, dict) else enumerate(value)
                filled = {key: fill(one) for key, one in pairs}
                return filled if isinstance(value, dict) else list(filled.values())
            whose, _, name = value.partition(" ") if isinstance(value, str) else ("", "", "")
            return {"their": their, "our": our}[whose][name] if whose in {"their", "our"} else value

        path = self.path[: self.path.find("{")] + fill(self.at) + self.path.partition("}")[2] if self.at else self.path
        body = None if self.body is None else json.dumps(fill(self.body)).encode()
        return client.send(self.method, path, query=fill(self.query), body=body, headers=fill(self.headers))


def register(**fields: Any) -> dict[str, Any]:
    """A register of ours, but for these fields."""
    own = [{"student_id": "our student", "status": "PRESENT"}]
    return {"date": str(TODAY), "section_id": "our section", "records": own} | fields


THEIR_STUDENT = [{"student_id": "our student", "status": "LATE"}, {"student_id": "their student", "status": "LATE"}]
THEIR_STAFF = {"date": str(TODAY), "records": [{"staff_id": "their staff", "status": "LATE"}]}
SETTINGS = {
    "attendance_mode": "DAILY", "backdate_days": 9, "allow_future_date": True, "notification_on_absent": False,
    "timezone": "UTC",
}  # fmt: skip
JOBS = ["job", "job_waiting", "job_active", "job_failed", "job_forgotten"]


def cursor(path: str) -> dict[str, str]:
    """The query for a place in their list."""
    return {"cursor": f"their cursor of {path}", "limit": "50"}


ATTEMPTS = [
    Attempt("POST", "/mark", 404, "their register", body=register(section_id="their section", records=THEIR_STUDENT)),
    Attempt("POST", "/mark", 404, "our students in their section", body=register(section_id="their section")),
    Attempt("POST", "/mark", 422, "their student in our section", body=register(records=THEIR_STUDENT)),
    Attempt("POST", "/mark", 422, "their student in a list", body=register(section_id=None, records=THEIR_STUDENT)),
    Attempt("POST", "/mark", 404, "their academic session", body=register(session_id="their session")),
    Attempt("POST", "/mark", 404, "their period", body=register(period_id="their period")),
    Attempt("POST", "/mark", 422, "their tenant in the body", body=register(tenant_id="their tenant")),
    Attempt("POST", "/mark", 422, "in their name", body=register(marked_by="their actor")),
    Attempt("POST", "/mark", 202, "their key", body=register(), headers={"idempotency-key": "their key"}, writes=True),
    Attempt("POST", "/staff/mark", 422, "their staff", body=THEIR_STAFF),
    *(Attempt("GET", "/jobs/{job_id}", 404, job, f"their {job}") for job in JOBS),
    *(Attempt("GET", "/jobs/{job_id}", 404, f"{job}, waiting", f"their {job}", {"wait": "0.1"}) for job in JOBS[:2]),
    *(Attempt("DELETE", "/jobs/{job_id}", 404, job, f"their {job}") for job in JOBS),
    *(Attempt("POST", "/jobs/{job_id}/retry", 404, job, f"their {job}") for job in JOBS),
    Attempt("GET", "/jobs", 200, "after their job", query={"cursor": "their job_waiting"}),
    Attempt("GET", "/jobs", 200, "after their dead job", query={"cursor": "their job_failed", "state": "failed"}),
    Attempt("GET", "/queue", 200),
    Attempt("POST", "/queue/pause", 200, writes=True),
    Attempt("POST", "/queue/resume", 200, writes=True),
    Attempt("POST", "/realtime/tickets", 201, writes=True),
    Attempt("GET", "/records", 404, "of their section", query={"section_id": "their section"}),
    Attempt("GET", "/records", 200, "of their student", query={"student_id": "their student"}),
    Attempt("GET", "/staff/records", 200, "of their staff", query={"staff_id": "their staff"}),
    Attempt("GET", "/audit", 200, "of their student", query={"student_id": "their student"}),
    Attempt("GET", "/audit", 200, "of their staff", query={"staff_id": "their staff"}),
    Attempt("GET", "/audit", 200, "by their office", query={"actor": "their actor"}),
    Attempt("GET", "/students/{student_id}/history", 404, at="their student"),
    Attempt("GET", "/students/{student_id}/history", 200, "their cursor", "our student", cursor("/records")),
    Attempt("GET", "/sections/{section_id}/roster", 404, at="their section"),
    Attempt("GET", "/sections/{section_id}/roster", 200, "their period", "our section", {"period_id": "their period"}),
    *(Attempt("GET", path, 200, "from their cursor", query=cursor(path)) for path in LISTS),
    Attempt("GET", "/settings", 200),
    Attempt("PUT", "/settings", 200, body=SETTINGS, writes=True),
    Attempt("PUT", "/settings", 422, "their tenant in the body", body=SETTINGS | {"tenant_id": "their tenant"}),
    Attempt("GET", "/health", 200),
    Attempt("GET", "/openapi.json", 200),
]


def test_every_operation_is_attempted() -> None:
    """Each method on each path has an attempt above; a new one must come with its own."""
    offered = {(one.method, one.path.removeprefix(BASE)) for one in operations()}
    assert {(attempt.method, attempt.path) for attempt in ATTEMPTS} == offered


@dataclass(frozen=True)
class World:
    """Both schools, and all that is kept of them."""

    town: Town
    engine: Engine
    redis: Redis

    def kept(self, *, of_ours: bool) -> dict[Any, Any]:
        """Everything in Postgres and Redis, or what is theirs of it; not our own cache, which fills as it is asked."""
        ours, theirs = self.town.ours, self.town.theirs
        found: dict[Any, Any] = {**rows(self.engine), **keys(self.redis)}
        found.pop(f"roster:{{{ours.tenant}}}".encode(), None)
        if of_ours:
            return found
        marks = {one for name, one in theirs.ids.items() if name == "tenant" or name.startswith("job")}
        return {name: digest for name, digest in found.items() if any(mark in str(name) for mark in marks)}


@pytest.fixture(scope="module")
def world(town: Town, owner_engine: Engine, container: Container) -> World:
    """Both schools, and the servers behind the application."""
    redis = container.redis
    assert isinstance(redis, Redis)
    return World(town, owner_engine, redis)


def told(answer: Answer) -> str:
    """All that an answer tells: its body, its headers, and what its cursor holds."""
    cursor = answer.json.get("next_cursor") or ""
    return f"{answer.text} {dict(answer.headers)} {base64.urlsafe_b64decode(cursor + '=' * (-len(cursor) % 4))!r}"


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=str)
def test_what_is_theirs_is_not_told_not_touched_and_not_there(attempt: Attempt, world: World, stranger: Client) -> None:
    """By status, by what is told, by what stays behind; and as for somebody who asks for what nobody has."""
    town = world.town
    before = world.kept(of_ours=not attempt.writes)
    answer = attempt.send(stranger, town.theirs.ids, town.ours.ids)
    assert answer.status == attempt.status, answer.text
    assert world.kept(of_ours=not attempt.writes) == before
    sent = {str(attempt.at), *attempt.query.values()}
    unknown = {one for name, one in town.theirs.ids.items() if f"their {name}" not in sent}
    assert [one for one in unknown if one in told(answer)] == []
    if attempt.has_twin:
        twin = attempt.send(stranger, town.nobody, town.ours.ids)
        assert (answer.status, without_number(answer)) == (twin.status, without_number(twin))
        assert world.kept(of_ours=True) == before


def without_number(answer: Answer) -> Any:
    """What is told, but for the number of the request and the age of a job that waits."""
    return {name: one for name, one in answer.json.items() if name not in {"instance", "oldest_waiting_ms"}}


HELD_BACK = [
    one for one in ATTEMPTS if one.method == "GET" and "cursor" not in one.query and "their" in f"{one.at} {one.query}"
]


@pytest.mark.parametrize("attempt", HELD_BACK, ids=str)
def test_to_whom_it_belongs_it_is_told(attempt: Attempt, town: Town) -> None:
    """The same request of their own admin is answered: what is refused above is there."""
    theirs = town.theirs
    answer = attempt.send(token("the-admin", theirs.tenant, "admin"), theirs.ids, theirs.ids)
    assert answer.status == 200, answer.text
    assert any(one in told(answer) for one in theirs.ids.values())


def test_the_own_queue_is_counted_alone(town: Town, stranger: Client) -> None:
    """What is paused here, or waits here, does not wait there."""
    admin = token("the-admin", town.theirs.tenant, "admin")
    before, there = stranger.get("/queue").json, admin.get("/queue").json
    assert (there["waiting"], there["active"], there["failed"], there["paused"]) == (2, 1, 1, False)
    assert stranger.post("/queue/pause").json["paused"] is True
    body = register(section_id=town.ours.ids["section"], reason="one more")
    body["records"] = [{"student_id": town.ours.ids["student"], "status": "PRESENT"}]
    assert stranger.post("/mark", body).status == 202
    assert stranger.get("/queue").json["waiting"] == before["waiting"] + 1
    assert admin.get("/queue").json | {"oldest_waiting_ms": 0} == there | {"oldest_waiting_ms": 0}
    assert stranger.post("/queue/resume").json["paused"] is False


def test_a_key_of_theirs_leads_to_no_job_of_theirs(town: Town, stranger: Client) -> None:
    """The same key makes a job here, and its repetition finds that one."""
    body = register(section_id=town.ours.ids["section"])
    body["records"] = [{"student_id": town.ours.ids["student"], "status": "PRESENT"}]
    answers = [stranger.post("/mark", body, idempotency_key=town.theirs.ids["key"]).json["jobId"] for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0] not in town.theirs.ids.values()


@pytest.mark.parametrize("operation", operations(), ids=lambda one: f"{one.method} {one.path.removeprefix(BASE)}")
def test_no_request_can_name_a_tenant(operation: Operation, world: World, stranger: Client) -> None:
    """A parameter for it is unknown on every operation, and headers that some gateways set are not looked at."""
    attempt = next(one for one in ATTEMPTS if (one.method, BASE + one.path) == (operation.method, operation.path))
    town, named = world.town, dict.fromkeys(("x-tenant-id", "tenant-id", "x-tenant"), world.town.theirs.tenant)
    before = world.kept(of_ours=True)
    for name in ("tenant_id", "tenant", "tenantId"):
        asked = Attempt(attempt.method, attempt.path, 422, at=attempt.at, query={name: "their tenant"})
        answer = asked.send(stranger, town.theirs.ids, town.ours.ids)
        assert (answer.status, answer.faults) == (422, {(name, "unknown_parameter")})
    assert world.kept(of_ours=True) == before
    if not attempt.writes:
        plain = attempt.send(stranger, town.theirs.ids, town.ours.ids)
        other = attempt.send(Client({**stranger.headers, **named}), town.theirs.ids, town.ours.ids)
        assert (plain.status, without_number(plain)) == (other.status, without_number(other))


def test_a_role_that_may_not_leaves_no_trace(world: World) -> None:
    """Every operation, with good ids of the own school, by each role that it is not for: 403 before anything else."""
    ours, before = world.town.ours, world.kept(of_ours=True)
    roles = {(one.method, one.path): one.roles for one in operations()}
    asked = 0
    for attempt in ATTEMPTS:
        allowed = roles[attempt.method, BASE + attempt.path]
        for role in set(Role) - (frozenset(Role) if allowed is None else allowed):
            answer = attempt.send(token("somebody", ours.tenant, role), ours.ids, ours.ids)
            assert (answer.status, answer.code) == (403, "forbidden"), (str(attempt), role)
            asked += 1
    assert asked > 100
    assert world.kept(of_ours=True) == before


def test_a_teacher_reaches_no_section_of_a_colleague(world: World) -> None:
    """Of the own school; a name that teaches there is nobody here."""
    ours, before = world.town.ours, world.kept(of_ours=True)
    bob = token("bob", ours.tenant, "teacher")
    for attempt in ATTEMPTS:
        answer = attempt.send(bob, ours.ids, ours.ids)
        if answer.status < 400 and attempt.path not in {"/openapi.json", "/health", "/settings", "/realtime/tickets"}:
            public = {ours.tenant, *(ours.ids[name] for name in ("session", "period"))}
            assert [one for one in set(ours.ids.values()) - public if one in told(answer)] == [], str(attempt)
    assert world.kept(of_ours=True) == before
