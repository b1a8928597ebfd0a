-- Months of student_attendance are made ahead: a date outside them is refused at the door, not lost in a drain.

create function ensure_attendance_partitions(first_date date, last_date date) returns integer
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
    month date := date_trunc('month', first_date);
    name text;
    made integer := 0;
begin
    if last_date > first_date + interval '50 years' then
        raise exception 'more than 50 years of partitions asked for';
    end if;
    while month <= last_date loop
        name := 'student_attendance_' || to_char(month, 'YYYY_MM');
        if to_regclass('public.' || name) is null then
            -- Two imports at once may both want the month.
            perform pg_advisory_xact_lock(hashtext('ensure_attendance_partitions'));
            -- By a query: to_regclass would answer from a cache that the wait for the lock does not refresh.
            if not exists (select from pg_class where relname = name and relnamespace = 'public'::regnamespace) then
                execute format('create table public.%I partition of public.student_attendance for values from (%L) to (%L)',
                               name, month, month + interval '1 month');
                -- The parent's policy guards what comes through the parent; nobody else may come at all.
                execute format('alter table public.%I enable row level security, force row level security', name);
                -- Statement triggers answer to the table that is named: past the parent, nothing would be logged.
                execute format('create trigger marks_are_changed_through_the_parent before update or delete or truncate '
                               'on public.%I for each statement execute function public.refuse_rewriting_history()', name);
                made := made + 1;
            end if;
        end if;
        month := month + interval '1 month';
    end loop;
    return made;
end $$;

select ensure_attendance_partitions((current_date - interval '13 months')::date, (current_date + interval '18 months')::date);
