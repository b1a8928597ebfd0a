-- A dead job's row, so that it can be told long after Redis has forgotten it. An applied job is never marked dead.
insert into attendance_job
    (tenant_id, job_id, kind, state, total, submitted_by, submitted_at, started_at, attempts_made, max_attempts, error)
values
    (:tenant_id, :job_id, :kind, 'failed', :total, :submitted_by, :submitted_at, :started_at, :attempts_made,
     :max_attempts, cast(:error as jsonb))
on conflict (tenant_id, job_id) do update
    set state = 'failed', error = excluded.error, attempts_made = excluded.attempts_made, finished_at = clock_timestamp()
    where attendance_job.state <> 'completed'
