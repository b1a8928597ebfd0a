-- Lock the row of a job that is written in parts, or make it. Two drains that hold the same job take turns here, and each
-- goes on where the ledger says that the marks stand, whatever Redis believes.
insert into attendance_job
    (tenant_id, job_id, kind, state, total, submitted_by, submitted_at, started_at, attempts_made, max_attempts)
values
    (:tenant_id, :job_id, :kind, 'active', :total, :submitted_by, :submitted_at, :started_at, :attempts_made,
     :max_attempts)
on conflict (tenant_id, job_id) do update
    set state = case attendance_job.state when 'completed' then 'completed' else 'active' end,
        attempts_made = case attendance_job.state when 'completed' then attendance_job.attempts_made
                        else excluded.attempts_made end
returning state, processed, applied, unchanged, superseded, rejected
