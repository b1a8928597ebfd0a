"""Import a roster that somebody has put into a bucket: fetched, imported, and told in JSON."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from chalicelib.services.intake import Intake
from chalicelib.services.roster_import import ImportRefused, ImportReport, RowProblem

MAX_BUNDLE = 200 * 1024 * 1024
"""Bytes of a zip; it is kept in /tmp, where Lambda has 512 MB, while it is read."""

SHOWN = 100
"""So many problems are told one by one."""


class Uploads:
    """Imports bundles out of S3, with the rights of whoever runs this."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    def run(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Import `bucket`/`key` for `tenant` (its name); `timezone` is for a new one, `strict` refuses any bad row.

        A bundle that is refused is an answer, since it would be refused again; whatever else goes wrong is raised.
        """
        try:
            bucket, key, tenant = (_text(event, name) for name in ("bucket", "key", "tenant"))
            with tempfile.TemporaryDirectory(prefix="roster-") as folder:
                path = Path(folder, "bundle.zip")
                self._fetch(bucket, key, path)
                strict, timezone = event.get("strict") is True, str(event.get("timezone") or "UTC")
                return _told(self._intake.run(path, tenant, strict=strict, timezone=timezone))
        except ImportRefused as refusal:
            return {"imported": False, "detail": refusal.detail, **_problems("problems", refusal.problems)}

    def _fetch(self, bucket: str, key: str, path: Path) -> None:
        from botocore.exceptions import ClientError

        try:
            found = self._s3.get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "NoSuchBucket"}:
                raise ImportRefused(f"There is no {key} in the bucket {bucket}.") from error
            raise
        with closing(found["Body"]) as body:  # by itself it would enter as the bare socket
            if found["ContentLength"] > MAX_BUNDLE:
                raise ImportRefused(f"{key} has {found['ContentLength']:,} bytes, more than {MAX_BUNDLE:,}.")
            with path.open("wb") as file:
                for chunk in body.iter_chunks(1024 * 1024):
                    file.write(chunk)

    @cached_property
    def _s3(self) -> Any:
        import boto3
        from botocore.config import Config

        return boto3.client("s3", config=Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard"}))


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not value:
        raise ImportRefused(f"The event must name its {name!r}.")
    return value


def _told(report: ImportReport) -> dict[str, Any]:
    return {
        "imported": True,
        "tenant_id": report.tenant_id,
        "changed": report.changed,
        "counts": {table: asdict(counts) for table, counts in report.counts.items()},
        **_problems("problems", report.problems),
        **_problems("warnings", report.warnings),
    }


def _problems(title: str, found: tuple[RowProblem, ...]) -> dict[str, Any]:
    return {title: len(found), f"{title}_shown": [str(one) for one in found[:SHOWN]]}
