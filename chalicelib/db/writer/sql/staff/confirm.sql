-- Marks that say what already stands: only the newest submission moves on.
with confirmed as (
    update staff_attendance as a
    set submitted_at = s.submitted_at
    from staged_staff as s
    where a.tenant_id = s.tenant_id and a.date = s.date and a.staff_id = s.staff_id
      and a.submitted_at < s.submitted_at and s.wave = :wave
    returning s.job_id
)
select job_id, count(*) as marks from confirmed group by job_id
