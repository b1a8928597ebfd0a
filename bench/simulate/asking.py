"""A client of our app in this process: sends a register, asks for a job."""

from __future__ import annotations

import json
from collections.abc import Iterable

from bench.service import JOB, Service, invoke, post_event


def sent(service: Service, body: str) -> str:
    """The id of the job that was accepted."""
    answer = invoke(service.app, post_event(body, service.headers))
    if answer["statusCode"] != 202:
        raise RuntimeError(f"refused: {answer['body']}")
    return str(json.loads(answer["body"])["jobId"])


def asked(service: Service, jobs: Iterable[str]) -> None:
    """Each job is told."""
    for job_id in jobs:
        event = post_event("", service.headers) | {
            "resource": JOB, "path": JOB.replace("{job_id}", job_id), "httpMethod": "GET", "body": None,
            "pathParameters": {"job_id": job_id},
        }  # fmt: skip
        event["requestContext"] |= {"httpMethod": "GET", "resourcePath": JOB}
        if invoke(service.app, event)["statusCode"] != 200:
            raise RuntimeError("the job was not told")
