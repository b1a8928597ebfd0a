-- The student has left the section since the mark was accepted.
delete from staged_student as s
where s.section_id is not null
  and not exists (
      select from enrollment as e
      where e.tenant_id = s.tenant_id and e.student_id = s.student_id and e.section_id = s.section_id
        and e.valid @> s.date)
returning s.job_id, s.ordinal, s.student_id as person_id, 'not_enrolled' as code
