"""Who asks: the bearer of a token."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.attendance import OFFICE_ROLES, WHOLE_TENANT_ROLES, Role
from chalicelib.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Actor:
    """A verified identity: `subject` is the token's `sub`, `tenant` the UUID of the only tenant it may touch."""

    subject: str
    tenant: str
    roles: frozenset[Role]

    @property
    def role(self) -> Role:
        """The role that reaches furthest: what the audit log calls this person."""
        for role in Role:
            if role in self.roles:
                return role
        raise Forbidden("The token names no role that is known here.")

    @property
    def is_office(self) -> bool:
        """Whether everything of the tenant may be seen."""
        return bool(self.roles & OFFICE_ROLES)

    @property
    def marks_everyone(self) -> bool:
        """Whether any section, or none, may be marked."""
        return bool(self.roles & WHOLE_TENANT_ROLES)

    @property
    def sees_everyone(self) -> bool:
        """Whether reading is not narrowed to own sections."""
        return bool(self.roles & WHOLE_TENANT_ROLES)
