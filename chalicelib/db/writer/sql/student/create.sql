create temporary table if not exists staged_student (
    job_id uuid, ordinal integer, tenant_id uuid, date date, student_id uuid, period_id uuid, section_id uuid,
    session_id uuid, status attendance_status, late_minutes smallint, remarks text, reason text,
    reason_required boolean, actor_id text, actor_role text, submitted_at timestamptz, wave integer
) on commit delete rows
