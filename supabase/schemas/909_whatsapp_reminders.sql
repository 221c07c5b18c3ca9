-- What is to be done for people later, once: reminders, and rules of days before a trip. A job is a person's row; what
-- claims it, tries again and gives up is its task, which has the job's id as dedupe_key. Whoever writes of both holds the
-- person and the trip first, then the job, then the task.


-- When ----------------------------------------------------------------------------------------------------------------------

create function private.moment_before(start_date date, days integer, local_time time, person uuid) returns timestamptz
language sql stable set search_path = '' as $$
    select case
        when start_date is not null then greatest(
            private.local_instant(start_date - days + local_time, private.zone_of(person)), timestamptz '0001-01-01 00:00Z'
        )
    end
$$;
comment on function private.moment_before(date, integer, time, uuid) is 'So many days before a day, at a time by a person''s clocks; null of no day.';
revoke execute on function private.moment_before(date, integer, time, uuid) from public;

-- What is relative moves with the trip's first day and with the person's clocks. What it comes to may be over: then it is
-- due at once, unless the trip has begun, when it is too late, until the trip moves on.
create function private.follow_trip_start(trip uuid, person uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
    -- In one order, whoever holds several: of a trip, or of a person. Nobody adds to them: see private.due.
    held constant uuid[] := array(
        select found.id from public.scheduled_jobs as found
        where (found.trip_id = follow_trip_start.trip or found.user_id = follow_trip_start.person)
            and found.payload ? 'days_before' and (found.status = 'scheduled' or found.reason = 'too_late')
        order by found.id for no key update
    );
begin
    update public.scheduled_jobs as jobs set
        run_at = due.at,
        status = case when due.too_late then 'cancelled' else 'scheduled' end,
        reason = case when due.too_late then 'too_late' end
    from (
        select
            found.id, moment.at,
            coalesce(
                moment.at <= now()
                and (found.status = 'cancelled'
                    or trips.start_date < (now() at time zone private.zone_of(found.user_id))::date),
                false
            ) as too_late
        from public.scheduled_jobs as found
        join public.trips on trips.id = found.trip_id
        cross join lateral (
            select private.moment_before(
                trips.start_date, (found.payload ->> 'days_before')::integer, (found.payload ->> 'local_time')::time,
                found.user_id
            ) as at
        ) as moment
        where found.id = any (held)
    ) as due
    where due.id = jobs.id and (jobs.run_at is distinct from due.at or (jobs.status = 'cancelled') <> due.too_late);
end
$$;
comment on function private.follow_trip_start(uuid, uuid) is 'Moves what is relative to the first day of a trip, or of all of a person''s, to where it is now.';
revoke execute on function private.follow_trip_start(uuid, uuid) from public;

create function private.move_trips_jobs() returns trigger language plpgsql security definer set search_path = '' as $$
begin
    perform private.follow_trip_start(new.id, null);
    return null;
end
$$;
revoke execute on function private.move_trips_jobs() from public;

create trigger move_trips_jobs after update of start_date on public.trips
    for each row when (old.start_date is distinct from new.start_date) execute function private.move_trips_jobs();

create function private.move_persons_jobs() returns trigger language plpgsql security definer set search_path = '' as $$
begin
    perform private.follow_trip_start(null, new.user_id);
    return null;
end
$$;
revoke execute on function private.move_persons_jobs() from public;

create trigger move_persons_jobs after update of timezone on public.user_preferences
    for each row when (old.timezone <> new.timezone) execute function private.move_persons_jobs();


-- A job and its task ------------------------------------------------------------------------------------------------------------

-- What a job is about is gone, by a foreign key.
create function private.cancel_pointless_job() returns trigger language plpgsql set search_path = '' as $$
begin
    new.status := 'cancelled';
    new.reason := case
        when new.trip_id is null and old.trip_id is not null then 'trip_gone'
        when new.rule_id is null and old.rule_id is not null then 'rule_gone'
        else 'item_gone'
    end;
    return new;
end
$$;
revoke execute on function private.cancel_pointless_job() from public;

create trigger cancel_pointless_scheduled_jobs before update of trip_id, trip_item_id, rule_id on public.scheduled_jobs
    for each row when (
        new.status = 'scheduled' and (
            new.trip_id is null and old.trip_id is not null
            or new.trip_item_id is null and old.trip_item_id is not null
            or new.rule_id is null and old.rule_id is not null
        )
    )
    execute function private.cancel_pointless_job();

-- What is to come has a task that waits, and nothing else has one. One that is being done is left to whoever does it, who
-- looks at the job.
create function private.keep_job_task() returns trigger language plpgsql security definer set search_path = '' as $$
declare
    job constant public.scheduled_jobs := case when tg_op = 'DELETE' then old else new end;
begin
    if tg_op = 'DELETE' or job.status <> 'scheduled' or job.run_at is null then
        delete from private.tasks where dedupe_key = job.id::text and status = 'waiting';
        return null;
    end if;
    perform private.enqueue(
        'run_scheduled_job', 'user:' || job.user_id, jsonb_build_object('job', job.id), job.run_at, job.id::text
    );
    update private.tasks set
        run_at = job.run_at,
        status = 'waiting', attempts = case when status = 'waiting' then attempts else 0 end, finished_at = null,
        payload = jsonb_build_object('job', job.id)
    where dedupe_key = job.id::text
        and (status = 'waiting' and run_at <> job.run_at or status in ('done', 'failed'));
    return null;
end
$$;
revoke execute on function private.keep_job_task() from public;

create trigger keep_scheduled_jobs_tasks_of_new after insert or delete on public.scheduled_jobs
    for each row execute function private.keep_job_task();
-- What another trigger sets is named by no statement.
create trigger keep_scheduled_jobs_tasks after update on public.scheduled_jobs
    for each row when (old.status <> new.status or old.run_at is distinct from new.run_at)
    execute function private.keep_job_task();

-- A task that was given up has its job fail, and one that an operator tries again has it come again.
create function private.end_given_up_job() returns trigger language plpgsql security definer set search_path = '' as $$
begin
    update public.scheduled_jobs set
        status = case new.status when 'failed' then 'failed' else 'scheduled' end,
        reason = case new.status when 'failed' then 'given_up' end,
        attempts = new.attempts
    where id = (new.payload ->> 'job')::uuid and (status = 'scheduled' or status = 'failed');
    return null;
end
$$;
revoke execute on function private.end_given_up_job() from public;

create trigger end_given_up_jobs after update of status on private.tasks
    for each row when (
        new.kind = 'run_scheduled_job' and old.status <> new.status
        and (new.status = 'failed' or new.status = 'waiting' and old.status = 'failed')
    )
    execute function private.end_given_up_job();

create function private.cancel_jobs(trip uuid, person uuid, reason text, channel text default null) returns void
language plpgsql security definer set search_path = '' as $$
declare
    held constant uuid[] := array(
        select found.id from public.scheduled_jobs as found
        where found.user_id = person and found.status = 'scheduled'
            and (cancel_jobs.trip is null or found.trip_id = cancel_jobs.trip)
            and (cancel_jobs.channel is null or found.payload ->> 'channel' = cancel_jobs.channel)
        order by found.id for no key update
    );
begin
    update public.scheduled_jobs as jobs set status = 'cancelled', reason = cancel_jobs.reason
    where jobs.id = any (held);
end
$$;
comment on function private.cancel_jobs(uuid, uuid, text, text) is 'Cancels what is to come for a person: of a trip, of a channel, or all of it.';
revoke execute on function private.cancel_jobs(uuid, uuid, text, text) from public;

create function private.cancel_leavers_jobs() returns trigger language plpgsql security definer set search_path = '' as $$
begin
    perform private.cancel_jobs(old.trip_id, old.user_id, 'left_trip');
    return null;
end
$$;
revoke execute on function private.cancel_leavers_jobs() from public;

create trigger cancel_collaborators_jobs after delete on public.collaborators
    for each row execute function private.cancel_leavers_jobs();

create function private.cancel_owners_jobs() returns trigger language plpgsql security definer set search_path = '' as $$
begin
    if not exists (
        select from private.trip_people as people where people.trip_id = new.id and people.user_id = old.user_id
    ) then
        perform private.cancel_jobs(new.id, old.user_id, 'left_trip');
    end if;
    return null;
end
$$;
revoke execute on function private.cancel_owners_jobs() from public;

create trigger cancel_trips_jobs after update of user_id on public.trips
    for each row when (old.user_id <> new.user_id) execute function private.cancel_owners_jobs();

create function private.cancel_opted_out_jobs() returns trigger language plpgsql security definer set search_path = '' as $$
begin
    perform private.cancel_jobs(null, old.user_id, 'opted_out', 'whatsapp');
    return null;
end
$$;
revoke execute on function private.cancel_opted_out_jobs() from public;

create trigger cancel_whatsapp_contacts_jobs after update of opted_out_at on public.whatsapp_contacts
    for each row when (old.opted_out_at is null and new.opted_out_at is not null)
    execute function private.cancel_opted_out_jobs();
create trigger cancel_whatsapp_contacts_jobs_of_gone after delete on public.whatsapp_contacts
    for each row execute function private.cancel_opted_out_jobs();


-- Rules of days before a trip --------------------------------------------------------------------------------------------------

create function private.schedule_rule() returns trigger language plpgsql security definer set search_path = '' as $$
declare
    moment timestamptz;
begin
    if not new.is_enabled or new.trigger <> 'days_before_trip' then
        update public.scheduled_jobs set status = 'cancelled', reason = 'by_hand'
        where rule_id = new.id and status = 'scheduled';
        return null;
    end if;
    select private.moment_before(trips.start_date, new.days_before, new.local_time, new.user_id) into moment
    from public.trips where trips.id = new.trip_id for share;
    insert into public.scheduled_jobs as jobs (
        user_id, trip_id, rule_id, kind, run_at, payload, status, reason, dedupe_key
    ) values (
        new.user_id, new.trip_id, new.id, 'automation', moment,
        jsonb_build_object(
            'channel', case new.action ->> 'kind' when 'notify' then 'bell' else 'whatsapp' end,
            'days_before', new.days_before, 'local_time', new.local_time
        ),
        case when moment <= now() then 'cancelled' else 'scheduled' end, case when moment <= now() then 'too_late' end,
        'rule:' || new.id
    )
    on conflict on constraint scheduled_jobs_dedupe_key_key do update set
        run_at = excluded.run_at, payload = excluded.payload, status = excluded.status, reason = excluded.reason
    -- What was done is done once.
    where jobs.status in ('scheduled', 'cancelled');
    return null;
end
$$;
revoke execute on function private.schedule_rule() from public;

create trigger schedule_automation_rules_of_new after insert on public.automation_rules
    for each row when (new.trigger = 'days_before_trip') execute function private.schedule_rule();
create trigger schedule_automation_rules after update on public.automation_rules
    for each row when (
        (old.trigger = 'days_before_trip' or new.trigger = 'days_before_trip')
        and (
            old.trigger <> new.trigger or old.is_enabled <> new.is_enabled
            or old.days_before is distinct from new.days_before
            or old.local_time is distinct from new.local_time
            or old.action ->> 'kind' <> new.action ->> 'kind'
        )
    )
    execute function private.schedule_rule();


-- Doing one ---------------------------------------------------------------------------------------------------------------------

-- Why it is not done, or null where it was.
create function private.do_job(job public.scheduled_jobs) returns text
language plpgsql security definer set search_path = '' as $$
declare
    rule public.automation_rules;
    said constant text := job.payload ->> 'text';
    one_line constant text := private.one_line(said, 200);
    result jsonb;
begin
    if not exists (
        select from private.trip_people as people where people.trip_id = job.trip_id and people.user_id = job.user_id
    ) then
        return 'left_trip';
    end if;
    if job.kind = 'reminder' then
        return private.tell_of_trip(
            job.user_id, job.trip_id, 'reminder', 'reminder', job.payload ->> 'channel',
            case when job.payload ->> 'channel' = 'bell' then one_line else said end,
            case when job.payload ->> 'channel' = 'bell' and one_line <> said then said end,
            'reminder:' || job.id
        );
    end if;
    select * into rule from public.automation_rules as rules where rules.id = job.rule_id;
    result := private.run_automation(
        rule, 'before', (select to_jsonb(trips) from public.trips where trips.id = job.trip_id), 1, false
    );
    -- Conditions that do not hold by then are no reason to try again, nor is a rule that was switched off.
    return case
        when result ->> 'reason' in ('left_trip', 'not_wanted', 'opted_out') then result ->> 'reason'
        when result ->> 'reason' is not null then 'not_wanted'
    end;
end
$$;
revoke execute on function private.do_job(public.scheduled_jobs) from public;

-- The task and what it does end together: whatever dies in between, either both have happened or neither. Said again, as by
-- somebody who never got the answer, it does nothing more.
create function public.run_scheduled_job(task uuid, token bigint) returns jsonb
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    held private.tasks;
    job public.scheduled_jobs;
    why text;
begin
    select * into held from private.tasks where id = run_scheduled_job.task and kind = 'run_scheduled_job';
    if not found then
        perform private.refuse_task(run_scheduled_job.task);
    end if;
    select * into job from public.scheduled_jobs where id = held.dedupe_key::uuid;
    if found then
        perform private.hold_person_and_trip(job.user_id, job.trip_id);
        select * into job from public.scheduled_jobs where id = held.dedupe_key::uuid for no key update;
    end if;
    perform private.finish(run_scheduled_job.task, run_scheduled_job.token);
    if job.id is null then
        return jsonb_build_object('job', held.dedupe_key, 'status', 'gone');
    end if;
    if job.status = 'scheduled' and job.run_at > clock_timestamp() then
        -- It was moved when its task was being done already.
        update private.tasks set
            status = 'waiting', run_at = job.run_at, attempts = 0, finished_at = null,
            payload = jsonb_build_object('job', job.id)
        where id = run_scheduled_job.task;
    elsif job.status = 'scheduled' and job.run_at is not null then
        why := private.do_job(job);
        update public.scheduled_jobs set
            status = case when why is null then 'done' else 'cancelled' end, reason = why, attempts = held.attempts
        where id = job.id
        returning * into job;
    end if;
    return jsonb_build_object('job', job.id, 'status', job.status, 'reason', job.reason, 'run_at', job.run_at);
end
$$;
comment on function public.run_scheduled_job(uuid, bigint) is 'Does a job that is due, and finishes its task: {"job", "status", "reason", "run_at"}. A job that was moved meanwhile is put back, and its task is not the caller''s any more. Refused as finish_task is.';
revoke execute on function public.run_scheduled_job(uuid, bigint) from public, anon, authenticated, service_role;
grant execute on function public.run_scheduled_job(uuid, bigint) to service_role;

-- Some thousands at once: each is told to its person, in the same transaction.
create function private.prune_scheduled_jobs(most integer default 5000) returns integer
language plpgsql security definer set search_path = '' as $$
declare
    gone integer;
begin
    delete from public.scheduled_jobs where id in (
        select id from public.scheduled_jobs
        where status <> 'scheduled' and updated_at < now() - interval '90 days'
        limit most for update skip locked
    );
    get diagnostics gone = row_count;
    return gone;
end
$$;
comment on function private.prune_scheduled_jobs(integer) is 'Throws away jobs that were over 90 days ago, so many at most; returns how many.';
revoke execute on function private.prune_scheduled_jobs(integer) from public;


-- For people ----------------------------------------------------------------------------------------------------------------------

-- When something is to be done, by an absolute moment or by days before a trip: checked, as {"run_at", "relative"}.
create function private.due(trip uuid, person uuid, run_at timestamptz, days_before integer, local_time time)
returns table (moment timestamptz, relative jsonb)
language plpgsql security definer set search_path = '' as $$
declare
    start_date date;
begin
    if (due.run_at is null) = (due.days_before is null) then
        perform private.refuse(
            'BAD_USER_INPUT', 'Say when: a moment, or how many days before the trip, and not both.', '{"field": "run_at"}'
        );
    elsif (due.days_before is null) <> (due.local_time is null) then
        perform private.refuse(
            'BAD_USER_INPUT', 'Days before a trip take a time of day, and a moment takes none.', '{"field": "local_time"}'
        );
    elsif due.days_before not between 0 and 365 then
        perform private.refuse('BAD_USER_INPUT', 'That is 0 to 365 days before the trip.', '{"field": "days_before"}');
    elsif due.local_time >= time '24:00' then
        perform private.refuse('BAD_USER_INPUT', 'A time of day is before 24:00.', '{"field": "local_time"}');
    end if;
    moment := due.run_at;
    relative := '{}';
    if due.days_before is not null then
        -- Whoever moves the trip or the clocks waits, and finds what is made of them, or was there before.
        select trips.start_date into start_date from public.trips where trips.id = due.trip for share;
        perform from public.user_preferences as preferences where preferences.user_id = due.person for share;
        if start_date is null then
            perform private.refuse('BAD_USER_INPUT', 'The trip has no first day yet.', '{"field": "days_before"}');
        end if;
        moment := private.moment_before(start_date, due.days_before, due.local_time, due.person);
        relative := jsonb_build_object('days_before', due.days_before, 'local_time', due.local_time);
    end if;
    if moment <= clock_timestamp() or moment >= timestamptz '10000-01-01 00:00Z' then
        perform private.refuse('BAD_USER_INPUT', case
            when moment <= clock_timestamp() then 'This moment is past.' else 'This moment is beyond the year 9999.'
        end, jsonb_build_object('field', case when due.run_at is null then 'days_before' else 'run_at' end));
    end if;
    return next;
end
$$;
revoke execute on function private.due(uuid, uuid, timestamptz, integer, time) from public;

create function public.schedule_reminder(
    trip uuid, text text, trip_item uuid default null, run_at timestamptz default null, days_before integer default null,
    local_time time default null, channel text default 'whatsapp', idempotency_key text default null
) returns setof public.scheduled_jobs
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    me constant uuid := auth.uid();
    key constant text := format('person:%s:%s', me, schedule_reminder.idempotency_key);
    due record;
    said jsonb;
    made public.scheduled_jobs;
begin
    if schedule_reminder.text is null or schedule_reminder.text !~ '\S' or char_length(schedule_reminder.text) > 1000 then
        perform private.refuse(
            'BAD_USER_INPUT', 'A reminder is 1 to 1,000 characters long, and not all of them are blank.', '{"field": "text"}'
        );
    end if;
    if char_length(schedule_reminder.idempotency_key) not between 1 and 200 then
        perform private.refuse(
            'BAD_USER_INPUT', 'A key is 1 to 200 characters long.', '{"field": "idempotency_key"}'
        );
    end if;
    if schedule_reminder.channel is null or schedule_reminder.channel not in ('whatsapp', 'bell') then
        perform private.refuse('BAD_USER_INPUT', 'People are reminded by whatsapp or bell.', '{"field": "channel"}');
    end if;
    if not exists (
        select from private.trip_people as people where people.trip_id = schedule_reminder.trip and people.user_id = me
    ) then
        perform private.refuse('NOT_FOUND', 'There is no such trip, or you may not see it.', '{"field": "trip"}');
    end if;
    if schedule_reminder.trip_item is not null and not exists (
        select from public.trip_items as items
        where items.id = schedule_reminder.trip_item and items.trip_id = schedule_reminder.trip
    ) then
        perform private.refuse('NOT_FOUND', 'There is no such item of this trip.', '{"field": "trip_item"}');
    end if;
    -- One at a time, or two at once would both count the same. Held as by who deletes them: person, trip, job.
    perform from public.profiles where profiles.id = me for no key update;
    perform from public.trips where trips.id = schedule_reminder.trip for key share;
    if schedule_reminder.idempotency_key is not null then
        select * into made from public.scheduled_jobs as jobs where jobs.dedupe_key = key;
        if found then
            if (made.trip_id, made.trip_item_id, made.payload ->> 'text', made.payload ->> 'channel')
                is distinct from (
                    schedule_reminder.trip, schedule_reminder.trip_item, schedule_reminder.text, schedule_reminder.channel
                )
            then
                perform private.refuse(
                    'CONFLICT', 'This key was used for something else.',
                    '{"reason": "KEY_REUSED", "field": "idempotency_key"}'
                );
            end if;
            return next made;
            return;
        end if;
    end if;
    select * into due from private.due(
        schedule_reminder.trip, me, schedule_reminder.run_at, schedule_reminder.days_before, schedule_reminder.local_time
    );
    if schedule_reminder.channel = 'whatsapp' and not private.whatsapp_opted_in(me) then
        perform private.refuse(
            'RECIPIENT_OPTED_OUT', 'You have not asked for messages by WhatsApp. Link your number first.',
            '{"field": "channel"}'
        );
    end if;
    if (
        select count(*) from public.scheduled_jobs as jobs
        where jobs.user_id = me and jobs.status = 'scheduled' and jobs.kind = 'reminder'
    ) >= 200 then
        perform private.refuse('RATE_LIMITED', 'You can have 200 reminders to come. Cancel one, or wait for one.');
    end if;
    said := jsonb_build_object('text', schedule_reminder.text, 'channel', schedule_reminder.channel);
    insert into public.scheduled_jobs (user_id, trip_id, trip_item_id, kind, run_at, payload, dedupe_key) values (
        me, schedule_reminder.trip, schedule_reminder.trip_item, 'reminder', due.moment, said || due.relative,
        case when schedule_reminder.idempotency_key is not null then key end
    )
    returning * into made;
    return next made;
end
$$;
comment on function public.schedule_reminder(uuid, text, uuid, timestamptz, integer, time, text, text) is 'Reminds the caller of a trip, or of an entry of it, at a moment or so many days before its first day at a time by their clocks. Refused with BAD_USER_INPUT for a moment that is past, NOT_FOUND for a trip that they may not see, RECIPIENT_OPTED_OUT where they have asked for nothing by WhatsApp, and RATE_LIMITED beyond 200 that are to come.';
revoke execute on function public.schedule_reminder(uuid, text, uuid, timestamptz, integer, time, text, text)
    from public, anon, authenticated, service_role;
grant execute on function public.schedule_reminder(uuid, text, uuid, timestamptz, integer, time, text, text)
    to authenticated;

-- The caller's own job, held for changing it.
create function private.my_job(job uuid) returns public.scheduled_jobs
language plpgsql security definer set search_path = '' as $$
declare
    mine public.scheduled_jobs;
begin
    select * into mine from public.scheduled_jobs as jobs where jobs.id = job and jobs.user_id = auth.uid();
    perform private.hold_person_and_trip(mine.user_id, mine.trip_id);
    -- Before the job, as private.due does.
    perform from public.trips where trips.id = mine.trip_id for share;
    perform from public.user_preferences as preferences where preferences.user_id = mine.user_id for share;
    select * into mine from public.scheduled_jobs as jobs
    where jobs.id = job and jobs.user_id = auth.uid() for no key update;
    if not found then
        perform private.refuse('NOT_FOUND', 'There is no such job, or you may not see it.', '{"field": "job"}');
    end if;
    return mine;
end
$$;
revoke execute on function private.my_job(uuid) from public;

create function private.refuse_ended_job() returns void language plpgsql security definer set search_path = '' as $$
begin
    perform private.refuse(
        'CONFLICT', 'This job is over: it was done, was cancelled or has failed.', '{"reason": "JOB_ENDED", "field": "job"}'
    );
end
$$;
revoke execute on function private.refuse_ended_job() from public;

create function public.cancel_scheduled_job(job uuid) returns setof public.scheduled_jobs
language plpgsql security definer set search_path = '' as $$
declare
    mine public.scheduled_jobs := private.my_job(job);
begin
    if mine.status = 'scheduled' then
        update public.scheduled_jobs as jobs set status = 'cancelled', reason = 'by_hand'
        where jobs.id = mine.id
        returning * into mine;
    elsif mine.status <> 'cancelled' then
        perform private.refuse_ended_job();
    end if;
    return next mine;
end
$$;
comment on function public.cancel_scheduled_job(uuid) is 'Cancels what is to be done for the caller; twice is no mistake. Refused with CONFLICT, JOB_ENDED, once it is over.';
revoke execute on function public.cancel_scheduled_job(uuid) from public, anon, authenticated, service_role;
grant execute on function public.cancel_scheduled_job(uuid) to authenticated;

create function public.move_scheduled_job(
    job uuid, run_at timestamptz default null, days_before integer default null, local_time time default null
) returns setof public.scheduled_jobs
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    mine public.scheduled_jobs := private.my_job(move_scheduled_job.job);
    due record;
begin
    if mine.status <> 'scheduled' then
        perform private.refuse_ended_job();
    end if;
    select * into due from private.due(
        mine.trip_id, mine.user_id, move_scheduled_job.run_at, move_scheduled_job.days_before,
        move_scheduled_job.local_time
    );
    update public.scheduled_jobs as jobs set
        run_at = due.moment, payload = (jobs.payload - array['days_before', 'local_time']) || due.relative
    where jobs.id = mine.id
    returning * into mine;
    return next mine;
end
$$;
comment on function public.move_scheduled_job(uuid, timestamptz, integer, time) is 'Moves what is to be done for the caller to another moment, or to so many days before the trip. Refused as schedule_reminder is, and with CONFLICT, JOB_ENDED, once it is over.';
revoke execute on function public.move_scheduled_job(uuid, timestamptz, integer, time)
    from public, anon, authenticated, service_role;
grant execute on function public.move_scheduled_job(uuid, timestamptz, integer, time) to authenticated;
