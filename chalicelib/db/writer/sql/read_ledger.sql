-- The outcomes of jobs that were applied before.
select job_id, applied, unchanged, superseded, rejected
from attendance_job
where job_id = any (cast(:jobs as uuid[])) and tenant_id = any (cast(:tenants as uuid[]))
