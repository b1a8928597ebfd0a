-- The tenant asks for a reason with every correction, and this one has none.
delete from staged_student as s
using student_attendance as a
where s.wave = :wave and s.reason_required and s.reason is null
  and a.tenant_id = s.tenant_id and a.date = s.date and a.student_id = s.student_id and a.period_id = s.period_id
  and a.submitted_at < s.submitted_at
  and (a.status, a.late_minutes, a.remarks) is distinct from (s.status, s.late_minutes, s.remarks)
returning s.job_id, s.ordinal, s.student_id as person_id, 'reason_required' as code
