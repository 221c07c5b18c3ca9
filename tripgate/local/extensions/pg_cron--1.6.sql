-- pg_cron's schema, by its names, arguments and rights on the platform. Written anew for a Postgres that cannot load it:
-- the jobs are run by tripgate/local/scheduler, which hears of a change by a notification. Runs as superuser.

create schema cron;

-- schedules -----------------------------------------------------------------------------------------------------------

-- Whether one of the five fields is a list of `*`, numbers, names and ranges, with a step behind `*` and ranges alone.
create function cron.is_field(field text, low integer, high integer, names text[] default '{}') returns boolean
language plpgsql immutable set search_path = '' as $$
declare
    item text;
    parts text[];
    ends integer[];
begin
    if field !~ '^[^,]+(,[^,]+)*$' then
        return false;
    end if;
    foreach item in array string_to_array(lower(field), ',') loop
        parts := regexp_match(item, '^(?:(\*)|([0-9]{1,2}|[a-z]{3})(?:-([0-9]{1,2}|[a-z]{3}))?)(?:/([0-9]{1,2}))?$');
        if parts is null then
            return false;
        end if;
        -- A name stands for its place among the names.
        ends := array(
            select coalesce(low + array_position(names, part) - 1, case when part ~ '^[0-9]+$' then part::integer end, -1)
            from unnest(parts[2:3]) with ordinality as given (part, place)
            where part is not null order by place
        );
        if parts[4] is not null and (
            parts[4]::integer not between 1 and high or (parts[1] is null and parts[3] is null)
        ) then
            return false;
        end if;
        if exists (select from unnest(ends) as number where number not between low and high) or ends[1] > ends[2] then
            return false;
        end if;
    end loop;
    return true;
end
$$;

create function cron.is_schedule(schedule text) returns boolean language plpgsql immutable set search_path = '' as $$
declare
    fields constant text[] := regexp_split_to_array(btrim(schedule, e' \t'), '[ \t]+');
begin
    if schedule ~ '^[ \t]*0*[1-5]?[0-9][ \t]+seconds?[ \t]*$' then
        return fields[1]::integer > 0;
    elsif cardinality(fields) = 1 then
        return fields[1] in (
            '@reboot', '@restart', '@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'
        );
    end if;
    return cardinality(fields) = 5
        and cron.is_field(fields[1], 0, 59)
        and cron.is_field(fields[2], 0, 23)
        -- The last day of the month, whichever it is.
        and (fields[3] = '$' or cron.is_field(fields[3], 1, 31))
        and cron.is_field(
            fields[4], 1, 12, '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}'
        )
        and cron.is_field(fields[5], 0, 7, '{sun,mon,tue,wed,thu,fri,sat}');
end
$$;

-- jobs ----------------------------------------------------------------------------------------------------------------

create sequence cron.jobid_seq;

create table cron.job (
    jobid bigint not null default nextval('cron.jobid_seq'),
    schedule text not null,
    command text not null,
    nodename text not null default 'localhost',
    nodeport integer not null default current_setting('port')::integer,
    database text not null default current_database(),
    username text not null default current_user,
    active boolean not null default true,
    jobname text,
    constraint job_pkey primary key (jobid),
    constraint jobname_username_uniq unique (jobname, username)
);
alter table cron.job enable row level security;
create policy cron_job_policy on cron.job using (username = current_user);

create function cron.check_schedule() returns trigger language plpgsql set search_path = '' as $$
begin
    if not cron.is_schedule(new.schedule) then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = format('invalid schedule: %s', new.schedule),
            hint = 'Use cron format (e.g. 5 4 * * *), or interval format ''[1-59] seconds''';
    end if;
    return new;
end
$$;
create trigger check_schedule before insert or update of schedule on cron.job
    for each row execute function cron.check_schedule();

create function cron.job_cache_invalidate() returns trigger language plpgsql set search_path = '' as $$
begin
    perform pg_notify('tripgate_scheduler', 'cron');
    return null;
end
$$;
create trigger cron_job_cache_invalidate after insert or update or delete or truncate on cron.job
    for each statement execute function cron.job_cache_invalidate();

-- Nobody may write to cron.job itself, and whoever may call the functions schedules what runs as themselves. A function
-- with its owner's rights would not know who that is; this view does, and shows and takes their own jobs alone.
create view cron.my_jobs as
select jobid, jobname, schedule, command, database, username, active
from cron.job where username = current_user with check option;
grant select, insert, update, delete on cron.my_jobs to public;
grant usage, select on sequence cron.jobid_seq to public;

create function cron.schedule(schedule text, command text) returns bigint
language plpgsql strict set search_path = '' as $$
#variable_conflict use_variable
declare
    made bigint;
begin
    insert into cron.my_jobs (schedule, command) values (schedule, command) returning jobid into made;
    return made;
end
$$;
comment on function cron.schedule(text, text) is 'schedule a pg_cron job';

-- Theirs who call it, once under its name.
create function cron.put_job(job_name text, schedule text, command text, active boolean) returns bigint
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
    made bigint;
begin
    if put_job.job_name is null or put_job.schedule is null or put_job.command is null then
        raise exception 'job_name, schedule and command can not be NULL';
    end if;
    insert into cron.my_jobs (jobname, schedule, command, active)
    values (put_job.job_name, put_job.schedule, put_job.command, coalesce(put_job.active, true))
    on conflict (jobname, username) do update set schedule = excluded.schedule, command = excluded.command
    returning jobid into made;
    return made;
end
$$;

create function cron.schedule_in_database(
    job_name text, schedule text, command text, database text, username text default null, active boolean default true
) returns bigint language plpgsql set search_path = '' as $$
begin
    if username <> current_user then
        raise exception 'must be superuser to create a job for another role';
    elsif database <> current_database() then
        raise exception 'jobs of another database are not run here';
    end if;
    return cron.put_job(job_name, schedule, command, active);
end
$$;
comment on function cron.schedule_in_database(text, text, text, text, text, boolean) is 'schedule a pg_cron job';

create function cron.schedule(job_name text, schedule text, command text) returns bigint
language sql set search_path = '' as $$
    select cron.put_job(job_name, schedule, command, true)
$$;
comment on function cron.schedule(text, text, text) is 'schedule a pg_cron job';

create function cron.alter_job(
    job_id bigint,
    schedule text default null,
    command text default null,
    database text default null,
    username text default null,
    active boolean default null
) returns void language plpgsql set search_path = '' as $$
#variable_conflict use_column
begin
    if alter_job.job_id is null then
        raise exception 'job_id can not be NULL';
    elsif alter_job.username is not null then
        raise exception 'must be superuser to alter username';
    elsif alter_job.database <> current_database() then
        raise exception 'jobs of another database are not run here';
    elsif num_nonnulls(alter_job.schedule, alter_job.command, alter_job.database, alter_job.active) = 0 then
        raise exception using
            message = 'no updates specified',
            hint = 'You must specify at least one job attribute to change when calling alter_job';
    end if;
    update cron.my_jobs
    set schedule = coalesce(alter_job.schedule, schedule),
        command = coalesce(alter_job.command, command),
        active = coalesce(alter_job.active, active)
    where jobid = alter_job.job_id;
    if not found then
        raise exception 'Job % does not exist or you don''t own it', alter_job.job_id;
    end if;
end
$$;
comment on function cron.alter_job(bigint, text, text, text, text, boolean) is
    'Alter the job identified by job_id. Any option left as NULL will not be modified.';

create function cron.unschedule(job_id bigint) returns boolean language plpgsql strict set search_path = '' as $$
begin
    delete from cron.my_jobs where jobid = job_id;
    if not found then
        raise exception 'could not find valid entry for job %', job_id;
    end if;
    return true;
end
$$;
comment on function cron.unschedule(bigint) is 'unschedule a pg_cron job';

create function cron.unschedule(job_name text) returns boolean language plpgsql strict set search_path = '' as $$
begin
    delete from cron.my_jobs where jobname = job_name;
    if not found then
        raise exception 'could not find valid entry for job ''%''', job_name;
    end if;
    return true;
end
$$;
comment on function cron.unschedule(text) is 'unschedule a pg_cron job';

-- runs ----------------------------------------------------------------------------------------------------------------

create sequence cron.runid_seq;

create table cron.job_run_details (
    jobid bigint,
    runid bigint not null default nextval('cron.runid_seq'),
    job_pid integer,
    database text,
    username text,
    command text,
    status text,
    return_message text,
    start_time timestamptz,
    end_time timestamptz,
    constraint job_run_details_pkey primary key (runid)
);
alter table cron.job_run_details enable row level security;
create policy cron_job_run_details_policy on cron.job_run_details using (username = current_user);

select pg_extension_config_dump('cron.job', '');
select pg_extension_config_dump('cron.jobid_seq', '');
select pg_extension_config_dump('cron.job_run_details', '');
select pg_extension_config_dump('cron.runid_seq', '');

-- rights, as on the platform: whoever may look into the schema --------------------------------------------------------

grant select on cron.job to public;
grant select, delete on cron.job_run_details to public;
grant select on sequence cron.runid_seq to public;
revoke all on function cron.alter_job, cron.schedule_in_database from public;
grant usage on schema cron to postgres with grant option;
grant all on all functions in schema cron to postgres with grant option;
grant select on cron.job to postgres with grant option;
grant all on cron.job_run_details to postgres with grant option;
