-- Tenants and what each of them sets.

create extension if not exists btree_gist;  -- temporal keys mix uuids with date ranges

create table tenant (
    tenant_id uuid primary key,
    name text not null unique check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    title text not null,
    revision bigint not null default 1,  -- grows with each change of roster or settings; caches carry it
    created_at timestamptz not null default now()
);

create type attendance_mode as enum ('DAILY', 'PERIOD');

create table attendance_settings (
    tenant_id uuid primary key references tenant,
    attendance_mode attendance_mode not null default 'DAILY',
    attendance_mode_from date not null default '0001-01-01',
    backdate_days integer not null default 7 check (backdate_days between 0 and 36525),
    allow_future_date boolean not null default false,
    notification_on_absent boolean not null default false,
    correction_reason_required boolean not null default false,
    school_days text[] not null default '{MON,TUE,WED,THU,FRI,SAT,SUN}',
    timezone text not null default 'UTC',
    version integer not null default 1,
    updated_by text,
    updated_role text,
    updated_at timestamptz not null default now()
);

-- Which mode held from which date on: a mark for a date is judged by the mode of that date.
create table attendance_mode_change (
    tenant_id uuid not null references tenant,
    holds_from date not null,
    mode attendance_mode not null,
    primary key (tenant_id, holds_from)
);

create table settings_audit_log (
    tenant_id uuid not null,
    id uuid not null default uuidv7(),
    before jsonb not null,
    after jsonb not null,
    actor_id text,
    actor_role text,
    at timestamptz not null,
    primary key (tenant_id, id)
);

create function log_settings_change() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
    bookkeeping constant text[] := '{tenant_id,version,updated_by,updated_role,updated_at}';
begin
    insert into settings_audit_log (tenant_id, before, after, actor_id, actor_role, at)
    values (new.tenant_id, to_jsonb(old) - bookkeeping, to_jsonb(new) - bookkeeping,
            new.updated_by, new.updated_role, new.updated_at);
    return null;
end $$;

create trigger settings_are_audited after update on attendance_settings
    for each row when (old.* is distinct from new.*) execute function log_settings_change();
