-- Claim the ledger rows of a batch, in key order. A job that comes back was not applied before (or had died and was sent
-- again); one that does not is done: its marks are committed and must not be touched. Two drains that hold the same job
-- meet here: the second waits for the first and then gets nothing. A row says that all was applied, as is mostly so; where
-- it was not, close_ledger.sql corrects it before the commit. A job that was begun in parts is not opened here, but goes on
-- where it stands.
insert into attendance_job
    (tenant_id, job_id, kind, state, total, submitted_by, submitted_at, started_at, attempts_made, max_attempts,
     processed, applied)
select tenant_id, job_id, kind, 'completed', total, submitted_by, submitted_at, started_at, attempts_made, max_attempts,
       total, total
from jsonb_to_recordset(cast(:jobs as jsonb)) as job (
    tenant_id uuid, job_id uuid, kind text, total integer, submitted_by text, submitted_at timestamptz,
    started_at timestamptz, attempts_made integer, max_attempts integer)
order by tenant_id, job_id
on conflict (tenant_id, job_id) do update
    set state = 'completed', error = null, processed = excluded.processed, applied = excluded.applied,
        started_at = excluded.started_at, finished_at = excluded.finished_at, attempts_made = excluded.attempts_made
    where attendance_job.state = 'failed' and attendance_job.processed = 0
returning job_id
