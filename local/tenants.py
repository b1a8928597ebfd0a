"""Tenants by the names that people call them, for commands; in an outage of Postgres ids must do."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text

from chalicelib.container import Container
from chalicelib.db.ids import tenant_id
from chalicelib.errors import NotFound, Unavailable
from local.faults import StackFault


def find_tenant(container: Container, name: str) -> str:
    """The id of the tenant that is called `name`, or has that id. Raises StackFault if there is none."""
    key = name.lower() if _is_uuid(name) else tenant_id(name)
    try:
        container.rosters.rules(key)
    except NotFound:
        raise StackFault(f"There is no tenant {name!r}.") from None
    except Unavailable:
        pass  # who pauses a queue in an outage is not kept from it because the spelling cannot be checked
    return key


def tenant_names(container: Container, ids: Collection[str]) -> dict[str, str]:
    """The names of tenants by their ids; those that cannot be found out are left out."""
    known = [one for one in ids if _is_uuid(one)]
    try:
        with container.database.transaction(*known) as connection:
            return {str(key): str(name) for key, name in connection.execute(text("select tenant_id, name from tenant"))}
    except Unavailable:
        return {}


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
