"""The API over HTTP on servers of a test's choice, and the office of a school as its client."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import jwt

from chalicelib.api.doors import BASE
from local.front_door import front_door
from local.gateway import serve
from local.tokens import AUDIENCE, ISSUER
from tests.crash.conftest import KEY
from tests.school import TODAY, School, Section


@contextmanager
def office(school: School, variables: Mapping[str, str]) -> Iterator[httpx.Client]:
    """A client with the token of the school's office; threads may share it."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "tenant_id": school.tenant, "roles": ["office"]}
    token = jwt.encode(claims | {"exp": time.time() + 600}, KEY, "HS256")
    app, container = front_door(variables)
    try:
        with (
            serve(app) as url,
            httpx.Client(base_url=url + BASE, headers={"Authorization": f"Bearer {token}"}, timeout=30) as client,
        ):
            yield client
    finally:
        container.close()


def register(section: Section, status: str = "PRESENT") -> dict[str, Any]:
    """The body of a mark of a whole section."""
    records = [{"student_id": student, "status": status} for student in section.students]
    return {"date": str(TODAY), "section_id": section.id, "records": records}
