-- Marks that say what already stands: only the newest submission moves on, so that an older one that comes later still
-- loses. The upsert has locked these rows, and the ones that it changed carry this submission already.
with confirmed as (
    update student_attendance as a
    set submitted_at = s.submitted_at
    from staged_student as s
    where a.tenant_id = s.tenant_id and a.date = s.date and a.student_id = s.student_id and a.period_id = s.period_id
      and a.submitted_at < s.submitted_at and s.wave = :wave
    returning s.job_id
)
select job_id, count(*) as marks from confirmed group by job_id
