-- A batch with several submissions for one mark: number them by age, to be written one wave after the other, so that each
-- change between them is audited as if they had come in different batches.
update staged_student as s
set wave = ranked.wave
from (
    select ctid, row_number() over (
        partition by tenant_id, date, student_id, period_id order by submitted_at, job_id, ordinal) as wave
    from staged_student
) as ranked
where ranked.ctid = s.ctid and ranked.wave > 1
