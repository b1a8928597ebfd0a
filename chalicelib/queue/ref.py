"""A ref: the small string on a list that tells which keys a job lives under, and how large it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Lane(StrEnum):
    """The two lists of a tenant; a register somebody waits for goes before an import."""

    INTERACTIVE = "interactive"
    BULK = "bulk"

    @property
    def other(self) -> Lane:
        """The tenant's other lane."""
        return Lane.BULK if self is Lane.INTERACTIVE else Lane.INTERACTIVE


@dataclass(frozen=True, slots=True)
class JobRef:
    """`<lane>|<size>|<tenant>|<job id>`; a tenant may hold a `|`, the others never do. `size` is in records."""

    lane: Lane
    size: int
    tenant: str
    id: str

    @classmethod
    def parse(cls, text: bytes) -> JobRef:
        """The ref that `encode` wrote. Raises ValueError for anything else."""
        lane, size, rest = text.decode().split("|", 2)
        tenant, job_id = rest.rsplit("|", 1)
        return cls(Lane(lane), int(size), tenant, job_id)

    def encode(self) -> str:
        """The ref as it stands on the list."""
        return f"{self.lane}|{self.size}|{self.tenant}|{self.id}"
