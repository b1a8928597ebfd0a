"""Bodies of POST /mark and POST /staff/mark, and the answer to both."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import time
from functools import cached_property
from typing import Annotated, Any, Literal, NotRequired

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StrictInt, WithJsonSchema, with_config
from pydantic_core import PydanticCustomError, to_json
from pydantic_core.core_schema import ValidationInfo
from typing_extensions import TypedDict

from chalicelib.api.models.fields import Id, IsoDate, Sent, Text500, Told
from chalicelib.domain.job_state import JobState

MAX_RECORDS = 5_000

StatusName = Literal["PRESENT", "ABSENT", "LATE", "EXCUSED"]
Minutes = Annotated[StrictInt, Field(ge=0, le=1440)]


_TIME = re.compile("[0-9]{2}:[0-9]{2}(:[0-9]{2})?")  # fromisoformat also takes zones, fractions and fewer signs


def _parse_time(value: Any) -> Any:
    if value is None or isinstance(value, time):
        return value
    try:
        if isinstance(value, str) and _TIME.fullmatch(value):
            return time.fromisoformat(value)
    except ValueError:
        pass
    raise PydanticCustomError("invalid_time", "A time of day is written HH:MM or HH:MM:SS.")


TimeOfDay = Annotated[
    time,
    BeforeValidator(_parse_time),
    WithJsonSchema({"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$"}),
]


def _only_when_late(value: int | None, info: ValidationInfo) -> int | None:
    if value is not None and info.data.get("status", "LATE") != "LATE":
        raise PydanticCustomError("late_minutes_not_allowed", "late_minutes goes with LATE only.")
    return value


LateMinutes = Annotated[Minutes | None, Field(description="Only with LATE."), AfterValidator(_only_when_late)]


# Records are dictionaries, which Pydantic fills in half the time of objects: there may be 5,000 in a request.
class _Record(TypedDict):
    status: StatusName
    late_minutes: NotRequired[LateMinutes]
    remarks: NotRequired[Text500 | None]


@with_config(ConfigDict(extra="forbid"))
class MarkRecord(_Record):
    """One student's mark."""

    student_id: Id


@with_config(ConfigDict(extra="forbid"))
class StaffMarkRecord(_Record):
    """One staff member's mark; times are local to the tenant."""

    staff_id: Id
    check_in: NotRequired[TimeOfDay | None]
    check_out: NotRequired[TimeOfDay | None]


class _Marks(Sent):
    @property
    def records_json(self) -> bytes:
        """The records as a JSON array, the way they go to Postgres: ids in lower case, and nothing that is null."""
        if b":null" not in self._as_sent:
            return self._as_sent
        return to_json([{name: said for name, said in one.items() if said is not None} for one in self._listed()])

    def strings(self) -> int:
        """Every field beside the records is text or null; the JSON of the records is needed anyhow."""
        said = [name for name in self.model_fields_set if name != "records" and getattr(self, name) is not None]
        return len(self.model_fields_set) + len(said) + self._as_sent.count(b'"') // 2

    @cached_property
    def _as_sent(self) -> bytes:
        return to_json(self._listed())

    @abstractmethod
    def _listed(self) -> Sequence[Mapping[str, object]]:
        """The records."""


class MarkRequest(_Marks):
    """A register or a list of students to mark on one date."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "date": "2026-02-11",
                    "section_id": "0b9f6c1e-58a1-5b0f-9d0b-0d3c5a4f7e21",
                    "period_id": None,
                    "reason": None,
                    "records": [
                        {"student_id": "6f1f4a38-8b0e-5d3c-8f2e-9b1c2d3e4f50", "status": "PRESENT"},
                        {"student_id": "a2c4e6f8-1b3d-5f70-92b4-d6f8091a2b3c", "status": "ABSENT", "remarks": "Sick"},
                    ],
                }
            ]
        }
    )

    date: IsoDate
    section_id: Id | None = Field(
        default=None, description="The section whose register this is. The office may leave it out for a list."
    )
    session_id: Id | None = Field(default=None, description="The academic session; by default the one of the date.")
    period_id: Id | None = Field(default=None, description="Required in PERIOD mode, not allowed in DAILY mode.")
    reason: Text500 | None = Field(default=None, description="Why, when this corrects marks.")
    records: Annotated[list[MarkRecord], Field(min_length=1, max_length=MAX_RECORDS)]

    def _listed(self) -> list[MarkRecord]:
        return self.records


class StaffMarkRequest(_Marks):
    """Staff to mark on one date."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "date": "2026-02-11",
                    "records": [
                        {
                            "staff_id": "0f5e2d1c-3b4a-5968-8776-655443322110",
                            "status": "LATE",
                            "late_minutes": 10,
                            "check_in": "08:10",
                        }
                    ],
                }
            ]
        }
    )

    date: IsoDate
    reason: Text500 | None = None
    records: Annotated[list[StaffMarkRecord], Field(min_length=1, max_length=MAX_RECORDS)]

    def _listed(self) -> list[StaffMarkRecord]:
        return self.records


class Accepted(Told):
    """The job that will apply the marks."""

    jobId: Id  # noqa: N815 - the name that the first frontends expect
    state: JobState
    total: int
    statusUrl: str  # noqa: N815
