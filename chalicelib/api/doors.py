"""The doors of the API: which method on which path leads to which handler. A room is loaded when somebody first knocks.

To load all rooms took as long as all else that a start takes, and a request asks for one. Method and path of an
operation are said here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from chalice.app import Chalice, Response

if TYPE_CHECKING:
    from chalicelib.api.router import Router

BASE = "/api/v1/school/attendance"


class Door(NamedTuple):
    """`path` goes below BASE; `room` is a module of `chalicelib.api.routes`, `handler` a function in it."""

    method: str
    path: str
    room: str
    handler: str


_LIST = """
POST   /mark                           marks     mark_students
POST   /staff/mark                     marks     mark_staff
GET    /jobs/{job_id}                  jobs      get_job
GET    /jobs                           jobs      list_jobs
DELETE /jobs/{job_id}                  jobs      cancel_job
POST   /jobs/{job_id}/retry            jobs      retry_job
GET    /queue                          queue     get_queue
POST   /queue/pause                    queue     pause_queue
POST   /queue/resume                   queue     resume_queue
POST   /realtime/tickets               realtime  create_ticket
GET    /records                        records   list_records
GET    /staff/records                  records   list_staff_records
GET    /audit                          records   list_audit
GET    /students/{student_id}/history  records   student_history
GET    /sections                       rosters   list_sections
GET    /sections/{section_id}/roster   rosters   section_roster
GET    /staff                          rosters   list_staff
GET    /sessions                       rosters   list_sessions
GET    /periods                        rosters   list_periods
GET    /settings                       settings  get_settings
PUT    /settings                       settings  put_settings
GET    /settings/history               settings  settings_history
GET    /health                         health    health
GET    /openapi.json                   health    openapi
"""
DOORS = tuple(Door(*line.split()) for line in _LIST.strip().splitlines())
"""In the order of the documentation."""


def open_doors(app: Chalice, router: Callable[[], Router]) -> None:
    """Route every door of `app`, and the preflights of browsers, to `router`, which is made at the first request."""
    for door in DOORS:
        _open(app, door.method, door.path, door.handler, lambda *asked, door=door: router().answer(door, *asked))
    for path in dict.fromkeys(door.path for door in DOORS):
        here = [door for door in DOORS if door.path == path]
        _open(app, "OPTIONS", path, "preflight", lambda *asked, here=here: router().preflight(here, *asked))


def _open(app: Chalice, method: str, path: str, name: str, answer: Callable[[Any, dict[str, str]], Response]) -> None:
    def view(**ids: str) -> Response:
        return answer(app.current_request, ids)

    view.__name__ = name
    # Chalice would answer a wrong media type itself, but not with a problem document: so every type comes here.
    app.route(BASE + path, methods=[method], name=name, content_types=[])(view)
