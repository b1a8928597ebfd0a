"""The bells of a district: 1,000 registers of 30 within a minute, and consumers that are killed at each bell."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from chalicelib.db.ids import roster_id, tenant_id
from chalicelib.domain.job_state import JobState
from local.stack import Stack
from tests.e2e.steps import drained
from tests.queue.steps import KEYS, see

SECTIONS, SIZE = 1_000, 30
CLIENTS = 50
BELLS, EVERY_S = 4, 10.0
"""Schools begin at different times: a quarter of the registers is sent at each bell, as fast as the clients can."""
RUSH_S = 0.3
TENANT = tenant_id("demo")

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


Line = Sequence[object]

BOOKS = text("""
select (select count(*) from student_attendance where tenant_id = :t) as marks,
       (select sum(version) from student_attendance where tenant_id = :t) as versions,
       (select count(*) from attendance_audit_log where tenant_id = :t) as changes,
       count(*) as jobs, sum(applied) as applied
from attendance_job where tenant_id = :t and state = 'completed'
""")


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack of this test's own, with a district for its roster."""
    write_district(tmp_path, datetime.now(UTC).date())
    with Stack(roster=tmp_path) as own:
        yield own


def test_the_bells_with_consumers_killed(
    stack: Stack, record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """30,000 marks, each at version 1, and 1,000 completed jobs: nothing lost, nothing doubled."""
    office = {"Authorization": f"Bearer {stack.token('office')}"}
    limits = httpx.Limits(max_connections=CLIENTS)
    with (
        httpx.Client(base_url=stack.url, headers=office, timeout=30, limits=limits) as api,
        ThreadPoolExecutor(CLIENTS) as clients,
    ):
        # Given a bell every ten seconds
        begun = time.monotonic()
        sending = [clients.submit(send, api, number, begun) for number in range(SECTIONS)]
        # when the consumer is killed in the rush of each
        kills = 0
        for bell in range(BELLS):
            sleep_until(begun + bell * EVERY_S + RUSH_S)
            kills += kill_at_work(stack)
        sent = [one.result() for one in sending]
    drained(stack, within_s=120)
    all_s = time.monotonic() - begun

    # then every register was accepted, and every job is completed
    jobs = [see(stack.container.queue, job_id) for job_id, _ in sent]
    assert kills >= 2
    assert len({job.id for job in jobs}) == SECTIONS
    assert {job.state for job in jobs} == {JobState.COMPLETED}
    # and each mark is there once
    with stack.owner.begin() as connection:
        books = connection.execute(BOOKS, {"t": TENANT}).one()
    every = SECTIONS * SIZE
    assert books._asdict() == {
        "marks": every, "versions": every, "changes": 0, "jobs": SECTIONS, "applied": every,
    }  # fmt: skip

    completion = [((job.finished_at or 0) - job.submitted_at) / 1_000_000 for job in jobs]
    stalls = sum(job.stalls for job in jobs)
    told = {
        "accept": figures([seconds for _, seconds in sent]),
        "completion": figures(completion),
        "all": f"done after {all_s:.1f} s, {kills} kills, {stalls} jobs that came back",
    }
    for name, value in told.items():
        record_property(name, value)
    with capsys.disabled():
        print("\nThe bells:", *(f"  {name}: {value}" for name, value in told.items()), sep="\n")


def send(api: httpx.Client, number: int, begun: float) -> tuple[str, float]:
    """A section's register, when it is its turn: the job's id, and the seconds until it was accepted."""
    sleep_until(begun + number * BELLS // SECTIONS * EVERY_S)
    students = [roster_id(TENANT, "student", f"student-{number}-{place}") for place in range(SIZE)]
    body = {
        "date": str(datetime.now(UTC).date()),
        "section_id": roster_id(TENANT, "section", f"section-{number}"),
        "records": [{"student_id": student, "status": "PRESENT"} for student in students],
    }
    started = time.perf_counter()
    answer = api.post("/mark", json=body)
    spent = time.perf_counter() - started
    assert answer.status_code == 202, answer.text
    return str(answer.json()["jobId"]), spent


def sleep_until(instant: float) -> None:
    """Sleep, unless it is past."""
    time.sleep(max(0.0, instant - time.monotonic()))


def kill_at_work(stack: Stack) -> bool:
    """SIGKILL the consumer as soon as it holds jobs, start another one, and wait until that has done these jobs, since
    who kills the same job twice makes it fail. False if no job comes any more."""
    held: list[str] = []
    soon = time.monotonic() + 5
    while not held:
        if time.monotonic() > soon:
            return False
        if stack.container.queue.counts().active:
            stack.kill_consumer()
            held = leased(stack)
            stack.start_consumer()
        time.sleep(0.002)
    deadline = time.monotonic() + 60
    while not all(see(stack.container.queue, job_id).state.finished for job_id in held):
        assert time.monotonic() < deadline, "the jobs of a killed consumer did not come back"
        time.sleep(0.1)
    return True


def leased(stack: Stack) -> list[str]:
    """The jobs in the hands of a consumer."""
    refs: list[bytes] = stack.container.redis.zrange(KEYS.leases, 0, -1)  # type: ignore[assignment]  # synchronous
    return [ref.decode().rpartition("|")[2] for ref in refs]


def figures(seconds: Sequence[float]) -> str:
    """The spread of a measure."""
    ranked = sorted(seconds)
    p50, p99 = (ranked[int(len(ranked) * share)] for share in (0.5, 0.99))
    return f"p50 {p50 * 1000:,.0f} ms, p99 {p99 * 1000:,.0f} ms, at most {ranked[-1] * 1000:,.0f} ms"


def write_district(folder: Path, today: date) -> None:
    """A OneRoster 1.2 bundle of 1,000 homerooms of 30."""
    places = [(number, place) for number in range(SECTIONS) for place in range(SIZE)]
    year = f"{today.year - 1}-01-01,{today.year + 1}-12-31".split(",")
    files: dict[str, tuple[str, Iterable[Line]]] = {
        "orgs": ("sourcedId,name,type", [("school", "The school", "school")]),
        "academicSessions": (
            "sourcedId,title,type,startDate,endDate,schoolYear",
            [("year", "The year", "schoolYear", *year, today.year)],
        ),
        "courses": ("sourcedId,title", [("home", "Homeroom")]),
        "classes": (
            "sourcedId,title,classType,courseSourcedId,schoolSourcedId,termSourcedIds",
            ((f"section-{n}", f"Room {n}", "homeroom", "home", "school", "year") for n in range(SECTIONS)),
        ),
        "users": (
            "sourcedId,givenName,familyName,primaryOrgSourcedId",
            [
                ("clerk", "Ann", "Clerk", "school"),
                *((f"student-{n}-{p}", "Kim", f"Student {n}", "school") for n, p in places),
            ],
        ),
        "roles": (
            "sourcedId,userSourcedId,roleType,role,orgSourcedId",
            [
                ("role-clerk", "clerk", "primary", "siteAdministrator", "school"),
                *((f"role-{n}-{p}", f"student-{n}-{p}", "primary", "student", "school") for n, p in places),
            ],
        ),
        "enrollments": (
            "sourcedId,classSourcedId,userSourcedId,role",
            ((f"enrolled-{n}-{p}", f"section-{n}", f"student-{n}-{p}", "student") for n, p in places),
        ),
    }
    modes = [(f"file.{name}", "bulk") for name in files]
    versions = [("manifest.version", "1.0"), ("oneroster.version", "1.2")]
    for name, (header, lines) in (files | {"manifest": ("propertyName,value", [*versions, *modes])}).items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            out = csv.writer(file)
            out.writerow(header.split(","))
            out.writerows(lines)
