"""Idempotency-Key: however often a client repeats itself, there is one job."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.container import Container
from chalicelib.db.session import Database
from chalicelib.errors import Unavailable
from chalicelib.queue import JobQueue
from tests.api.client import Client
from tests.api.conftest import Bearer
from tests.api.steps import Drain, depth, records, register
from tests.school import TODAY, School, Section


def test_the_same_key_and_body(ann: Client, maths: Section, container: Container) -> None:
    """The same job, told in the same way, on the list once."""
    first = ann.post("/mark", register(maths), idempotency_key="monday-7b")
    again = ann.post("/mark", register(maths), idempotency_key="monday-7b")
    assert (again.status, again.json, again.headers["location"]) == (202, first.json, first.headers["location"])
    assert depth(container) == 1


def test_the_body_is_what_it_says_not_how_it_is_spelt(ann: Client, maths: Section, container: Container) -> None:
    """Another order of the fields, other white space, nulls left out and ids in upper case are the same body."""
    body = register(maths, period_id=None)
    first = ann.post("/mark", body, idempotency_key="k").json["jobId"]
    turned = {name: body[name] for name in reversed(body) if name != "period_id"} | {"section_id": maths.id.upper()}
    again = ann.post("/mark", raw=json.dumps(turned, indent=4).encode(), idempotency_key="k")
    assert again.json["jobId"] == first
    assert depth(container) == 1


def test_after_the_job_has_ended(ann: Client, maths: Section, drain: Drain) -> None:
    """The repetition tells the job as it is now."""
    job = ann.post("/mark", register(maths), idempotency_key="k").json["jobId"]
    drain()
    again = ann.post("/mark", register(maths), idempotency_key="k")
    assert (again.status, again.json["jobId"], again.json["state"]) == (202, job, "completed")


CHANGES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "a status": lambda body: body | {"records": [body["records"][0] | {"status": "LATE"}, *body["records"][1:]]},
    "remarks": lambda body: body | {"records": [body["records"][0] | {"remarks": "x"}, *body["records"][1:]]},
    "one record less": lambda body: body | {"records": body["records"][1:]},
    "another order": lambda body: body | {"records": body["records"][::-1]},
    "the date": lambda body: body | {"date": str(TODAY - timedelta(days=1))},
    "the reason": lambda body: body | {"reason": "because"},
    "no section": lambda body: body | {"section_id": None},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_the_same_key_with_another_body(
    change: Callable[[dict[str, Any]], dict[str, Any]], office: Client, maths: Section, container: Container
) -> None:
    """422 idempotency_key_reused, and nothing more on the list."""
    office.post("/mark", register(maths), idempotency_key="k")
    answer = office.post("/mark", change(register(maths)), idempotency_key="k")
    assert (answer.status, answer.code) == (422, "idempotency_key_reused")
    assert depth(container) == 1


def test_students_and_staff_do_not_share_a_key(office: Client, school: School, maths: Section) -> None:
    """A key that marked students is used up for staff."""
    office.post("/mark", register(maths), idempotency_key="k")
    staff = {"date": str(TODAY), "records": [{"staff_id": school.staff(), "status": "PRESENT"}]}
    assert office.post("/staff/mark", staff, idempotency_key="k").code == "idempotency_key_reused"


def test_a_key_is_its_senders_own(ann: Client, office: Client, maths: Section) -> None:
    """Another person's equal key makes another job, and tells nothing of the first."""
    jobs = {client.post("/mark", register(maths), idempotency_key="k").json["jobId"] for client in (ann, office)}
    assert len(jobs) == 2


def test_no_key_no_memory(ann: Client, maths: Section, container: Container) -> None:
    """Without a key each request is a job."""
    for _ in range(2):
        ann.post("/mark", register(maths))
    assert depth(container) == 2


@pytest.mark.parametrize("key", ["", " ", "a b", "k" * 256, "ключ", "a\tb", "a\x7f"], ids=ascii)
def test_a_key_that_cannot_be(key: str, ann: Client, maths: Section, container: Container) -> None:
    """422, naming the header: up to 255 visible ASCII characters."""
    answer = ann.post("/mark", register(maths), idempotency_key=key)
    assert (answer.status, answer.code) == (422, "validation_failed")
    assert answer.faults == {("Idempotency-Key", "invalid_format")}
    assert depth(container) == 0


@pytest.mark.parametrize("key", ["k", "k" * 255, '"quoted"', "8e03978e-40d5-43e8-bc93-6894a57f9324"], ids=len)
def test_a_key_that_can(key: str, ann: Client, maths: Section) -> None:
    """Anything visible, with or without quotes."""
    assert ann.post("/mark", register(maths), idempotency_key=key).status == 202


def test_thirty_at_once(ann: Client, maths: Section, container: Container) -> None:
    """Thirty threads send the same key and body: one job, which all are told of."""
    ann.post("/mark", register(maths))
    before = depth(container)
    with ThreadPoolExecutor(30) as threads:
        sent = [threads.submit(ann.post, "/mark", register(maths, "LATE"), idempotency_key="rush") for _ in range(30)]
    answers = [one.result() for one in sent]
    assert {answer.status for answer in answers} == {202}
    assert len({answer.json["jobId"] for answer in answers}) == 1
    assert depth(container) - before == 1


def test_a_refused_request_does_not_use_up_its_key(ann: Client, maths: Section, container: Container) -> None:
    """What was refused for a fault may be sent again, mended, under the same key."""
    wrong = register(maths, "HERE")
    assert ann.post("/mark", wrong, idempotency_key="k").status == 422
    assert ann.post("/mark", register(maths), idempotency_key="k").status == 202
    assert depth(container) == 1


def test_settings_may_change_in_between(bearer: Bearer, database: Database, container: Container, drain: Drain) -> None:
    """The body is what the sender said: what the tenant sets meanwhile does not make it another."""
    school = School(database)
    section = school.section(students=2)
    office, admin = bearer("office", tenant=school.tenant), bearer("admin", tenant=school.tenant)
    body = register(section, reason="first day")
    job = office.post("/mark", body, idempotency_key="k").json["jobId"]
    settings = admin.get("/settings").json
    assert admin.put("/settings", settings | {"correction_reason_required": True}).status == 200
    assert office.post("/mark", body, idempotency_key="k").json["jobId"] == job
    assert depth(container) == 1


def test_an_unsafe_job_may_be_sent_again(ann: Client, maths: Section, container: Container) -> None:
    """503 for want of a replica; the same key later leads to one job, not two."""
    plain = container.queue
    container.queue = JobQueue(container.redis, min_replicas=1, wait_ms=20)
    answer = ann.post("/mark", register(maths), idempotency_key="k")
    assert (answer.status, answer.code) == (503, Unavailable.code)
    assert int(answer.headers["retry-after"]) > 0
    del container.acceptor
    container.queue = plain
    assert ann.post("/mark", register(maths), idempotency_key="k").status == 202
    assert depth(container) == 1


def test_a_key_of_a_cancelled_job(office: Client, maths: Section, container: Container) -> None:
    """Leads to the cancelled job: a repetition is not a way to bring it back."""
    job = office.post("/mark", register(maths), idempotency_key="k").json["jobId"]
    office.delete(f"/jobs/{job}")
    again = office.post("/mark", register(maths), idempotency_key="k")
    assert (again.json["jobId"], again.json["state"]) == (job, "cancelled")
    assert depth(container) == 0


def test_records_are_compared_as_they_were_meant(office: Client, maths: Section) -> None:
    """A null in a record is the same as nothing."""
    plain = register(maths)
    nulls = register(maths, records=records(maths.students, remarks=None, late_minutes=None))
    jobs = {office.post("/mark", body, idempotency_key="k").json["jobId"] for body in (plain, nulls)}
    assert len(jobs) == 1
