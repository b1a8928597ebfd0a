-- A list across sections: the student must be enrolled in some section on that date.
delete from staged_student as s
where s.section_id is null
  and not exists (
      select from enrollment as e
      where e.tenant_id = s.tenant_id and e.student_id = s.student_id and e.valid @> s.date)
returning s.job_id, s.ordinal, s.student_id as person_id, 'not_enrolled' as code
