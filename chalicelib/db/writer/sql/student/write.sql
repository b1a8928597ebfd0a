-- The usual batch in one statement: the accepted JSON unfolded to a row a mark, judged once more, written. A statement for
-- each step would cost a register more in round trips than its rows do. What it cannot do, `marks.py` does step by step: a
-- batch with two submissions for one mark is told by `repeated`, and marks that change nothing are not counted.
-- Rows are written in key order, so that two drains never wait for each other in a circle. The student leads the order: it
-- tells rows apart soonest. An older submission never overwrites a newer one, however late it comes.
with sheet as materialized (
    select job.job_id, job.tenant_id, job.submitted_at, job.after, job.upto, data.date, data.section_id, data.session_id,
           coalesce(data.period_id, '00000000-0000-0000-0000-000000000000') as period_id, data.reason,
           data.reason_required and data.reason is null as asks_why, data.actor, data.records
    from jsonb_to_recordset(cast(:jobs as jsonb)) as job (
             job_id uuid, tenant_id uuid, submitted_at timestamptz, after integer, upto integer, data jsonb),
         jsonb_to_record(job.data) as data (
             date date, section_id uuid, session_id uuid, period_id uuid, reason text, reason_required boolean,
             actor jsonb, records jsonb)
), member as materialized (
    -- Who is enrolled, section by section: to look each student up would take ten times as long. As an array, since of that
    -- Postgres expects enough elements not to join it to the marks in a nested loop.
    select s.job_id, unnest(array(
        select e.student_id from enrollment as e
        where e.tenant_id = s.tenant_id and e.section_id = s.section_id and e.valid @> s.date)) as student_id
    from sheet as s
), judged as materialized (
    select s.job_id, s.tenant_id, s.submitted_at, s.date, s.section_id, s.session_id, s.period_id, s.reason, s.actor,
           mark.ordinal, mark.student_id, mark.status, mark.late_minutes, mark.remarks,
           case
               when row_number() over (partition by mark.student_id, s.tenant_id, s.date, s.period_id) > 1 then 'repeated'
               when s.section_id is not null and m.student_id is null then 'not_enrolled'
               when s.section_id is null and not exists (
                   select from enrollment as e
                   where e.tenant_id = s.tenant_id and e.student_id = mark.student_id and e.valid @> s.date)
                   then 'not_enrolled'
               when s.asks_why and would_change_mark(s.tenant_id, s.date, mark.student_id, s.period_id, s.submitted_at,
                                                     mark.status, mark.late_minutes, mark.remarks)
                   then 'reason_required'
           end as fault
    from sheet as s
    cross join rows from (jsonb_to_recordset(s.records) as (
                   student_id uuid, status attendance_status, late_minutes smallint, remarks text))
        with ordinality as mark (student_id, status, late_minutes, remarks, ordinal)
    left join member as m on m.job_id = s.job_id and m.student_id = mark.student_id
    where mark.ordinal > s.after and mark.ordinal <= s.upto
), written as (
    insert into student_attendance as a
        (tenant_id, date, student_id, period_id, section_id, session_id, status, late_minutes, remarks, reason,
         marked_by, marked_role, marked_at, submitted_at, job_id)
    select tenant_id, date, student_id, period_id, section_id, session_id, status, late_minutes, remarks, reason,
           actor ->> 'id', actor ->> 'role', submitted_at, submitted_at, job_id
    from judged
    where fault is null
    order by student_id, tenant_id, date, period_id
    on conflict (tenant_id, date, student_id, period_id) do update
        set section_id = excluded.section_id, session_id = excluded.session_id, status = excluded.status,
            late_minutes = excluded.late_minutes, remarks = excluded.remarks, reason = excluded.reason,
            marked_by = excluded.marked_by, marked_role = excluded.marked_role, marked_at = excluded.marked_at,
            submitted_at = excluded.submitted_at, job_id = excluded.job_id, version = a.version + 1
        where a.submitted_at < excluded.submitted_at
          and (a.status, a.late_minutes, a.remarks)
              is distinct from (excluded.status, excluded.late_minutes, excluded.remarks)
    returning a.job_id
)
select job_id, count(*) as marks, null as ordinal, null as person_id, null as code from written group by job_id
union all
select job_id, null, ordinal, student_id, fault from judged where fault is not null
