-- What the ledger has of jobs that it knew before.
select job_id, state, processed, applied, unchanged, superseded, rejected
from attendance_job
where job_id = any (cast(:jobs as uuid[])) and tenant_id = any (cast(:tenants as uuid[]))
