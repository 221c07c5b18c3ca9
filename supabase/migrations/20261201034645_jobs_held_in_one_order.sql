SET local check_function_bodies = off;

DROP FUNCTION "private"."cancel_jobs"(uuid, uuid, text, text);

DROP FUNCTION "private"."follow_trip_start"(uuid, uuid);

CREATE OR REPLACE FUNCTION private.cancel_jobs (
  trip    uuid,
  person  uuid,
  reason  text,
  channel text DEFAULT NULL::text
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION private.due (
  trip        uuid,
  person      uuid,
  run_at      timestamp with time zone,
  days_before integer,
  local_time  time without time zone
)
  RETURNS TABLE (
    moment   timestamp with time zone,
    relative jsonb
  )
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION private.follow_trip_start (
  trip   uuid,
  person uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION private.my_job (
  job uuid
)
  RETURNS public.scheduled_jobs
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION private.schedule_rule()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

COMMENT ON FUNCTION "private"."cancel_jobs"(uuid, uuid, text, text) IS 'Cancels what is to come for a person: of a trip, of a channel, or all of it.';

COMMENT ON FUNCTION "private"."follow_trip_start"(uuid, uuid) IS 'Moves what is relative to the first day of a trip, or of all of a person''s, to where it is now.';

REVOKE ALL ON FUNCTION "private"."cancel_jobs"(uuid, uuid, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."follow_trip_start"(uuid, uuid) FROM PUBLIC;
