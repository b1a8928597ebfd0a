"""The months of student_attendance: a date outside them cannot be marked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

_ENSURE = text(
    "select coalesce(sum(ensure_attendance_partitions(first, last)), 0)"
    " from jsonb_to_recordset(cast(:spans as jsonb)) as spans (first date, last date)"
).bindparams(bindparam("spans", type_=JSONB))


def ensure_partitions(connection: Connection, spans: Iterable[tuple[date | str, date | str]]) -> int:
    """Make the months from the first to the last day (a date, or one in ISO 8601) of each span; how many were new.

    A new month holds up everybody who marks until the transaction ends, so this is the last thing to do in one.
    """
    days = sorted({(str(first), str(last)) for first, last in spans})
    return int(connection.scalar(_ENSURE, {"spans": [{"first": first, "last": last} for first, last in days]}) or 0)
