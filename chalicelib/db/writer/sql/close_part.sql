-- How far a job that is written in parts has come.
update attendance_job
set state = :state, processed = :processed, applied = :applied, unchanged = :unchanged, superseded = :superseded,
    rejected = cast(:rejected as jsonb), error = null, finished_at = clock_timestamp()
where tenant_id = :tenant_id and job_id = :job_id
