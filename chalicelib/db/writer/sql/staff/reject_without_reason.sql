-- The tenant asks for a reason with every correction, and this one has none.
delete from staged_staff as s
using staff_attendance as a
where s.wave = :wave and s.reason_required and s.reason is null
  and a.tenant_id = s.tenant_id and a.date = s.date and a.staff_id = s.staff_id
  and a.submitted_at < s.submitted_at
  and (a.status, a.late_minutes, a.check_in, a.check_out, a.remarks)
      is distinct from (s.status, s.late_minutes, s.check_in, s.check_out, s.remarks)
returning s.job_id, s.ordinal, s.staff_id as person_id, 'reason_required' as code
