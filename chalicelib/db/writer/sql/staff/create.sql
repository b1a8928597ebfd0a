create temporary table if not exists staged_staff (
    job_id uuid, ordinal integer, tenant_id uuid, date date, staff_id uuid, status attendance_status,
    late_minutes smallint, check_in time, check_out time, remarks text, reason text, reason_required boolean,
    actor_id text, actor_role text, submitted_at timestamptz, wave integer
) on commit delete rows
