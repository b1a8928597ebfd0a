"""Whom the tokens of a tenant name: people of its roster, one for each role."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from chalicelib.db.session import Database
from chalicelib.domain.attendance import Role

_TEACHER = text("""
select m.source_id
from staff_member as m
join teaching as t on t.tenant_id = m.tenant_id and t.staff_id = m.id and t.role = 'teacher'
join section as s on s.tenant_id = t.tenant_id and s.id = t.section_id and s.active
where m.tenant_id = :tenant and m.active
group by m.source_id
having count(distinct s.id) < (select count(*) from section where tenant_id = :tenant and active) or count(*) = 1
order by bool_or(s.kind = 'homeroom') desc, m.source_id
limit 1
""")

_OFFICE = text("""
select source_id from staff_member
where tenant_id = :tenant and active and job ilike '%administrator'
order by job <> 'siteAdministrator', source_id limit 1
""")

_PRINCIPAL = text("""
select source_id from staff_member
where tenant_id = :tenant and active and (job = 'principal' or job ilike '%administrator')
order by job <> 'principal', source_id limit 1
""")

_STAFF = text("""
select source_id from staff_member as m
where tenant_id = :tenant and active
order by exists (select from teaching as t where t.tenant_id = m.tenant_id and t.staff_id = m.id),
         job <> 'counselor', source_id
limit 1
""")

_GUARDIAN = text("select source_id from guardian where tenant_id = :tenant and active order by source_id limit 1")


def find_bearers(database: Database, tenant_id: str) -> dict[str, str]:
    """The `sub` of each role's token: source ids; where a roster has nobody for a role, the role's own name.

    The teacher is somebody who teaches some sections, not all, and a homeroom if there is one.
    """
    with database.transaction(tenant_id) as connection:
        found = {
            Role.ADMIN: _first(connection, _PRINCIPAL, tenant_id),
            Role.OFFICE: _first(connection, _OFFICE, tenant_id),
            Role.SERVICE: "student-information-system",
            Role.TEACHER: _first(connection, _TEACHER, tenant_id),
            Role.STAFF: _first(connection, _STAFF, tenant_id),
            Role.GUARDIAN: _first(connection, _GUARDIAN, tenant_id),
        }
    return {role.value: subject or role.value for role, subject in found.items()}


def _first(connection: Connection, query: Any, tenant_id: str) -> str | None:
    found = connection.scalar(query, {"tenant": tenant_id})
    return str(found) if found is not None else None
