-- The person has left the staff since the mark was accepted.
delete from staged_staff as s
where not exists (
    select from staff_member as m where m.tenant_id = s.tenant_id and m.id = s.staff_id and m.active)
returning s.job_id, s.ordinal, s.staff_id as person_id, 'not_enrolled' as code
