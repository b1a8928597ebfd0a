-- The accepted JSON of all jobs, unfolded to one row a mark inside Postgres. Several submissions for one mark are numbered by
-- age, to be written one wave after the other, so that each change between them is audited as if they had come in different
-- batches.
-- The answer says which of the rarer statements this batch needs.
with staged as (
    insert into staged_student
    select job.job_id, record.ordinal, job.tenant_id, data.date, record.student_id,
           coalesce(data.period_id, '00000000-0000-0000-0000-000000000000'), data.section_id, data.session_id,
           record.status, record.late_minutes, record.remarks, data.reason, coalesce(data.reason_required, false),
           data.actor ->> 'id', data.actor ->> 'role', job.submitted_at,
           row_number() over (partition by record.student_id, job.tenant_id, data.date, data.period_id
                              order by job.submitted_at, job.job_id, record.ordinal)
    from jsonb_to_recordset(cast(:jobs as jsonb)) as job (
             job_id uuid, tenant_id uuid, submitted_at timestamptz, after integer, upto integer, data jsonb),
         jsonb_to_record(job.data) as data (
             date date, section_id uuid, session_id uuid, period_id uuid, reason text, reason_required boolean,
             actor jsonb, records jsonb),
         rows from (jsonb_to_recordset(data.records) as (
             student_id uuid, status attendance_status, late_minutes smallint, remarks text))
             with ordinality as record (student_id, status, late_minutes, remarks, ordinal)
    where record.ordinal > job.after and record.ordinal <= job.upto
    returning wave, section_id, reason_required, reason
)
select coalesce(max(wave), 0) as waves, coalesce(bool_or(section_id is null), false) as across_sections,
       coalesce(bool_or(reason_required and reason is null), false) as reason_may_be_missing
from staged
