-- The roster: who belongs where, and when. Ids are UUIDv5 of the tenant and the source's id, so an import is idempotent.

create table school (
    tenant_id uuid not null references tenant,
    id uuid not null,
    source_id text not null,
    name text not null,
    active boolean not null default true,
    primary key (tenant_id, id)
);

create table academic_session (
    tenant_id uuid not null references tenant,
    id uuid not null,
    source_id text not null,
    title text not null,
    kind text not null,
    start_date date not null,
    end_date date not null,  -- the last day, included
    parent_id uuid,
    school_year text,
    active boolean not null default true,
    primary key (tenant_id, id),
    check (start_date <= end_date)
);

create table period (
    tenant_id uuid not null references tenant,
    id uuid not null,
    source_id text not null,
    name text not null,
    sequence integer not null,
    active boolean not null default true,
    primary key (tenant_id, id)
);

-- Exceptions to the weekdays of the settings. The nil school stands for every school of the tenant.
create table calendar_day (
    tenant_id uuid not null references tenant,
    school_id uuid not null default '00000000-0000-0000-0000-000000000000',
    date date not null,
    is_school_day boolean not null,
    title text not null default '',
    primary key (tenant_id, school_id, date)
);

create table section (
    tenant_id uuid not null references tenant,
    id uuid not null,
    source_id text not null,
    school_id uuid not null,
    name text not null,
    code text,
    kind text not null,
    course text,
    session_ids uuid[] not null,
    period_ids uuid[] not null default '{}',
    active boolean not null default true,
    primary key (tenant_id, id),
    foreign key (tenant_id, school_id) references school
);

create table student (
    tenant_id uuid not null references tenant,
    id uuid not null,
    source_id text not null,
    given_name text not null,
    family_name text not null,
    grade text,
    school_id uuid,
    active boolean not null default true,
    primary key (tenant_id, id)
);

create table staff_member (
    tenant_id uuid not null references tenant,
    id uuid not null,
    source_id text not null,
    given_name text not null,
    family_name text not null,
    email text,
    job text not null,
    school_id uuid,
    active boolean not null default true,
    primary key (tenant_id, id)
);
create unique index staff_member_source on staff_member (tenant_id, source_id);

create table guardian (
    tenant_id uuid not null references tenant,
    id uuid not null,
    source_id text not null,
    given_name text not null,
    family_name text not null,
    email text,
    phone text,  -- for SMS, else the plain number
    active boolean not null default true,
    primary key (tenant_id, id)
);

create table guardianship (
    tenant_id uuid not null,
    student_id uuid not null,
    guardian_id uuid not null,
    valid daterange not null,
    primary key (tenant_id, student_id, guardian_id, valid without overlaps),
    foreign key (tenant_id, student_id) references student,
    foreign key (tenant_id, guardian_id) references guardian
);

create table enrollment (
    tenant_id uuid not null,
    section_id uuid not null,
    student_id uuid not null,
    source_id text not null,
    valid daterange not null,
    primary key (tenant_id, section_id, student_id, valid without overlaps),
    foreign key (tenant_id, section_id) references section,
    foreign key (tenant_id, student_id) references student
);
create index enrollment_by_student on enrollment (tenant_id, student_id, section_id) include (valid);
create index enrollment_by_section on enrollment (tenant_id, section_id);

create table teaching (
    tenant_id uuid not null,
    section_id uuid not null,
    staff_id uuid not null,
    role text not null check (role in ('teacher', 'substitute', 'aide')),
    source_id text not null,
    valid daterange not null,
    primary key (tenant_id, section_id, staff_id, valid without overlaps),
    foreign key (tenant_id, section_id) references section,
    foreign key (tenant_id, staff_id) references staff_member
);
create index teaching_by_staff on teaching (tenant_id, staff_id);
