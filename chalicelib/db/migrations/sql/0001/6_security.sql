-- The application's role owns nothing and sees only the tenants that its transaction names in app.tenant_ids.

do $$
begin
    if not exists (select from pg_roles where rolname = 'rollcall_app') then
        create role rollcall_app login;
    end if;
    execute format('grant connect, temporary on database %I to rollcall_app', current_database());
    -- A drain that freezes in mid-transaction must not hold its ledger rows against the one that takes its jobs over.
    alter role rollcall_app set idle_in_transaction_session_timeout = '30s';
    alter role rollcall_app set random_page_cost = 1.1;  -- SSD, as on RDS: the default of 4 chose sequential scans
end $$;

grant usage on schema public to rollcall_app;

do $$
declare
    name text;
begin
    foreach name in array array[
        'tenant', 'attendance_settings', 'attendance_mode_change', 'settings_audit_log', 'school', 'academic_session',
        'period', 'calendar_day', 'section', 'student', 'staff_member', 'guardian', 'guardianship', 'enrollment',
        'teaching', 'student_attendance', 'staff_attendance', 'attendance_audit_log', 'attendance_job']
    loop
        execute format('alter table %I enable row level security, force row level security', name);
        -- The sub-select makes Postgres read the setting once a statement, not once a row.
        execute format(
            'create policy tenant_only on %I using (tenant_id = any '
            '((select nullif(current_setting(''app.tenant_ids'', true), ''''))::uuid[]))', name);
        execute format('grant select on %I to rollcall_app', name);
    end loop;
end $$;

grant insert, update on tenant, attendance_settings, attendance_mode_change, school, academic_session, period,
    calendar_day, section, student, staff_member, guardian, student_attendance, staff_attendance, attendance_job
    to rollcall_app;
grant insert, update, delete on guardianship, enrollment, teaching, calendar_day to rollcall_app;

revoke execute on function ensure_attendance_partitions(date, date) from public;
grant execute on function ensure_attendance_partitions(date, date) to rollcall_app;
