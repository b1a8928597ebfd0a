"""No tenant sees or touches another's rows, whatever a query forgets: the database itself holds them apart."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from chalicelib.db.engine import make_engine
from chalicelib.db.faults import sqlstate
from chalicelib.db.session import Database
from chalicelib.db.tables import metadata
from tests.conftest import APP_ROLE
from tests.school import TODAY, School, new_id

NOT_ALLOWED = "42501"
TABLES = sorted(metadata.tables)


def rows(engine: Engine, sql: str, **parameters: Any) -> list[Any]:
    """What the owner sees, behind row-level security."""
    with engine.connect() as connection:
        return list(connection.execute(text(sql), parameters))


def refused(database: Database, tenants: list[str], sql: str, **parameters: Any) -> str:
    """The SQLSTATE with which a statement of the app's role fails."""
    with pytest.raises(DBAPIError) as error, database.transaction(*tenants) as connection:
        connection.execute(text(sql), parameters)
    return sqlstate(error.value)


def mark(school: School, student: str) -> None:
    """A mark of today, as the writer's SQL would make it."""
    school.run(
        "insert into student_attendance (tenant_id, date, student_id, period_id, status, marked_by, marked_role,"
        " marked_at, submitted_at, job_id) values (:tenant, :day, :student, :nil, 'PRESENT', 'ann', 'teacher', now(),"
        " now(), :job)",
        tenant=school.tenant, day=TODAY, student=student, nil=new_id(), job=new_id(),
    )  # fmt: skip


def test_every_table_and_partition_has_row_level_security_enabled_and_forced(owner_engine: Engine) -> None:
    """Forced: the owner is bound by it as well. Alembic's own table holds nothing of a tenant."""
    found = rows(
        owner_engine,
        "select relname, relrowsecurity, relforcerowsecurity from pg_class"
        " where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname <> 'alembic_version'",
    )
    assert {name for name, _, _ in found} >= set(TABLES)
    assert [name for name, enabled, forced in found if not (enabled and forced)] == []


def test_every_table_and_partition_has_the_tenant_first_in_its_primary_key(owner_engine: Engine) -> None:
    """So that each tenant's rows lie together, and no id of one tenant can collide with another's."""
    first = dict(
        map(
            tuple,
            rows(
                owner_engine,
                "select c.relname, a.attname from pg_class c"
                " left join pg_index i on i.indrelid = c.oid and i.indisprimary"
                " join pg_am am on am.oid = c.relam and am.amname <> 'brin'"
                " left join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]"
                " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')"
                " and c.relname <> 'alembic_version'",
            ),
        )
    )
    assert set(first.values()) == {"tenant_id"}


def test_every_index_begins_with_the_tenant(owner_engine: Engine) -> None:
    """A tree without it would be read across all tenants. A block range only says where in the table to look."""
    other = rows(
        owner_engine,
        "select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid"
        " join pg_am am on am.oid = c.relam and am.amname <> 'brin'"
        " left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]"
        " where c.relnamespace = 'public'::regnamespace and a.attname is distinct from 'tenant_id'"
        " and c.relname not in ('alembic_version_pkc', 'tenant_name_key')",
    )
    assert other == []


def test_every_policy_asks_for_the_tenants_of_the_transaction(owner_engine: Engine) -> None:
    """One policy a table, for reading and writing alike; partitions have none, so nobody passes them."""
    policies = rows(
        owner_engine, "select tablename, cmd, permissive, qual from pg_policies where schemaname = 'public'"
    )
    assert sorted(name for name, *_ in policies) == TABLES
    assert {(cmd, permissive) for _, cmd, permissive, _ in policies} == {("ALL", "PERMISSIVE")}
    assert all("app.tenant_ids" in qual and "tenant_id = ANY" in qual for *_, qual in policies)


def test_the_apps_role_owns_nothing_and_cannot_bypass(owner_engine: Engine) -> None:
    """No superuser, no right to make roles or databases, no table, no schema to create in."""
    [role] = rows(owner_engine, "select * from pg_roles where rolname = :role", role=APP_ROLE)
    assert not any((role.rolsuper, role.rolbypassrls, role.rolcreaterole, role.rolcreatedb, role.rolreplication))
    owned = "select count(*) from pg_class where relowner = cast(:role as regrole) and relpersistence <> 't'"
    assert rows(owner_engine, owned, role=APP_ROLE) == [(0,)]
    assert rows(owner_engine, "select has_schema_privilege(:role, 'public', 'create')", role=APP_ROLE) == [(False,)]
    member = "select count(*) from pg_auth_members where member = (select oid from pg_roles where rolname = :role)"
    assert rows(owner_engine, member, role=APP_ROLE) == [(0,)]


def test_without_a_named_tenant_nothing_is_seen(database: Database, school: School) -> None:
    """A transaction that forgot to name one finds every table empty."""
    mark(school, school.students(1)[0])
    with database.transaction() as connection:
        counts = {name: connection.scalar(text(f"select count(*) from {name}")) for name in TABLES}
    assert set(counts.values()) == {0}


def test_a_connection_does_not_remember_the_tenants_of_the_transaction_before(
    database_url: str, school: School
) -> None:
    """The pool hands it from one tenant to the next, and perhaps to code that names none."""
    engine = make_engine(database_url)
    with Database(engine).transaction(school.tenant) as connection:
        assert connection.scalar(text("select count(*) from tenant")) == 1
    with engine.connect() as same:
        assert same.scalar(text("select count(*) from tenant")) == 0
    engine.dispose()


def test_a_transaction_sees_the_tenants_that_it_names_and_no_other(database: Database, school: School) -> None:
    """A batch names those in it."""
    second, third = School(database), School(database)
    with database.transaction(school.tenant, second.tenant) as connection:
        seen = set(connection.scalars(text("select name from tenant")))
    assert seen == {school.name, second.name}
    assert third.name not in seen


def test_a_row_of_another_tenant_is_not_found_by_its_key(database: Database, school: School) -> None:
    """Also when the query names it in full."""
    other = School(database)
    section = other.section(students=1)
    assert school.run("select * from section where tenant_id = :t and id = :id", t=other.tenant, id=section.id) == []


@pytest.mark.parametrize("table", ["section", "student", "enrollment", "teaching", "attendance_settings", "tenant"])
def test_a_row_of_another_tenant_cannot_be_changed(database: Database, school: School, table: str) -> None:
    """The update finds nothing to change, and the row stays as it was."""
    other = School(database)
    other.section(students=1, teachers=["ann"])
    with database.transaction(school.tenant) as connection:
        changed = connection.execute(
            text(f"update {table} set tenant_id = :own where tenant_id = :other"),
            {"own": school.tenant, "other": other.tenant},
        )
        assert changed.rowcount == 0


def test_a_row_cannot_be_inserted_for_another_tenant(database: Database, school: School) -> None:
    """Row-level security checks what is written, too."""
    other = School(database)
    insert = "insert into student (tenant_id, id, source_id, given_name, family_name) values (:t, :i, 'x', 'x', 'x')"
    assert refused(database, [school.tenant], insert, t=other.tenant, i=new_id()) == NOT_ALLOWED
    assert refused(database, [], insert, t=other.tenant, i=new_id()) == NOT_ALLOWED


def test_a_row_cannot_be_given_to_another_tenant(database: Database, school: School) -> None:
    """Nor taken there by an update."""
    other = School(database)
    student = school.students(1)[0]
    move = "update student set tenant_id = :other where id = :student"
    assert refused(database, [school.tenant], move, other=other.tenant, student=student) == NOT_ALLOWED


def test_a_partition_cannot_be_asked_by_its_name(database: Database, owner_engine: Engine, school: School) -> None:
    """The parent's policy guards what comes through the parent; past it there is no way."""
    mark(school, school.students(1)[0])
    partition = f"student_attendance_{TODAY:%Y_%m}"
    assert rows(owner_engine, f"select count(*) > 0 from {partition}") == [(True,)]
    for statement in ("select * from {}", "update {} set remarks = 'x'", "delete from {}", "truncate {}"):
        assert refused(database, [school.tenant], statement.format(partition)) == NOT_ALLOWED


@pytest.mark.parametrize("table", TABLES)
def test_the_apps_role_cannot_switch_the_guard_off(database: Database, school: School, table: str) -> None:
    """Only an owner can, and the app owns nothing."""
    assert refused(database, [school.tenant], f"alter table {table} disable row level security") == NOT_ALLOWED
    assert refused(database, [school.tenant], f"truncate {table}") == NOT_ALLOWED


@pytest.mark.parametrize("name", ["student_attendance", "staff_attendance", "attendance_job", "student", "section"])
def test_what_schools_must_keep_cannot_be_deleted_by_the_app(database: Database, school: School, name: str) -> None:
    """Marks, jobs and people are kept; only who belongs where, and when, may be taken back."""
    assert refused(database, [school.tenant], f"delete from {name}") == NOT_ALLOWED


def test_two_tenants_may_hold_the_same_ids(database: Database, school: School) -> None:
    """An import of the same export into two tenants must not collide."""
    other = School(database)
    student = school.students(1)[0]
    other.run(
        "insert into student (tenant_id, id, source_id, given_name, family_name) values (:t, :i, 'x', 'Lou', 'Other')",
        t=other.tenant, i=student,
    )  # fmt: skip
    assert school.run("select given_name from student where id = :i", i=student) == [("Kim",)]
    assert other.run("select given_name from student where id = :i", i=student) == [("Lou",)]


def test_a_frozen_transaction_of_the_app_is_ended(owner_engine: Engine) -> None:
    """It would hold its ledger rows against every drain that takes its jobs over."""
    with owner_engine.begin() as connection:
        settings = connection.scalar(text("select rolconfig from pg_roles where rolname = 'rollcall_app'"))
    assert "idle_in_transaction_session_timeout=30s" in settings
