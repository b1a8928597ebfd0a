"""Which shard a tenant's jobs live in: the same for every process that is told the same numbers."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32


@dataclass(frozen=True, slots=True)
class Layout:
    """`shards` of them, over which tenants are spread by a hash of their ids.

    While the number changes, `also` is the other one, by which jobs may still, or already, lie: a tenant may then
    have a second place, where its jobs are found and drained, too.
    """

    shards: int = 1
    also: int | None = None

    def __post_init__(self) -> None:
        """Refuses a queue without a shard."""
        if self.shards < 1 or (self.also is not None and self.also < 1):
            raise ValueError("a queue has at least one shard")

    @property
    def count(self) -> int:
        """How many shards there may be jobs in."""
        return max(self.shards, self.also or 1)

    def places(self, tenant: str) -> tuple[int, ...]:
        """The shard that the tenant's new jobs go to, and the other one that may have jobs of it, if there is one."""
        if self.count == 1:
            return (0,)
        digest = crc32(tenant.encode())
        place, other = digest % self.shards, digest % (self.also or self.shards)
        return (place,) if place == other else (place, other)
