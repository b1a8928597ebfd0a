"""Two schools with everything in them: rosters, marks, changes, jobs in each state; and what can be seen of it all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from redis import Redis
from sqlalchemy import Engine, text

from chalicelib.container import Container
from chalicelib.db.session import Database
from chalicelib.db.tables import metadata
from chalicelib.queue import Lane, NewJob, new_job_id
from tests.api.client import Client
from tests.api.steps import Drain, mark, records
from tests.school import TODAY, School, new_id

Ids = Mapping[str, str]
"""Ids and words that one school has and no other: sections, people, jobs by their state, cursors by their list."""

Token = Callable[..., Client]

LISTS = (
    "/records", "/staff/records", "/audit", "/settings/history", "/sections", "/staff", "/sessions", "/periods",
)  # fmt: skip
"""Lists whose cursors hold keys of rows; that of /jobs is a job's id."""


@dataclass(frozen=True)
class Side:
    """One school, by what names it and what is in it."""

    ids: dict[str, str]

    @property
    def tenant(self) -> str:
        """Its tenant."""
        return self.ids["tenant"]


@dataclass(frozen=True)
class Town:
    """Our school and theirs, and ids that nobody has."""

    ours: Side
    theirs: Side
    nobody: Ids


def build(container: Container, database: Database, token: Token) -> Town:
    """Both schools, ours first, so that their jobs and nobody's are alike newer than ours."""
    sides = [_history(School(database), container, token) for _ in range(2)]
    ours, theirs = sides
    for side in sides:
        side.ids["job_active"] = _send(side, token, side.ids["key"])
    container.queue.claim(max_jobs=9, max_records=9, lease_ms=3_600_000)
    for side in (ours, theirs, theirs):  # not as many here as there: a sum of both would be seen
        side.ids["job_waiting"] = _send(side, token)
    nobody = {name: new_job_id() if name.startswith("job") else new_id() for name in theirs.ids}
    return Town(ours, theirs, nobody)


def _history(school: School, container: Container, token: Token) -> Side:
    """A school in which marks, settings and staff were marked and changed, by jobs that are done, dead, forgotten."""
    tenant, remark = school.tenant, f"remark-{school.tenant}"
    section, period, session = school.section(2, teachers=["ann"]), school.period(), school.session(TODAY, TODAY)
    school.section(1)
    school.period(2)
    staff, other = school.staff(f"staff-{tenant}"), school.staff()
    ids = {
        "tenant": tenant, "section": section.id, "student": section.students[0], "staff": staff, "session": session,
        "period": period, "actor": f"office-{tenant}", "key": f"key-{tenant}", "remark": remark,
    }  # fmt: skip
    office = token(ids["actor"], tenant, "admin")
    drain: Drain = lambda: container.drain.run(lambda: 60_000, linger_s=0)  # noqa: E731 - as the API's tests have it
    for days in (3, 4, 7):
        assert office.put("/settings", office.get("/settings").json | {"backdate_days": days}).status == 200
    for job, status in (("job", "PRESENT"), ("job", "ABSENT"), ("job", "LATE"), ("job_forgotten", "EXCUSED")):
        listed = records(section.students, status, remarks=remark)
        ids[job] = mark(office, drain, {"date": str(TODAY), "section_id": section.id, "records": listed})["jobId"]
        people = [{"staff_id": one, "status": status} for one in (staff, other)]
        mark(office, drain, {"date": str(TODAY), "records": people}, "/staff/mark")
    dead = NewJob(new_job_id(), tenant, "student", Lane.BULK, 1, b"no JSON", "{}", ids["actor"], max_attempts=1)
    container.queue.enqueue(dead)
    drain()
    _forget(container, ids["job_forgotten"])
    assert office.get("/jobs").status == 200  # takes what was forgotten off its list
    cursors = {f"cursor of {path}": office.get(path, {"limit": 1}).json["next_cursor"] for path in LISTS}
    assert all(cursors.values()), cursors
    return Side(ids | cursors | {"job_failed": dead.id})


def _send(side: Side, token: Token, key: str | None = None) -> str:
    """A register of the section; the job's id."""
    listed = records([side.ids["student"]], remarks=side.ids["remark"])
    body = {"date": str(TODAY), "section_id": side.ids["section"], "records": listed}
    headers = {"idempotency_key": key} if key else {}
    office = token(side.ids["actor"], side.tenant, "office")
    return str(office.send("POST", "/mark", body=json.dumps(body).encode(), headers=headers).json["jobId"])


def _forget(container: Container, job_id: str) -> None:
    """As Redis does by itself some days after a job is done."""
    for key in container.redis.scan_iter(f"*job:{job_id}"):
        container.redis.delete(key)


_EVERYTHING = text(" union all ".join(
    f"select '{name}', tenant_id::text, md5(string_agg(t::text, '|' order by t::text)) from {name} t group by tenant_id"
    for name in sorted(metadata.tables)
))  # fmt: skip


def rows(engine: Engine) -> dict[tuple[str, str], str]:
    """A digest of what each tenant has in each table, as the owner of the database sees it, past row-level security."""
    with engine.connect() as connection:
        return {(table, tenant): digest for table, tenant, digest in connection.execute(_EVERYTHING)}


def keys(redis: Redis) -> dict[bytes, bytes]:
    """All that is in Redis, by key; what is there for a moment only, such as the doorbell, is left out."""
    names = sorted(redis.scan_iter(count=1_000))
    asked: Any = redis.pipeline(transaction=False)
    for name in names:
        asked.pttl(name).dump(name)
    replies = iter(asked.execute())
    found = {name: (next(replies), next(replies)) for name in names}
    return {name: value for name, (lives, value) in found.items() if lives == -1 or lives > 60_000}
