-- As for students: in key order, and an older submission never overwrites a newer one.
with written as (
    insert into staff_attendance as a
        (tenant_id, date, staff_id, status, late_minutes, check_in, check_out, remarks, reason, marked_by, marked_role,
         marked_at, submitted_at, job_id)
    select tenant_id, date, staff_id, status, late_minutes, check_in, check_out, remarks, reason, actor_id, actor_role,
           submitted_at, submitted_at, job_id
    from staged_staff
    where wave = :wave
    order by tenant_id, date, staff_id
    on conflict (tenant_id, date, staff_id) do update
        set status = excluded.status, late_minutes = excluded.late_minutes, check_in = excluded.check_in,
            check_out = excluded.check_out, remarks = excluded.remarks, reason = excluded.reason,
            marked_by = excluded.marked_by, marked_role = excluded.marked_role, marked_at = excluded.marked_at,
            submitted_at = excluded.submitted_at, job_id = excluded.job_id, version = a.version + 1
        where a.submitted_at < excluded.submitted_at
          and (a.status, a.late_minutes, a.check_in, a.check_out, a.remarks)
              is distinct from (excluded.status, excluded.late_minutes, excluded.check_in, excluded.check_out,
                                excluded.remarks)
    returning a.job_id
)
select job_id, count(*) as marks from written group by job_id
