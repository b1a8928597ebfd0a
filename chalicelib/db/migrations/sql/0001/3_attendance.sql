-- The marks, the log of every change to them, and the ledger of the jobs that made them.

create type attendance_status as enum ('PRESENT', 'ABSENT', 'LATE', 'EXCUSED');

-- No foreign keys here: the writer checks enrolment for a whole batch at once, and a check a row would halve the drain.
create table student_attendance (
    tenant_id uuid not null,
    date date not null,
    student_id uuid not null,
    period_id uuid not null,  -- the nil uuid in DAILY mode
    section_id uuid,          -- null when the office marked a list across sections
    session_id uuid,
    status attendance_status not null,
    late_minutes smallint,
    excusal text,
    code text,
    remarks text,
    reason text,
    marked_by text not null,
    marked_role text not null,
    marked_at timestamptz not null,     -- submission of the mark that stands
    submitted_at timestamptz not null,  -- newest submission seen, also one that changed nothing
    job_id uuid not null,
    version integer not null default 1,
    primary key (tenant_id, date, student_id, period_id)
) partition by range (date);

-- Asked mark by mark, and only where a tenant wants a reason for each correction. A function, since a query that names the
-- marks once more would be planned for every month of them, each time.
create function would_change_mark(
    tenant uuid, day date, student uuid, period uuid, submitted timestamptz,
    new_status attendance_status, new_minutes smallint, new_remarks text
) returns boolean language plpgsql stable as $$
begin
    return exists (
        select from student_attendance as a
        where a.tenant_id = tenant and a.date = day and a.student_id = student and a.period_id = period
          and a.submitted_at < submitted
          and (a.status, a.late_minutes, a.remarks) is distinct from (new_status, new_minutes, new_remarks));
end $$;

create table staff_attendance (
    tenant_id uuid not null,
    date date not null,
    staff_id uuid not null,
    status attendance_status not null,
    late_minutes smallint,
    check_in time,
    check_out time,
    remarks text,
    reason text,
    marked_by text not null,
    marked_role text not null,
    marked_at timestamptz not null,
    submitted_at timestamptz not null,
    job_id uuid not null,
    version integer not null default 1,
    primary key (tenant_id, date, staff_id)
);

-- Types, not JSON: a day that is corrected as a whole is written in half the time.
create type mark_said as (status attendance_status, late_minutes smallint, remarks text, check_in time, check_out time);
create type marking as (status attendance_status, late_minutes smallint, remarks text, check_in time, check_out time,
                        marked_by text, marked_at timestamptz, job_id uuid);

create table attendance_audit_log (
    tenant_id uuid not null,
    id uuid not null default uuidv7(),
    student_id uuid,
    staff_id uuid,
    date date not null,
    period_id uuid not null,
    before marking not null,
    after mark_said,  -- null: the row was deleted, by somebody who is not this application
    reason text,
    actor_id text not null,
    actor_role text not null,
    at timestamptz not null,
    job_id uuid,
    primary key (tenant_id, id),
    check (num_nonnulls(student_id, staff_id) = 1)
);
create index audit_by_student on attendance_audit_log (tenant_id, student_id, date) where student_id is not null;
create index audit_by_staff on attendance_audit_log (tenant_id, staff_id, date) where staff_id is not null;
-- The log grows about as days go by, so that where days lie in it says nearly all; to keep it costs nothing.
create index audit_by_date on attendance_audit_log using brin (date);

-- One row an applied or dead job. It is written first in a batch's transaction: its key is what makes a redelivery harmless.
create table attendance_job (
    tenant_id uuid not null,
    job_id uuid not null,
    kind text not null,
    state text not null check (state in ('active', 'completed', 'failed')),  -- active: written up to `processed`
    total integer not null,
    processed integer not null default 0,
    applied integer not null default 0,
    unchanged integer not null default 0,
    superseded integer not null default 0,
    rejected jsonb not null default '[]',
    error jsonb,
    submitted_by text not null,
    submitted_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz not null default clock_timestamp(),
    attempts_made integer not null default 0,
    max_attempts integer not null default 3,
    primary key (tenant_id, job_id)
);
