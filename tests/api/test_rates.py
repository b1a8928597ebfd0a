"""Rate limits over the API: every operation pays once, and the flood of a tenant or a user is nobody else's."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

import app
from chalicelib.api.operations import Operation
from chalicelib.api.routes import operations
from chalicelib.container import Container
from chalicelib.db.session import Database
from tests.api.client import Answer, Client
from tests.api.conftest import Bearer
from tests.api.steps import depth, register
from tests.school import School, Section, new_id

Rates = Callable[..., Container]

OFFERED = [operation for operation in operations() if operation.roles is not None]


@pytest.fixture
def rates(container: Container, monkeypatch: pytest.MonkeyPatch) -> Rates:
    """Sets the rates: `rates(user_writes=5)`; gives the container that keeps them."""

    def set_them(**wanted: int) -> Container:
        for name, a_minute in wanted.items():
            monkeypatch.setenv(f"RATE_{name.upper()}", str(a_minute))
        container.close()
        app.container.cache_clear()
        return app.container()

    return set_them


def is_limited(answer: Answer) -> bool:
    """Whether the answer is the refusal that tells when to come again, whole as it must be."""
    if answer.status != 429:
        return False
    assert answer.code == "rate_limited"
    assert answer.headers["content-type"] == "application/problem+json"
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    return True


@pytest.mark.parametrize("one", OFFERED, ids=lambda one: one.name)
def test_every_operation_pays_once(one: Operation, bearer: Bearer, maths: Section, rates: Rates) -> None:
    """Whether it is carried out or refused, and for whatever reason; a user who may ask twice is refused the third."""
    rates(user_writes=2, user_reads=2)
    path = re.sub(r"{\w+}", new_id(), one.path)
    bodies = [b"{", b"{}", *([_good(one, maths)] if one.body else [])]
    for role in ("admin", "guardian"):
        for body in bodies:
            who = bearer(role, f"user-{new_id()}")
            answers = [who.send(one.method, path, body=body if one.body else None) for _ in range(3)]
            assert [is_limited(answer) for answer in answers] == [False, False, True], (role, body, answers)
            # The other kind of request is counted apart.
            other = who.get("/settings") if one.method != "GET" else who.post("/mark", {})
            assert not is_limited(other)


def _good(one: Operation, maths: Section) -> bytes:
    import json

    return json.dumps(register(maths)).encode() if one.path.endswith("/mark") else b"[]"


def test_what_is_public_is_not_counted_by_tenant(anyone: Client, rates: Rates) -> None:
    """Who has no token has no allowance: there the firewall counts, by address."""
    rates(user_reads=1, tenant_reads=1)
    assert {anyone.get("/health").status for _ in range(5)} == {200}
    assert {anyone.get("/settings").status for _ in range(5)} == {401}


def test_fifty_clients_at_once_queue_exactly_what_the_bound_says(maths: Section, rates: Rates, bearer: Bearer) -> None:
    """Fifty offices of a tenant send a register each, of which seven are accepted; of a refused one nothing is kept."""
    container = rates(tenant_writes=7)
    clients = [bearer("office", f"office-{number}") for number in range(50)]
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda client: client.post("/mark", register(maths)), clients))
    accepted = [answer for answer in answers if answer.status == 202]
    assert len(accepted) == 7
    assert all(is_limited(answer) for answer in answers if answer not in accepted)
    assert depth(container) == 7


def test_a_flood_of_one_tenant_is_its_own(office: Client, rates: Rates, bearer: Bearer, database: Database) -> None:
    """Another school goes on as if nothing were."""
    rates(tenant_reads=2)
    other = School(database)
    assert [office.get("/settings").status for _ in range(4)] == [200, 200, 429, 429]
    assert [bearer("office", tenant=other.tenant).get("/settings").status for _ in range(2)] == [200, 200]


def test_another_user_goes_on_until_the_tenants_bound(
    ann: Client, office: Client, maths: Section, rates: Rates
) -> None:
    """A program that runs wild does not keep the teachers from marking."""
    rates(user_writes=2, tenant_writes=3)
    assert [office.post("/mark", register(maths)).status for _ in range(4)] == [202, 202, 429, 429]
    assert [ann.post("/mark", register(maths)).status for _ in range(2)] == [202, 429]


def test_marks_can_be_sent_while_no_more_may_be_read(ann: Client, maths: Section, rates: Rates) -> None:
    """Who polls too often is told so, and marks all the same."""
    rates(user_reads=1)
    job = ann.post("/mark", register(maths)).json["jobId"]
    assert [ann.get(f"/jobs/{job}").status for _ in range(2)] == [200, 429]
    assert ann.post("/mark", register(maths)).status == 202


def test_a_key_that_was_sent_before_does_not_pass_the_bound(ann: Client, maths: Section, rates: Rates) -> None:
    """A repeat is a request like any other; the job it asks for stays."""
    container = rates(user_writes=2)
    answers = [ann.post("/mark", register(maths), idempotency_key="k") for _ in range(3)]
    assert [answer.status for answer in answers] == [202, 202, 429]
    assert depth(container) == 1
