-- As for students: one row a mark, several submissions for one mark numbered by age.
-- The answer says which of the rarer statements this batch needs.
with staged as (
    insert into staged_staff
    select job.job_id, record.ordinal, job.tenant_id, data.date, record.staff_id, record.status, record.late_minutes,
           record.check_in, record.check_out, record.remarks, data.reason, coalesce(data.reason_required, false),
           data.actor ->> 'id', data.actor ->> 'role', job.submitted_at,
           row_number() over (partition by job.tenant_id, data.date, record.staff_id
                              order by job.submitted_at, job.job_id, record.ordinal)
    from jsonb_to_recordset(cast(:jobs as jsonb)) as job (
             job_id uuid, tenant_id uuid, submitted_at timestamptz, after integer, upto integer, data jsonb),
         jsonb_to_record(job.data) as data (date date, reason text, reason_required boolean, actor jsonb, records jsonb),
         rows from (jsonb_to_recordset(data.records) as (
             staff_id uuid, status attendance_status, late_minutes smallint, check_in time, check_out time, remarks text))
             with ordinality as record (staff_id, status, late_minutes, check_in, check_out, remarks, ordinal)
    where record.ordinal > job.after and record.ordinal <= job.upto
    returning wave, reason_required, reason
)
select coalesce(max(wave), 0) as waves, false as across_sections,
       coalesce(bool_or(reason_required and reason is null), false) as reason_may_be_missing
from staged
