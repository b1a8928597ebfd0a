"""Ids that a second import finds again: UUIDv5 of the tenant and the id that the source gives a thing."""

from __future__ import annotations

from uuid import UUID, uuid5

_ROLLCALL = UUID("5f0b2a3e-6f0c-5c1e-9d7a-0a7c0e8c1b11")


def tenant_id(name: str) -> str:
    """The id of the tenant called `name` (a slug such as `grand-bend`)."""
    return str(uuid5(_ROLLCALL, name))


def roster_id(tenant: str, kind: str, source_id: str) -> str:
    """The id of the thing of a `kind` (a table's name) that the tenant's source calls `source_id`."""
    return str(uuid5(UUID(tenant), f"{kind}:{source_id}"))
