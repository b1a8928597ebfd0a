"""Who marks, on what ground: the bells that are simulated."""

from __future__ import annotations

from dataclasses import dataclass

READS = 8
"""Requests before a register is sent: sections, roster, settings (docs/how-to/costs.md: some ten around each)."""
PER_REGISTER = 25
"""Students of a register."""
BELL_S = 300.0


@dataclass(frozen=True, slots=True)
class Ground:
    """What was deployed. The limits are those of infra/terraform/sizes.tf, `.chalice/config.json` and of AWS."""

    name: str
    shards: int
    redis_nodes: int
    postgres_cores: int
    postgres_sessions: int
    drains: int
    requests_a_second: int
    rest_concurrency: int = 1_000
    redis_connections: int = 65_000


@dataclass(frozen=True, slots=True)
class Bell:
    """All registers of so many students, sent within five minutes: most in the second, ever fewer to the fifth."""

    name: str
    tenants: int
    students: int
    ground: Ground
    seconds: float = BELL_S
    reads: int = READS

    @property
    def registers(self) -> int:
        """How many are sent."""
        return -(-self.students // PER_REGISTER)


SCHOOL_GROUND = Ground("school", 1, 1, 2, 150, drains=2, requests_a_second=50)
STATE_GROUND = Ground("state", 1, 1, 8, 2_000, drains=2, requests_a_second=2_000)
SHARDED_GROUND = Ground("state, 4 shards", 4, 4, 8, 2_000, drains=8, requests_a_second=2_000)

BELLS = (
    Bell("school", 1, 1_000, SCHOOL_GROUND),
    Bell("district", 100, 50_000, SCHOOL_GROUND),
    Bell("district", 100, 50_000, STATE_GROUND),
    Bell("state", 10_000, 1_000_000, STATE_GROUND),
    Bell("state", 10_000, 1_000_000, SHARDED_GROUND),
)
