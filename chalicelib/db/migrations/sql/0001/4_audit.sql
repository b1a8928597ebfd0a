-- The log is written by the database, so that no path can leave it out, and can only grow.

-- An entry keeps what stood before with its marker and time, so that the first marking can always be told.
-- Transition tables have no statistics: with nested loops on, 5,000 changes took 20 times as long. Ids share the first 96
-- bits of one UUIDv7, since the random part of each would be asked of the system.
create function log_student_attendance_change() returns trigger
language plpgsql security definer set search_path = pg_catalog, public set enable_nestloop = off as $$
declare
    base text := left(uuidv7()::text, 28);
begin
    insert into attendance_audit_log
        (id, tenant_id, student_id, date, period_id, before, after, reason, actor_id, actor_role, at, job_id)
    select (base || lpad(to_hex(row_number() over ()), 8, '0'))::uuid, tenant_id, student_id, date, period_id,
           row(o.status, o.late_minutes, o.remarks, null, null, o.marked_by, o.marked_at, o.job_id)::marking,
           row(n.status, n.late_minutes, n.remarks, null, null)::mark_said,
           n.reason, n.marked_by, n.marked_role, n.marked_at, n.job_id
    from old_rows o join new_rows n using (tenant_id, student_id, date, period_id)
    where (o.status, o.late_minutes, o.remarks, o.excusal, o.code)
          is distinct from (n.status, n.late_minutes, n.remarks, n.excusal, n.code);
    return null;
end $$;

create trigger student_attendance_is_audited after update on student_attendance
    referencing old table as old_rows new table as new_rows
    for each statement execute function log_student_attendance_change();

create function log_staff_attendance_change() returns trigger
language plpgsql security definer set search_path = pg_catalog, public set enable_nestloop = off as $$
begin
    insert into attendance_audit_log
        (tenant_id, staff_id, date, period_id, before, after, reason, actor_id, actor_role, at, job_id)
    select tenant_id, staff_id, date, '00000000-0000-0000-0000-000000000000',
           row(o.status, o.late_minutes, o.remarks, o.check_in, o.check_out, o.marked_by, o.marked_at, o.job_id)::marking,
           row(n.status, n.late_minutes, n.remarks, n.check_in, n.check_out)::mark_said,
           n.reason, n.marked_by, n.marked_role, n.marked_at, n.job_id
    from old_rows o join new_rows n using (tenant_id, staff_id, date)
    where (o.status, o.late_minutes, o.remarks, o.check_in, o.check_out)
          is distinct from (n.status, n.late_minutes, n.remarks, n.check_in, n.check_out);
    return null;
end $$;

create trigger staff_attendance_is_audited after update on staff_attendance
    referencing old table as old_rows new table as new_rows
    for each statement execute function log_staff_attendance_change();

-- The application cannot delete a mark; whoever can leaves a trace under the name of the database's role.
create function log_student_attendance_deletion() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
    insert into attendance_audit_log
        (tenant_id, student_id, date, period_id, before, after, actor_id, actor_role, at)
    select tenant_id, student_id, date, period_id,
           row(status, late_minutes, remarks, null, null, marked_by, marked_at, job_id)::marking, null, session_user, 'database', clock_timestamp()
    from old_rows;
    return null;
end $$;

create trigger student_attendance_deletion_is_audited after delete on student_attendance
    referencing old table as old_rows for each statement execute function log_student_attendance_deletion();

create function log_staff_attendance_deletion() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
    insert into attendance_audit_log
        (tenant_id, staff_id, date, period_id, before, after, actor_id, actor_role, at)
    select tenant_id, staff_id, date, '00000000-0000-0000-0000-000000000000',
           row(status, late_minutes, remarks, check_in, check_out, marked_by, marked_at, job_id)::marking, null, session_user, 'database', clock_timestamp()
    from old_rows;
    return null;
end $$;

create trigger staff_attendance_deletion_is_audited after delete on staff_attendance
    referencing old table as old_rows for each statement execute function log_staff_attendance_deletion();

create function refuse_rewriting_history() returns trigger
language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;

create trigger audit_is_append_only before update or delete or truncate on attendance_audit_log
    for each statement execute function refuse_rewriting_history();
create trigger settings_audit_is_append_only before update or delete or truncate on settings_audit_log
    for each statement execute function refuse_rewriting_history();
create trigger marks_are_not_truncated before truncate on student_attendance
    for each statement execute function refuse_rewriting_history();
create trigger staff_marks_are_not_truncated before truncate on staff_attendance
    for each statement execute function refuse_rewriting_history();
