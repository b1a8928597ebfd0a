-- New marks and marks that change, in key order so that two drains never wait for each other in a circle. An older
-- submission never overwrites a newer one, however late it comes.
with written as (
    insert into student_attendance as a
        (tenant_id, date, student_id, period_id, section_id, session_id, status, late_minutes, remarks, reason,
         marked_by, marked_role, marked_at, submitted_at, job_id)
    select tenant_id, date, student_id, period_id, section_id, session_id, status, late_minutes, remarks, reason,
           actor_id, actor_role, submitted_at, submitted_at, job_id
    from staged_student
    where wave = :wave
    order by student_id, tenant_id, date, period_id
    on conflict (tenant_id, date, student_id, period_id) do update
        set section_id = excluded.section_id, session_id = excluded.session_id, status = excluded.status,
            late_minutes = excluded.late_minutes, remarks = excluded.remarks, reason = excluded.reason,
            marked_by = excluded.marked_by, marked_role = excluded.marked_role, marked_at = excluded.marked_at,
            submitted_at = excluded.submitted_at, job_id = excluded.job_id, version = a.version + 1
        where a.submitted_at < excluded.submitted_at
          and (a.status, a.late_minutes, a.remarks)
              is distinct from (excluded.status, excluded.late_minutes, excluded.remarks)
    returning a.job_id
)
select job_id, count(*) as marks from written group by job_id
