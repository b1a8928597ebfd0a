"""A deployment on this machine: every function out of the real zip, with a database, a queue and the world outside."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import app
from local.gateway.routes import RouteTable
from local.lambda_box import LambdaBox
from tests.aws.events import rest
from tests.aws.outside import Outside
from tests.school import TODAY, School, Section

_ROUTES = RouteTable(app.app.routes)


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a test is handed. `migrated` is what the first invocation of `migrate` answered."""

    box: LambdaBox
    outside: Outside
    school: School
    section: Section
    migrated: Any

    def ask(self, method: str, path: str, body: Any = None, *, function: str = "app", **query: str) -> tuple[int, Any]:
        """Status and body of a request of the office, through a function that is handed API Gateway's event."""
        token = self.outside.token(self.school.tenant)
        answer = self.box.invoke(function, rest(_ROUTES, method, path, token=token, body=body, query=query or None))
        return answer["statusCode"], json.loads(answer["body"])

    def mark(self, status: str = "PRESENT", *, function: str = "app") -> str:
        """The job of a register that was accepted."""
        records = [{"student_id": student, "status": status} for student in self.section.students]
        body = {"date": str(TODAY), "section_id": self.section.id, "records": records, "reason": "A test"}
        code, told = self.ask("POST", "/mark", body, function=function)
        assert code == 202, told
        return str(told["jobId"])
