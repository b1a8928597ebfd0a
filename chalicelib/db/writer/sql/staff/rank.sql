-- A batch with several submissions for one mark: number them by age, to be written one wave after the other.
update staged_staff as s
set wave = ranked.wave
from (
    select ctid, row_number() over (
        partition by tenant_id, date, staff_id order by submitted_at, job_id, ordinal) as wave
    from staged_staff
) as ranked
where ranked.ctid = s.ctid and ranked.wave > 1
