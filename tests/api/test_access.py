"""Who may do what: every operation for every role, and for nobody."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib.api.doors import BASE
from chalicelib.api.routes import operations
from chalicelib.container import Container
from tests.api.client import Client
from tests.api.conftest import Bearer
from tests.api.steps import depth, register
from tests.school import TODAY, School, Section

ROLES = ("admin", "office", "service", "teacher", "staff", "guardian")


@dataclass(frozen=True)
class Case:
    """One operation: what those who may are answered; all others are answered 403."""

    method: str
    path: str
    may: frozenset[str]
    status: int = 200
    body: str | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def _case(method: str, path: str, may: str, status: int = 200, body: str | None = None) -> Case:
    return Case(method, path, frozenset(ROLES) if may == "all" else frozenset(may.split()), status, body)


# The teacher is Ann, who teaches the section and submitted the job.
CASES = [
    _case("POST", "/mark", "teacher office admin service", 202, "register"),
    _case("POST", "/staff/mark", "office admin", 202, "staff"),
    _case("GET", "/jobs/{job_id}", "teacher office admin"),
    _case("GET", "/jobs", "office admin"),
    _case("DELETE", "/jobs/{job_id}", "office admin"),
    _case("POST", "/jobs/{job_id}/retry", "office admin", 409),
    _case("GET", "/queue", "office admin"),
    _case("POST", "/queue/pause", "admin"),
    _case("POST", "/queue/resume", "admin"),
    _case("GET", "/records", "teacher office admin"),
    _case("GET", "/staff/records", "office admin"),
    _case("GET", "/audit", "office admin"),
    _case("GET", "/students/{student_id}/history", "teacher office admin"),
    _case("GET", "/sections", "all"),
    # Own scope: staff who teach nothing, and guardians, have no section of their own.
    _case("GET", "/sections/{section_id}/roster", "teacher office admin service"),
    _case("GET", "/staff", "all"),
    _case("GET", "/sessions", "all"),
    _case("GET", "/periods", "all"),
    _case("GET", "/settings", "all"),
    _case("PUT", "/settings", "admin", 200, "settings"),
    _case("GET", "/settings/history", "office admin"),
    _case("POST", "/realtime/tickets", "all", 201),
]


@pytest.fixture
def bodies(school: School, maths: Section) -> dict[str, Any]:
    """A good body for each kind."""
    staff = {"date": str(TODAY), "records": [{"staff_id": school.staff(), "status": "PRESENT"}]}
    settings = {
        "attendance_mode": "DAILY", "backdate_days": 7, "allow_future_date": False, "notification_on_absent": False,
        "timezone": "UTC",
    }  # fmt: skip
    return {"register": register(maths), "staff": staff, "settings": settings}


@pytest.fixture
def ids(ann: Client, maths: Section) -> dict[str, str]:
    """Ids for the paths; the job is Ann's and waits."""
    job = ann.post("/mark", register(maths)).json["jobId"]
    return {"job_id": job, "student_id": maths.students[0], "section_id": maths.id}


def send(client: Client, case: Case, ids: dict[str, str], bodies: dict[str, Any]) -> Any:
    """The answer to a good request of this case."""
    path = case.path.format_map(ids)
    if case.method == "POST":
        return client.post(path, bodies[case.body] if case.body else None)
    if case.method == "PUT":
        return client.put(path, bodies[case.body or ""])
    return client.delete(path) if case.method == "DELETE" else client.get(path)


def test_every_operation_is_judged_here() -> None:
    """No operation is offered without a line above, but for the public ones."""
    offered = {(one.method, one.path.removeprefix(BASE)) for one in operations() if one.roles is not None}
    assert offered == {(case.method, case.path) for case in CASES}


def test_only_two_operations_are_public() -> None:
    """Health and the description; everything else needs a token."""
    public = {one.path.removeprefix(BASE) for one in operations() if one.roles is None}
    assert public == {"/health", "/openapi.json"}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_role(case: Case, role: str, bearer: Bearer, ids: dict[str, str], bodies: dict[str, Any]) -> None:
    """Those who may are answered; all others get 403 and no more."""
    client = bearer(role, "ann" if role == "teacher" else None)
    answer = send(client, case, ids, bodies)
    if role in case.may:
        assert answer.status == case.status, answer.text
    else:
        assert (answer.status, answer.code) == (403, "forbidden"), answer.text


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_token(case: Case, anyone: Client, ids: dict[str, str], bodies: dict[str, Any]) -> None:
    """401, and which scheme is asked for."""
    answer = send(anyone, case, ids, bodies)
    assert (answer.status, answer.code) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_who_may_not_is_refused_before_the_body_is_read(bearer: Bearer, anyone: Client) -> None:
    """Nobody learns from the checks of a body that he may not send."""
    assert bearer("guardian").post("/mark", raw=b"{").status == 403
    assert anyone.post("/mark", raw=b"{").status == 401


def test_a_refused_request_queues_nothing(bearer: Bearer, anyone: Client, maths: Section, container: Container) -> None:
    """Neither without a role nor without a token."""
    for client in (bearer("guardian"), bearer("staff"), bearer("teacher", "bob"), anyone):
        assert client.post("/mark", register(maths)).status in {401, 403}
    assert depth(container) == 0


BROKEN_CLAIMS = [
    pytest.param({"exp": time.time() - 60}, 401, id="expired"),
    pytest.param({"aud": "another"}, 401, id="another audience"),
    pytest.param({"iss": "another"}, 401, id="another issuer"),
    pytest.param({"tenant_id": None}, 401, id="no tenant"),
    pytest.param({"tenant_id": "*"}, 401, id="a tenant that is no UUID"),
    pytest.param({"sub": "a\0b"}, 401, id="a subject that cannot be stored"),
    pytest.param({"sub": ""}, 401, id="an empty subject"),
    pytest.param({"roles": []}, 403, id="no role"),
    pytest.param({"roles": ["headmaster"]}, 403, id="an unknown role"),
    pytest.param({"roles": "admin"}, 403, id="roles that are no list"),
]


@pytest.mark.parametrize(("claims", "status"), BROKEN_CLAIMS)
def test_a_token_that_says_too_little(claims: dict[str, Any], status: int, bearer: Bearer) -> None:
    """401 for what does not say who it is, 403 for who has no role here."""
    assert bearer("admin", **claims).get("/settings").status == status


def test_the_widest_role_counts(bearer: Bearer, school: School, maths: Section) -> None:
    """A teacher who is also of the office marks any section."""
    elsewhere = school.section(students=1)
    assert bearer("teacher", "ann").post("/mark", register(elsewhere)).status == 403
    assert bearer("teacher", "ann", roles=["teacher", "office"]).post("/mark", register(elsewhere)).status == 202


def test_the_marker_is_the_bearer(bearer: Bearer, maths: Section) -> None:
    """Nobody marks in another's name: a body that names a marker is refused."""
    answer = bearer("office").post("/mark", register(maths, marked_by="somebody else"))
    assert answer.faults == {("/marked_by", "unknown_field")}
