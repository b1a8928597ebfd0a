-- Write down what became of each job of the batch that was not applied whole.
update attendance_job as ledger
set applied = o.applied, unchanged = o.unchanged, superseded = o.superseded, rejected = o.rejected,
    finished_at = clock_timestamp()
from jsonb_to_recordset(cast(:outcomes as jsonb)) as o (
    tenant_id uuid, job_id uuid, applied integer, unchanged integer, superseded integer, rejected jsonb)
where ledger.tenant_id = o.tenant_id and ledger.job_id = o.job_id
