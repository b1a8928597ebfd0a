"""The application with a queue in four shards: whoever uses it does not notice, and each bell names its shard."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import app
from chalicelib.container import Container
from chalicelib.db.session import Database
from chalicelib.queue.layout import Layout
from chalicelib.services.drain import Pace
from local.lambda_context import LocalLambdaContext
from tests.api.client import Client
from tests.api.conftest import Bearer
from tests.api.steps import register
from tests.api.test_jobs import poison
from tests.school import School

Offices = dict[int, tuple[Client, School]]


class Bells:
    """The shards that were rung, in order."""

    def __init__(self) -> None:
        self.rung: list[int] = []

    def ring(self, shard: int) -> None:
        """One more."""
        self.rung.append(shard)


@pytest.fixture
def container(container: Container, monkeypatch: pytest.MonkeyPatch) -> Container:
    """The application's container, told of four shards."""
    monkeypatch.setenv("QUEUE_SHARDS", "4")
    app.container.cache_clear()
    made = app.container()
    made.drain = replace(made.drain, pace=Pace(linger_s=0))
    return made


@pytest.fixture
def bells(container: Container) -> Bells:
    """Hears who is rung for."""
    container.doorbell = bells = Bells()
    return bells


@pytest.fixture
def offices(database: Database, bearer: Bearer) -> Offices:
    """The admins of two schools that live in different shards, and the schools, by shard."""
    found: Offices = {}
    while len(found) < 2:
        school = School(database)
        found[Layout(4).places(school.tenant)[0]] = bearer("admin", tenant=school.tenant), school
    return found


def sent(office: Client, school: School) -> str:
    """The id of a job that was accepted."""
    answer = office.post("/mark", register(school.section(students=2)))
    assert answer.status == 202, answer.text
    return str(answer.json["jobId"])


def drained(event: dict[str, Any] | None) -> Any:
    """How many jobs a drain completed: the rung one, or that of every minute."""
    context = LocalLambdaContext("drain", timeout=60)
    if event is not None:
        return app.drain(event, context)["completed"]
    scheduled = {"id": "1", "detail-type": "Scheduled Event", "source": "aws.events", "detail": {}, "time": ""}
    return app.drain_schedule(scheduled | {"version": "0", "account": "1", "region": "r", "resources": []}, context)[
        "completed"
    ]


def test_each_school_rings_for_its_own_shard_and_is_drained_by_it(offices: Offices, bells: Bells) -> None:
    """The other school's job waits for its own bell, or for the minute."""
    jobs = {shard: sent(*one) for shard, one in offices.items()}
    assert bells.rung == list(offices)
    first, second = offices
    assert drained({"shard": first}) == 1
    assert offices[first][0].get(f"/jobs/{jobs[first]}").json["state"] == "completed"
    assert offices[second][0].get(f"/jobs/{jobs[second]}").json["state"] == "waiting"
    assert drained({"shard": second}) == 1


def test_the_drain_of_every_minute_takes_all_shards(offices: Offices, bells: Bells) -> None:
    """So does a bell of a release that named no shard."""
    for one in offices.values():
        sent(*one)
    assert drained(None) == 2
    for one in offices.values():
        sent(*one)
    assert drained({}) == 2


def test_pause_figures_cancel_and_retry_are_each_schools_own(
    offices: Offices, bells: Bells, container: Container
) -> None:
    """In whatever shard it lives; what must go on at once is rung for there."""
    for shard, (office, school) in offices.items():
        job = sent(office, school)
        assert office.post("/queue/pause").json["waiting"] == 1
        assert drained(None) == 0
        assert office.delete(f"/jobs/{job}").json["state"] == "cancelled"
        dead = poison(container, school, attempts=1)
        container.redis.delete(*[f"{{rollcall-{number}}}:bell" for number in (1, 2, 3)], "{rollcall}:bell")
        bells.rung.clear()
        assert office.post("/queue/resume").json["paused"] is False
        assert bells.rung == [shard]
        assert drained({"shard": shard}) == 0
        assert [one["jobId"] for one in office.get("/jobs", {"state": "failed"}).json["items"]] == [dead]
        container.redis.delete(*[f"{{rollcall-{number}}}:bell" for number in (1, 2, 3)], "{rollcall}:bell")
        assert office.post(f"/jobs/{dead}/retry").status == 202
        assert bells.rung == [shard, shard]
        assert office.get("/queue").json["waiting"] == 1
