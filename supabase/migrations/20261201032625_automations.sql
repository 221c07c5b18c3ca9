SET local check_function_bodies = off;

CREATE TABLE "public"."automation_rules" (
  "id"          uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "trip_id"     uuid                     NOT NULL,
  "trigger"     text                     NOT NULL,
  "conditions"  jsonb                    NOT NULL DEFAULT '{}'::jsonb,
  "action"      jsonb                    NOT NULL,
  "days_before" integer,
  "local_time"  time without time zone,
  "is_enabled"  boolean                  NOT NULL DEFAULT true,
  "created_at"  timestamp with time zone NOT NULL DEFAULT now(),
  "updated_at"  timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "automation_rules_action_check"
    CHECK
    (((jsonb_typeof(action) = 'object'::text) AND ((action - ARRAY['kind'::text, 'text'::text]) = '{}'::jsonb) AND COALESCE(((action ->> 'kind'::text) = ANY
    (ARRAY['send_whatsapp'::text, 'notify'::text])),
    false) AND
    COALESCE(((jsonb_typeof((action -> 'text'::text)) = 'string'::text) AND ((action ->> 'text'::text) ~ '\S'::text) AND (char_length((action ->> 'text'::text)) <= 1000)), (NOT
    (action ? 'text'::text))))),
  CONSTRAINT "automation_rules_conditions_check" CHECK (((jsonb_typeof(conditions) = 'object'::text) AND (octet_length((conditions)::text) <= 8192))),
  CONSTRAINT "automation_rules_days_before_check" CHECK (((days_before >= 0) AND (days_before <= 365) AND ((days_before IS NOT NULL) = (trigger = 'days_before_trip'::text)))),
  CONSTRAINT "automation_rules_local_time_check" CHECK (((local_time < '24:00:00'::time without time zone) AND ((local_time IS NOT NULL) = (trigger = 'days_before_trip'::text)))),
  CONSTRAINT "automation_rules_pkey" PRIMARY KEY (id),
  CONSTRAINT "automation_rules_trigger_check"
    CHECK
    ((trigger = ANY (ARRAY['trip_status_changed'::text, 'item_created'::text, 'item_updated'::text, 'collaborator_joined'::text, 'vote_cast'::text, 'days_before_trip'::text]))),
  "user_id"     uuid                     NOT NULL DEFAULT auth.uid()
);

ALTER TABLE "public"."automation_rules"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."automation_rules" FROM "anon";

CREATE TABLE "public"."scheduled_jobs" (
  "id"           uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "trip_id"      uuid,
  "trip_item_id" uuid,
  "rule_id"      uuid,
  "kind"         text                     NOT NULL,
  "run_at"       timestamp with time zone,
  "payload"      jsonb                    NOT NULL DEFAULT '{}'::jsonb,
  "status"       text                     NOT NULL DEFAULT 'scheduled'::text,
  "reason"       text,
  "attempts"     integer                  NOT NULL DEFAULT 0,
  "dedupe_key"   text,
  "created_at"   timestamp with time zone NOT NULL DEFAULT now(),
  "updated_at"   timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "scheduled_jobs_attempts_check" CHECK ((attempts >= 0)),
  CONSTRAINT "scheduled_jobs_dedupe_key_check" CHECK (((char_length(dedupe_key) >= 1) AND (char_length(dedupe_key) <= 300))),
  CONSTRAINT "scheduled_jobs_dedupe_key_key" UNIQUE (dedupe_key),
  CONSTRAINT "scheduled_jobs_kind_check" CHECK ((kind = ANY (ARRAY['reminder'::text, 'automation'::text]))),
  CONSTRAINT "scheduled_jobs_payload_check" CHECK (((jsonb_typeof(payload) = 'object'::text) AND (octet_length((payload)::text) <= 8192))),
  CONSTRAINT "scheduled_jobs_pkey" PRIMARY KEY (id),
  CONSTRAINT "scheduled_jobs_reason_check"
    CHECK
    ((reason = ANY (ARRAY['by_hand'::text, 'trip_gone'::text, 'item_gone'::text, 'rule_gone'::text, 'left_trip'::text, 'opted_out'::text, 'not_wanted'::text, 'too_late'::text,
    'given_up'::text]))),
  CONSTRAINT "scheduled_jobs_run_at_check" CHECK (((run_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (run_at < '10000-01-01 00:00:00+00'::timestamp
    with time zone))),
  CONSTRAINT "scheduled_jobs_status_check" CHECK ((status = ANY (ARRAY['scheduled'::text, 'done'::text, 'failed'::text, 'cancelled'::text]))),
  "user_id"      uuid                     NOT NULL DEFAULT auth.uid()
);

ALTER TABLE "public"."scheduled_jobs"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."scheduled_jobs" FROM "anon";

CREATE OR REPLACE FUNCTION private.automation_columns (
  relation regclass
)
  RETURNS TABLE (
    field   text,
    name    text,
    type    text,
    choices text
  )
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select
        found.field, attname::text,
        case when atttypid in ('smallint'::regtype, 'integer'::regtype) then 'numeric' else format_type(atttypid, null) end,
        (
            select pg_get_constraintdef(pg_constraint.oid) from pg_catalog.pg_constraint
            where conrelid = attrelid and contype = 'c' and conkey = array[attnum] and atttypid = 'text'::regtype
                and pg_get_constraintdef(pg_constraint.oid) like '%= ANY (%'
        )
    from pg_catalog.pg_attribute
    cross join lateral (
        select string_agg(case when place = 1 then part else initcap(part) end, '' order by place) as field
        from regexp_split_to_table(attname, '_') with ordinality as parts (part, place)
    ) as found
    where attrelid = relation and attnum > 0 and not attisdropped
        and format_type(atttypid, null) in (
            'text', 'uuid', 'smallint', 'integer', 'numeric', 'boolean', 'date', 'timestamp with time zone'
        )
$function$;

CREATE OR REPLACE FUNCTION private.automation_table (
  trigger text
)
  RETURNS regclass
  LANGUAGE sql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
    select case
        when trigger in ('trip_status_changed', 'days_before_trip') then 'public.trips'
        when trigger in ('item_created', 'item_updated') then 'public.trip_items'
        when trigger = 'collaborator_joined' then 'public.collaborators'
        when trigger = 'vote_cast' then 'public.votes'
    end::regclass
$function$;

CREATE OR REPLACE FUNCTION private.automation_title (
  rule    public.automation_rules,
  changed jsonb
)
  RETURNS text
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select private.one_line(
        case rule.trigger
            when 'trip_status_changed' then format('“%s” is %s now', trips.title, case changed ->> 'status'
                when 'planning' then 'being planned' else changed ->> 'status'
            end)
            when 'item_created' then format('“%s” was added to “%s”', changed ->> 'title', trips.title)
            when 'item_updated' then format('“%s” of “%s” was changed', changed ->> 'title', trips.title)
            when 'collaborator_joined' then format('%s joined “%s”', person.display_name, trips.title)
            when 'vote_cast' then format('%s voted on “%s” of “%s”', person.display_name, items.title, trips.title)
            else format('“%s” begins %s', trips.title, case rule.days_before
                when 0 then 'today' when 1 then 'tomorrow' else format('in %s days', rule.days_before)
            end)
        end,
        200
    )
    from public.trips
    left join public.profiles as person on person.id = (changed ->> 'user_id')::uuid
    left join public.trip_items as items on items.id = (changed ->> 'trip_item_id')::uuid
    where trips.id = rule.trip_id
$function$;

CREATE OR REPLACE FUNCTION private.cancel_jobs (
  trip    uuid,
  person  uuid,
  reason  text,
  channel text DEFAULT NULL::text
)
  RETURNS void
  LANGUAGE sql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
    update public.scheduled_jobs as jobs set status = 'cancelled', reason = cancel_jobs.reason
    where jobs.user_id = person and jobs.status = 'scheduled'
        and (cancel_jobs.trip is null or jobs.trip_id = cancel_jobs.trip)
        and (cancel_jobs.channel is null or jobs.payload ->> 'channel' = cancel_jobs.channel)
$function$;

CREATE OR REPLACE FUNCTION private.cancel_leavers_jobs()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.cancel_jobs(old.trip_id, old.user_id, 'left_trip');
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.cancel_opted_out_jobs()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.cancel_jobs(null, old.user_id, 'opted_out', 'whatsapp');
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.cancel_owners_jobs()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    if not exists (
        select from private.trip_people as people where people.trip_id = new.id and people.user_id = old.user_id
    ) then
        perform private.cancel_jobs(new.id, old.user_id, 'left_trip');
    end if;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.cancel_pointless_job()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
    new.status := 'cancelled';
    new.reason := case
        when new.trip_id is null and old.trip_id is not null then 'trip_gone'
        when new.rule_id is null and old.rule_id is not null then 'rule_gone'
        else 'item_gone'
    end;
    return new;
end
$function$;

CREATE OR REPLACE FUNCTION private.check_automation_rule()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    -- What is no object, or no trigger, is told by the checks.
    if jsonb_typeof(new.conditions) = 'object' and private.automation_table(new.trigger) is not null then
        perform private.parsed_conditions(new.trigger, new.conditions);
    end if;
    return new;
end
$function$;

CREATE OR REPLACE FUNCTION private.condition_value (
  given   jsonb,
  type    text,
  choices text
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
declare
    said constant text := given #>> '{}';
begin
    if jsonb_typeof(given) not in ('string', 'number', 'boolean') or char_length(said) > 1000
        or (jsonb_typeof(given) = 'boolean') <> (type = 'boolean')
        or jsonb_typeof(given) = 'number' and type <> 'numeric'
        or type = 'numeric' and said !~ '^-?[0-9]{1,30}(\.[0-9]{1,30})?$'
        or type = 'date' and said !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'
        or type = 'timestamp with time zone'
            and said !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})$'
    then
        return null;
    end if;
    if choices is not null then
        return case when said = upper(said) and position(quote_literal(lower(said)) in choices) > 0 then lower(said) end;
    end if;
    execute format('select $1::%s', type) using said;
    return said;
exception
    when data_exception then return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.conditions_hold (
  trigger    text,
  conditions jsonb,
  changed    jsonb
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    compared record;
    holds boolean;
begin
    if conditions = '{}' then
        return true;
    end if;
    for compared in select * from private.parsed_conditions(conditions_hold.trigger, conditions_hold.conditions) loop
        execute format(
            case compared.operator
                when 'eq' then 'select $1::%1$s = $2[1]::%1$s'
                when 'neq' then 'select $1::%1$s <> $2[1]::%1$s'
                when 'distinctFrom' then 'select $1::%1$s is distinct from $2[1]::%1$s'
                when 'gt' then 'select $1::%1$s > $2[1]::%1$s'
                when 'gte' then 'select $1::%1$s >= $2[1]::%1$s'
                when 'lt' then 'select $1::%1$s < $2[1]::%1$s'
                when 'lte' then 'select $1::%1$s <= $2[1]::%1$s'
                when 'in' then 'select $1::%1$s = any ($2::%1$s[])'
                when 'notIn' then 'select $1::%1$s <> all ($2::%1$s[])'
                when 'like' then 'select $1 like $2[1]'
                when 'ilike' then 'select $1 ilike $2[1]'
                when 'contains' then 'select position($2[1] in $1) > 0'
                when 'startsWith' then 'select starts_with($1, $2[1])'
                when 'endsWith' then 'select right($1, char_length($2[1])) = $2[1]'
                when 'icontains' then 'select position(lower($2[1]) in lower($1)) > 0'
                when 'istartsWith' then 'select starts_with(lower($1), lower($2[1]))'
                when 'iendsWith' then 'select right(lower($1), char_length(lower($2[1]))) = lower($2[1])'
                when 'isNull' then 'select ($1 is null) = $2[1]::boolean'
            end,
            compared.type
        ) into holds using changed ->> compared.name, compared.given;
        if not coalesce(holds, false) then
            return false;
        end if;
    end loop;
    return true;
exception
    when others then return false;
end
$function$;

CREATE OR REPLACE FUNCTION private.do_job (
  job public.scheduled_jobs
)
  RETURNS text
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
  STABLE
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
        select trips.start_date into start_date from public.trips where trips.id = due.trip;
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

CREATE OR REPLACE FUNCTION private.end_given_up_job()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    update public.scheduled_jobs set
        status = case new.status when 'failed' then 'failed' else 'scheduled' end,
        reason = case new.status when 'failed' then 'given_up' end,
        attempts = new.attempts
    where id = (new.payload ->> 'job')::uuid and (status = 'scheduled' or status = 'failed');
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.enqueue_automations (
  trip    uuid,
  trigger text,
  changed jsonb
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    depth constant integer := coalesce(nullif(current_setting('automations.depth', true), '')::integer, 0) + 1;
    event constant text := format('%s:%s', pg_current_xact_id(), extract(epoch from now()));
    rule record;
begin
    if depth > 3 then
        return;
    end if;
    for rule in
        select rules.id, rules.user_id, rules.conditions from public.automation_rules as rules
        where rules.trip_id = enqueue_automations.trip and rules.trigger = enqueue_automations.trigger
            and rules.is_enabled
    loop
        if private.conditions_hold(enqueue_automations.trigger, rule.conditions, changed) then
            perform private.enqueue(
                'run_automation', 'user:' || rule.user_id,
                jsonb_build_object('rule', rule.id, 'event', event, 'row', changed, 'depth', depth),
                now(), format('automation:%s:%s', rule.id, event)
            );
        end if;
    end loop;
end
$function$;

CREATE OR REPLACE FUNCTION private.follow_trip_start (
  trip   uuid,
  person uuid
)
  RETURNS void
  LANGUAGE sql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
        where (found.trip_id = follow_trip_start.trip or found.user_id = follow_trip_start.person)
            and found.payload ? 'days_before'
            and (found.status = 'scheduled' or found.reason = 'too_late')
    ) as due
    where due.id = jobs.id and (jobs.run_at is distinct from due.at or (jobs.status = 'cancelled') <> due.too_late)
$function$;

CREATE OR REPLACE FUNCTION private.hold_person_and_trip (
  person uuid,
  trip   uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform from public.profiles where profiles.id = person for key share;
    perform from public.trips where trips.id = trip for key share;
end
$function$;

CREATE OR REPLACE FUNCTION private.keep_job_task()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION private.limit_automation_rules()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    -- One at a time, or two at once would both count the same.
    perform from public.profiles where profiles.id = new.user_id for no key update;
    if (select count(*) from public.automation_rules as rules where rules.user_id = new.user_id) > 100 then
        perform private.refuse('RATE_LIMITED', 'You can have 100 rules. Delete one that you do not need.');
    end if;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.moment_before (
  start_date date,
  days       integer,
  local_time time without time zone,
  person     uuid
)
  RETURNS timestamp WITH time zone
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select case
        when start_date is not null then greatest(
            private.local_instant(start_date - days + local_time, private.zone_of(person)), timestamptz '0001-01-01 00:00Z'
        )
    end
$function$;

CREATE OR REPLACE FUNCTION private.move_persons_jobs()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.follow_trip_start(null, new.user_id);
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.move_trips_jobs()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.follow_trip_start(new.id, null);
    return null;
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
    select * into mine from public.scheduled_jobs as jobs
    where jobs.id = job and jobs.user_id = auth.uid() for no key update;
    if not found then
        perform private.refuse('NOT_FOUND', 'There is no such job, or you may not see it.', '{"field": "job"}');
    end if;
    return mine;
end
$function$;

CREATE OR REPLACE FUNCTION private.notice_of_trip()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    if exists (select from public.automation_rules where trip_id = new.trip_id and trigger = tg_argv[0] and is_enabled) then
        perform private.enqueue_automations(new.trip_id, tg_argv[0], to_jsonb(new));
    end if;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.notice_trip()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    if exists (select from public.automation_rules where trip_id = new.id and trigger = tg_argv[0] and is_enabled) then
        perform private.enqueue_automations(new.id, tg_argv[0], to_jsonb(new));
    end if;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.parsed_conditions (
  trigger    text,
  conditions jsonb
)
  RETURNS TABLE (
    name     text,
    type     text,
    operator text,
    given    text[]
  )
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
    relation constant regclass := private.automation_table(parsed_conditions.trigger);
    of_column record;
    compared record;
    one record;
    each jsonb;
    counted integer := 0;
    -- The votes' numbers have names in the API.
    votes constant jsonb := '{"UP": 1, "NEUTRAL": 0, "DOWN": -1}';
begin
    for of_column in select * from jsonb_each(parsed_conditions.conditions) as part (field, operators) loop
        select * into one from private.automation_columns(relation) as known where known.field = of_column.field;
        if not found then
            perform private.refuse_condition(format(
                'conditions.%s: what is compared is one of %s.', private.one_line(of_column.field, 50),
                (select string_agg(known.field, ', ' order by known.field) from private.automation_columns(relation) as known)
            ));
        end if;
        if jsonb_typeof(of_column.operators) <> 'object' or of_column.operators = '{}' then
            perform private.refuse_condition(format(
                'conditions.%s: say how it is compared, as {"eq": …}.', of_column.field
            ));
        end if;
        for compared in select * from jsonb_each(of_column.operators) as part (operator, value) loop
            counted := counted + 1;
            if counted > 10 then
                perform private.refuse_condition('A rule makes at most 10 comparisons.');
            end if;
            if compared.operator <> all (
                array['eq', 'neq', 'distinctFrom', 'in', 'notIn', 'isNull']
                || case
                    when one.choices is not null or one.type in ('boolean', 'uuid') then '{}'
                    else array['gt', 'gte', 'lt', 'lte']
                end
                || case
                    when one.type = 'text' and one.choices is null then array[
                        'like', 'ilike', 'contains', 'startsWith', 'endsWith', 'icontains', 'istartsWith', 'iendsWith'
                    ]
                    else '{}'
                end
            ) then
                perform private.refuse_condition(format(
                    'conditions.%s: there is no operator %s for it.', of_column.field, private.one_line(compared.operator, 50)
                ));
            end if;
            name := one.name;
            type := one.type;
            operator := compared.operator;
            given := '{}';
            if operator = 'isNull' then
                if jsonb_typeof(compared.value) <> 'boolean' then
                    perform private.refuse_condition(format('conditions.%s.isNull is true or false.', of_column.field));
                end if;
                given := array[compared.value #>> '{}'];
            elsif operator in ('in', 'notIn') and jsonb_typeof(compared.value) <> 'array' then
                perform private.refuse_condition(format('conditions.%s.%s is a list.', of_column.field, operator));
            else
                for each in
                    select value from jsonb_array_elements(
                        case when operator in ('in', 'notIn') then compared.value else jsonb_build_array(compared.value) end
                    )
                loop
                    if relation = 'public.votes'::regclass and one.name = 'value' and jsonb_typeof(each) = 'string' then
                        each := votes -> (each #>> '{}');
                    end if;
                    given := given || coalesce(private.condition_value(each, one.type, one.choices), e'\n');
                end loop;
                if e'\n' = any (given) or cardinality(given) > 100 then
                    perform private.refuse_condition(format(
                        'conditions.%s.%s: %s', of_column.field, operator, case
                            when cardinality(given) > 100 then 'a list has at most 100 values.'
                            when one.choices is not null then 'there is no such choice; they are ' || upper((
                                select string_agg(choice[1], ', ')
                                from regexp_matches(one.choices, '''([a-z_]+)''', 'g') as choice
                            )) || '.'
                            else 'this is not ' || case one.type
                                when 'numeric' then 'a number.'
                                when 'date' then 'a date, as "2027-05-01".'
                                when 'timestamp with time zone' then 'a moment, as "2027-05-01T10:00:00Z".'
                                when 'boolean' then 'true or false.'
                                when 'uuid' then 'an id.'
                                else 'a text of at most 1,000 characters.'
                            end
                        end
                    ));
                end if;
                -- Postgres refuses such a pattern once a text comes that far.
                if operator in ('like', 'ilike') and given[1] ~ '(^|[^\\])(\\\\)*\\$' then
                    perform private.refuse_condition(format(
                        'conditions.%s.%s: a pattern does not end with a single \.', of_column.field, operator
                    ));
                end if;
            end if;
            return next;
        end loop;
    end loop;
end
$function$;

CREATE OR REPLACE FUNCTION private.prune_scheduled_jobs (
  most integer DEFAULT 5000
)
  RETURNS integer
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION private.refuse_condition (
  message text
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.refuse('BAD_USER_INPUT', message, '{"field": "conditions"}');
end
$function$;

CREATE OR REPLACE FUNCTION private.refuse_ended_job()
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.refuse(
        'CONFLICT', 'This job is over: it was done, was cancelled or has failed.', '{"reason": "JOB_ENDED", "field": "job"}'
    );
end
$function$;

CREATE OR REPLACE FUNCTION private.run_automation (
  rule    public.automation_rules,
  event   text,
  changed jsonb,
  depth   integer,
  dry_run boolean
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    before constant text := coalesce(current_setting('automations.depth', true), '');
    channel constant text := case rule.action ->> 'kind' when 'notify' then 'bell' else 'whatsapp' end;
    title text;
    reason text;
begin
    if not exists (
        select from private.trip_people as people where people.trip_id = rule.trip_id and people.user_id = rule.user_id
    ) then
        reason := 'left_trip';
    elsif not rule.is_enabled and not dry_run then
        reason := 'disabled';
    elsif changed is null then
        reason := 'no_row';
    elsif not private.conditions_hold(rule.trigger, rule.conditions, changed) then
        reason := 'conditions';
    else
        title := private.automation_title(rule, changed);
        perform set_config('automations.depth', run_automation.depth::text, true);
        reason := private.tell_of_trip(
            rule.user_id, rule.trip_id, 'trip_changes', 'automation', channel, title, rule.action ->> 'text',
            format('automation:%s:%s', rule.id, event), dry_run
        );
        perform set_config('automations.depth', before, true);
    end if;
    return jsonb_build_object(
        'done', reason is null and not dry_run, 'reason', reason, 'channel', channel,
        'title', title, 'text', case when title is not null then rule.action ->> 'text' end
    );
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
    from public.trips where trips.id = new.trip_id;
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

CREATE OR REPLACE FUNCTION private.tell_of_trip (
  person     uuid,
  trip       uuid,
  topic      text,
  kind       text,
  channel    text,
  title      text,
  body       text,
  dedupe_key text,
  dry_run    boolean DEFAULT false
)
  RETURNS text
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    words constant text := private.one_line(concat_ws(': ', title, body), 1000);
begin
    if channel = 'whatsapp' and not private.whatsapp_opted_in(person) then
        return 'opted_out';
    end if;
    if not (private.may_notify(person, topic, channel) ->> 'allowed')::boolean then
        return 'not_wanted';
    end if;
    if dry_run then
        return null;
    end if;
    if channel = 'whatsapp' then
        perform private.send_whatsapp(jsonb_build_object(
            'dedupe_key', dedupe_key, 'recipient', person, 'trip', trip, 'topic', topic,
            'template', case topic when 'reminder' then 'trip_reminder' else 'trip_update' end,
            'parameters', jsonb_build_object(
                'trip', (select private.one_line(trips.title, 200) from public.trips where trips.id = tell_of_trip.trip),
                'text', words
            ),
            'text', words
        ));
    else
        perform private.notify(person, 'trips', kind, title, body, '/trips/' || trip, dedupe_key);
    end if;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.withdraw_owners_rules()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    delete from public.automation_rules
    where trip_id = new.id and user_id = old.user_id
        and not exists (
            select from private.trip_people as people where people.trip_id = new.id and people.user_id = old.user_id
        );
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.withdraw_rules()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    delete from public.automation_rules where trip_id = old.trip_id and user_id = old.user_id;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION public.automation_rules_by_ids (
  ids uuid[]
)
  RETURNS SETOF public.automation_rules
  LANGUAGE sql
  STABLE
  AS $function$
    select * from public.automation_rules where id = any (ids)
$function$;

REVOKE ALL ON FUNCTION "public"."automation_rules_by_ids"(uuid[]) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.cancel_scheduled_job (
  job uuid
)
  RETURNS SETOF public.scheduled_jobs
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

REVOKE ALL ON FUNCTION "public"."cancel_scheduled_job"(uuid) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.move_scheduled_job (
  job         uuid,
  run_at      timestamp with time zone DEFAULT NULL::timestamp WITH time zone,
  days_before integer                  DEFAULT NULL::integer,
  local_time  time without time zone   DEFAULT NULL::time WITHOUT time zone
)
  RETURNS SETOF public.scheduled_jobs
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

REVOKE ALL ON FUNCTION "public"."move_scheduled_job"(uuid, timestamp WITH time zone, integer, time WITHOUT time zone) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.run_automation_task (
  task  uuid,
  token bigint
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
    held private.tasks;
    rule public.automation_rules;
begin
    select * into held from private.tasks
    where id = run_automation_task.task and kind = 'run_automation' for no key update;
    if not found then
        perform private.refuse_task(run_automation_task.task);
    end if;
    perform private.finish(run_automation_task.task, run_automation_task.token);
    if held.status = 'done' then
        return jsonb_build_object('done', false, 'reason', 'done_before');
    end if;
    select * into rule from public.automation_rules where id = (held.payload ->> 'rule')::uuid;
    if not found then
        return jsonb_build_object('done', false, 'reason', 'rule_gone');
    end if;
    perform private.hold_person_and_trip(rule.user_id, rule.trip_id);
    return private.run_automation(
        rule, held.payload ->> 'event', held.payload -> 'row', (held.payload ->> 'depth')::integer, false
    );
end
$function$;

REVOKE ALL ON FUNCTION "public"."run_automation_task"(uuid, bigint) FROM PUBLIC, "anon", "authenticated";

CREATE OR REPLACE FUNCTION public.run_scheduled_job (
  task  uuid,
  token bigint
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

REVOKE ALL ON FUNCTION "public"."run_scheduled_job"(uuid, bigint) FROM PUBLIC, "anon", "authenticated";

CREATE OR REPLACE FUNCTION public.schedule_reminder (
  trip            uuid,
  text            text,
  trip_item       uuid                     DEFAULT NULL::uuid,
  run_at          timestamp with time zone DEFAULT NULL::timestamp WITH time zone,
  days_before     integer                  DEFAULT NULL::integer,
  local_time      time without time zone   DEFAULT NULL::time WITHOUT time zone,
  channel         text                     DEFAULT 'whatsapp'::text,
  idempotency_key text                     DEFAULT NULL::text
)
  RETURNS SETOF public.scheduled_jobs
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

REVOKE ALL ON FUNCTION "public"."schedule_reminder"(uuid, text, uuid, timestamp WITH time zone, integer, time WITHOUT time zone, text, text) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.scheduled_jobs_by_ids (
  ids uuid[]
)
  RETURNS SETOF public.scheduled_jobs
  LANGUAGE sql
  STABLE
  AS $function$
    select * from public.scheduled_jobs where id = any (ids)
$function$;

REVOKE ALL ON FUNCTION "public"."scheduled_jobs_by_ids"(uuid[]) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.trigger_automation (
  rule    uuid,
  dry_run boolean DEFAULT true
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
    mine public.automation_rules;
    changed jsonb;
begin
    select * into mine from public.automation_rules
    where id = trigger_automation.rule and user_id = (select auth.uid());
    if not found then
        perform private.refuse('NOT_FOUND', 'There is no such rule, or you may not see it.', '{"field": "rule"}');
    end if;
    perform private.hold_person_and_trip(mine.user_id, mine.trip_id);
    execute format(
        'select to_jsonb(found) from %s as found where %I = $1 order by updated_at desc limit 1',
        private.automation_table(mine.trigger),
        case when private.automation_table(mine.trigger) = 'public.trips'::regclass then 'id' else 'trip_id' end
    ) into changed using mine.trip_id;
    return private.run_automation(mine, 'by_hand:' || gen_random_uuid(), changed, 1, coalesce(dry_run, true));
end
$function$;

REVOKE ALL ON FUNCTION "public"."trigger_automation"(uuid, boolean) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.whole_automation_rules (
  public .automation_rules
)
  RETURNS SETOF public.automation_rules
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select ($1).*
$function$;

REVOKE ALL ON FUNCTION "public"."whole_automation_rules"(public.automation_rules) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.whole_scheduled_jobs (
  public .scheduled_jobs
)
  RETURNS SETOF public.scheduled_jobs
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select ($1).*
$function$;

REVOKE ALL ON FUNCTION "public"."whole_scheduled_jobs"(public.scheduled_jobs) FROM PUBLIC, "anon", "service_role";

ALTER TABLE "public"."automation_rules"
  ADD CONSTRAINT "fk_automation_rules_trip_id" FOREIGN KEY (trip_id) REFERENCES public.trips(id) ON DELETE CASCADE;

ALTER TABLE "public"."scheduled_jobs"
  ADD CONSTRAINT "fk_scheduled_jobs_rule_id" FOREIGN KEY (rule_id) REFERENCES public.automation_rules(id) ON DELETE SET NULL;

ALTER TABLE "public"."scheduled_jobs"
  ADD CONSTRAINT "fk_scheduled_jobs_trip_id" FOREIGN KEY (trip_id) REFERENCES public.trips(id) ON DELETE SET NULL;

ALTER TABLE "public"."scheduled_jobs"
  ADD CONSTRAINT "fk_scheduled_jobs_trip_item_id" FOREIGN KEY (trip_item_id) REFERENCES public.trip_items(id) ON DELETE SET NULL;

CREATE INDEX idx_automation_rules_trip_id_trigger ON public.automation_rules USING btree (trip_id, TRIGGER)
  WHERE is_enabled;

CREATE INDEX idx_automation_rules_trip_id ON public.automation_rules USING btree (trip_id);

CREATE INDEX idx_scheduled_jobs_rule_id ON public.scheduled_jobs USING btree (rule_id);

CREATE INDEX idx_scheduled_jobs_trip_id ON public.scheduled_jobs USING btree (trip_id);

CREATE INDEX idx_scheduled_jobs_trip_item_id ON public.scheduled_jobs USING btree (trip_item_id);

CREATE INDEX idx_scheduled_jobs_updated_at ON public.scheduled_jobs USING btree (updated_at)
  WHERE (status <> 'scheduled'::text);

CREATE TRIGGER end_given_up_jobs
  AFTER UPDATE OF status ON private.tasks
  FOR EACH ROW
  WHEN
    (((new.kind = 'run_scheduled_job'::text) AND (old.status <> new.status) AND ((new.status = 'failed'::text) OR ((new.status = 'waiting'::text) AND (old.status =
    'failed'::text)))))
  EXECUTE FUNCTION private.end_given_up_job();

CREATE TRIGGER broadcast_automation_rules_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.automation_rules
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_by_user_id('id');

CREATE TRIGGER check_automation_rules
  BEFORE INSERT OR UPDATE OF TRIGGER, conditions ON public.automation_rules
  FOR EACH ROW
  EXECUTE FUNCTION private.check_automation_rule();

CREATE TRIGGER expect_automation_rules_deletes
  AFTER DELETE ON public.automation_rules REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

CREATE TRIGGER expect_automation_rules_updates
  AFTER UPDATE ON public.automation_rules REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

CREATE TRIGGER limit_automation_rules
  AFTER INSERT ON public.automation_rules
  FOR EACH ROW
  EXECUTE FUNCTION private.limit_automation_rules();

CREATE TRIGGER schedule_automation_rules_of_new
  AFTER INSERT ON public.automation_rules
  FOR EACH ROW
  WHEN ((new.trigger = 'days_before_trip'::text))
  EXECUTE FUNCTION private.schedule_rule();

CREATE TRIGGER schedule_automation_rules
  AFTER UPDATE ON public.automation_rules
  FOR EACH ROW
  WHEN
    ((((old.trigger = 'days_before_trip'::text) OR (new.trigger = 'days_before_trip'::text)) AND ((old.trigger <> new.trigger) OR (old.is_enabled <> new.is_enabled) OR
    (old.days_before IS DISTINCT FROM new.days_before) OR (old.local_time IS DISTINCT FROM new.local_time) OR ((old.action ->> 'kind'::text) <> (new.action ->> 'kind'::text)))))
  EXECUTE FUNCTION private.schedule_rule();

CREATE TRIGGER set_automation_rules_updated_at
  BEFORE UPDATE ON public.automation_rules
  FOR EACH ROW
  EXECUTE FUNCTION private.set_updated_at();

CREATE TRIGGER cancel_collaborators_jobs
  AFTER DELETE ON public.collaborators
  FOR EACH ROW
  EXECUTE FUNCTION private.cancel_leavers_jobs();

CREATE TRIGGER notice_collaborators
  AFTER INSERT ON public.collaborators
  FOR EACH ROW
  EXECUTE FUNCTION private.notice_of_trip('collaborator_joined');

CREATE TRIGGER withdraw_collaborators_rules
  AFTER DELETE ON public.collaborators
  FOR EACH ROW
  EXECUTE FUNCTION private.withdraw_rules();

CREATE TRIGGER broadcast_scheduled_jobs_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.scheduled_jobs
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_by_user_id('id');

CREATE TRIGGER cancel_pointless_scheduled_jobs
  BEFORE UPDATE OF trip_id, trip_item_id, rule_id ON public.scheduled_jobs
  FOR EACH ROW
  WHEN (((new.status = 'scheduled'::text) AND (((new.trip_id IS NULL) AND (old.trip_id IS NOT NULL)) OR ((new.trip_item_id IS NULL) AND (old.trip_item_id IS
    NOT NULL)) OR ((new.rule_id IS NULL) AND (old.rule_id IS NOT NULL)))))
  EXECUTE FUNCTION private.cancel_pointless_job();

CREATE TRIGGER keep_scheduled_jobs_tasks_of_new
  AFTER INSERT OR DELETE ON public.scheduled_jobs
  FOR EACH ROW
  EXECUTE FUNCTION private.keep_job_task();

CREATE TRIGGER keep_scheduled_jobs_tasks
  AFTER UPDATE ON public.scheduled_jobs
  FOR EACH ROW
  WHEN (((old.status <> new.status) OR (old.run_at IS DISTINCT FROM new.run_at)))
  EXECUTE FUNCTION private.keep_job_task();

CREATE TRIGGER set_scheduled_jobs_updated_at
  BEFORE UPDATE ON public.scheduled_jobs
  FOR EACH ROW
  EXECUTE FUNCTION private.set_updated_at();

CREATE TRIGGER notice_trip_items_of_new
  AFTER INSERT ON public.trip_items
  FOR EACH ROW
  EXECUTE FUNCTION private.notice_of_trip('item_created');

CREATE TRIGGER notice_trip_items
  AFTER UPDATE ON public.trip_items
  FOR EACH ROW
  WHEN
    (((old.trip_id IS DISTINCT FROM new.trip_id) OR (old.place_id IS DISTINCT FROM new.place_id) OR (old.title IS DISTINCT FROM new.title) OR (old.notes IS DISTINCT FROM new.notes)
    OR (old.kind IS DISTINCT FROM new.kind) OR (old.day_number IS DISTINCT FROM new.day_number) OR (old.starts_at IS DISTINCT FROM new.starts_at) OR
    (old.ends_at IS DISTINCT FROM new.ends_at) OR (old.cost IS DISTINCT FROM new.cost) OR (old.details IS DISTINCT FROM new.details)))
  EXECUTE FUNCTION private.notice_of_trip('item_updated');

CREATE TRIGGER cancel_trips_jobs
  AFTER UPDATE OF user_id ON public.trips
  FOR EACH ROW
  WHEN ((old.user_id <> new.user_id))
  EXECUTE FUNCTION private.cancel_owners_jobs();

CREATE TRIGGER move_trips_jobs
  AFTER UPDATE OF start_date ON public.trips
  FOR EACH ROW
  WHEN ((old.start_date IS DISTINCT FROM new.start_date))
  EXECUTE FUNCTION private.move_trips_jobs();

CREATE TRIGGER notice_trips_status
  AFTER UPDATE OF status ON public.trips
  FOR EACH ROW
  WHEN ((old.status <> new.status))
  EXECUTE FUNCTION private.notice_trip('trip_status_changed');

CREATE TRIGGER withdraw_trips_rules
  AFTER UPDATE OF user_id ON public.trips
  FOR EACH ROW
  WHEN ((old.user_id <> new.user_id))
  EXECUTE FUNCTION private.withdraw_owners_rules();

CREATE TRIGGER move_persons_jobs
  AFTER UPDATE OF timezone ON public.user_preferences
  FOR EACH ROW
  WHEN ((old.timezone <> new.timezone))
  EXECUTE FUNCTION private.move_persons_jobs();

CREATE TRIGGER notice_votes_of_new
  AFTER INSERT ON public.votes
  FOR EACH ROW
  EXECUTE FUNCTION private.notice_of_trip('vote_cast');

CREATE TRIGGER notice_votes
  AFTER UPDATE OF VALUE ON public.votes
  FOR EACH ROW
  WHEN ((old.value <> new.value))
  EXECUTE FUNCTION private.notice_of_trip('vote_cast');

CREATE TRIGGER cancel_whatsapp_contacts_jobs_of_gone
  AFTER DELETE ON public.whatsapp_contacts
  FOR EACH ROW
  EXECUTE FUNCTION private.cancel_opted_out_jobs();

CREATE TRIGGER cancel_whatsapp_contacts_jobs
  AFTER UPDATE OF opted_out_at ON public.whatsapp_contacts
  FOR EACH ROW
  WHEN (((old.opted_out_at IS NULL) AND (new.opted_out_at IS NOT NULL)))
  EXECUTE FUNCTION private.cancel_opted_out_jobs();

COMMENT ON COLUMN "public"."automation_rules"."action" IS 'What is done: {"kind": "notify"} for the bell or {"kind": "send_whatsapp"}, with a text of the person''s own in "text", up to 1,000 characters long, or without one.';

COMMENT ON COLUMN "public"."automation_rules"."conditions" IS 'What has to be so, as in {"status": {"eq": "BOOKED"}}: at most 10 comparisons by the operators of filters, of fields of what it happens to; all of them must hold.';

COMMENT ON COLUMN "public"."automation_rules"."created_at" IS 'When the rule was made.';

COMMENT ON COLUMN "public"."automation_rules"."days_before" IS 'How many days before the trip''s first day, of rules of that trigger alone.';

COMMENT ON COLUMN "public"."automation_rules"."id" IS 'The rule''s id.';

COMMENT ON COLUMN "public"."automation_rules"."is_enabled" IS 'Whether it is done.';

COMMENT ON COLUMN "public"."automation_rules"."local_time" IS 'At which time of that day in the person''s time zone, of rules of that trigger alone.';

COMMENT ON COLUMN "public"."automation_rules"."trigger" IS 'What has to happen.';

COMMENT ON COLUMN "public"."automation_rules"."trip_id" IS 'The trip on which something has to happen.';

COMMENT ON COLUMN "public"."automation_rules"."updated_at" IS 'When the rule last changed.';

COMMENT ON COLUMN "public"."scheduled_jobs"."attempts" IS 'How often it was tried.';

COMMENT ON COLUMN "public"."scheduled_jobs"."created_at" IS 'When it was made.';

COMMENT ON COLUMN "public"."scheduled_jobs"."dedupe_key" IS 'What a second one of the same key is taken for the same by; null for none.';

COMMENT ON COLUMN "public"."scheduled_jobs"."id" IS 'The job''s id.';

COMMENT ON COLUMN "public"."scheduled_jobs"."kind" IS 'What is to be done.';

COMMENT ON COLUMN "public"."scheduled_jobs"."payload" IS 'What is to be said and on which channel, and of what is relative to the trip''s first day by how many days and at which time: {"text", "channel", "days_before", "local_time"}.';

COMMENT ON COLUMN "public"."scheduled_jobs"."reason" IS 'Why it was cancelled, or has failed; null otherwise.';

COMMENT ON COLUMN "public"."scheduled_jobs"."rule_id" IS 'The rule that made it; null where a person did, or the rule is gone.';

COMMENT ON COLUMN "public"."scheduled_jobs"."run_at" IS 'When it is due; null while it is relative to a trip without a first day.';

COMMENT ON COLUMN "public"."scheduled_jobs"."status" IS 'What has become of it.';

COMMENT ON COLUMN "public"."scheduled_jobs"."trip_id" IS 'The trip that it is about; null once that is gone.';

COMMENT ON COLUMN "public"."scheduled_jobs"."trip_item_id" IS 'The entry of the trip that it is about; null where it is about none, or that is gone.';

COMMENT ON COLUMN "public"."scheduled_jobs"."updated_at" IS 'When it last changed.';

COMMENT ON CONSTRAINT "automation_rules_action_check" ON "public"."automation_rules" IS 'An action has a kind, which is send_whatsapp or notify, perhaps a text of 1 to 1,000 characters that are not all blank, and nothing else.';

COMMENT ON CONSTRAINT "automation_rules_conditions_check" ON "public"."automation_rules" IS 'Conditions are a filter of at most 8 KiB, as {"status": {"eq": "BOOKED"}}.';

COMMENT ON CONSTRAINT "automation_rules_days_before_check" ON "public"."automation_rules" IS 'A rule of days before a trip says how many, 0 to 365; no other says any.';

COMMENT ON CONSTRAINT "automation_rules_local_time_check" ON "public"."automation_rules" IS 'A rule of days before a trip says a time of day before 24:00; no other says one.';

COMMENT ON CONSTRAINT "automation_rules_trigger_check" ON "public"."automation_rules" IS 'There is no such trigger.';

COMMENT ON CONSTRAINT "scheduled_jobs_attempts_check" ON "public"."scheduled_jobs" IS 'Attempts are counted from 0.';

COMMENT ON CONSTRAINT "scheduled_jobs_dedupe_key_check" ON "public"."scheduled_jobs" IS 'A key is 1 to 300 characters long.';

COMMENT ON CONSTRAINT "scheduled_jobs_kind_check" ON "public"."scheduled_jobs" IS 'There is no such kind of jobs.';

COMMENT ON CONSTRAINT "scheduled_jobs_payload_check" ON "public"."scheduled_jobs" IS 'What a job is to know is an object of at most 8 KiB.';

COMMENT ON CONSTRAINT "scheduled_jobs_reason_check" ON "public"."scheduled_jobs" IS 'There is no such reason to do nothing.';

COMMENT ON CONSTRAINT "scheduled_jobs_run_at_check" ON "public"."scheduled_jobs" IS 'A job is due between the years 1 and 9999.';

COMMENT ON CONSTRAINT "scheduled_jobs_status_check" ON "public"."scheduled_jobs" IS 'There is no such status of jobs.';

COMMENT ON FUNCTION "private"."cancel_jobs"(uuid, uuid, text, text) IS 'Cancels what is to come for a person: of a trip, of a channel, or all of it.';

COMMENT ON FUNCTION "private"."conditions_hold"(text, jsonb, jsonb) IS 'Whether a rule''s conditions hold of a row.';

COMMENT ON FUNCTION "private"."enqueue_automations"(uuid, text, jsonb) IS 'Writes down what the rules of a trip are to do, once something has happened to a row.';

COMMENT ON FUNCTION "private"."follow_trip_start"(uuid, uuid) IS 'Moves what is relative to the first day of a trip, or of all of a person''s, to where it is now.';

COMMENT ON FUNCTION "private"."moment_before"(date, integer, time without time zone, uuid) IS 'So many days before a day, at a time by a person''s clocks; null of no day.';

COMMENT ON FUNCTION "private"."parsed_conditions"(text, jsonb) IS 'The comparisons of a rule''s conditions; refused with BAD_USER_INPUT where one is none of a column that rows of the trigger have.';

COMMENT ON FUNCTION "private"."prune_scheduled_jobs"(integer) IS 'Throws away jobs that were over 90 days ago, so many at most; returns how many.';

COMMENT ON FUNCTION "private"."run_automation"(public.automation_rules, text, jsonb, integer, boolean) IS 'Does what a rule says of an event, or only says what it would: {"done", "reason", "channel", "title", "text"}.';

COMMENT ON FUNCTION "private"."tell_of_trip"(uuid, uuid, text, text, text, text, text, text, boolean) IS 'Tells a person something of a trip in the bell or by WhatsApp, once a key; returns why not, or null.';

COMMENT ON FUNCTION "public"."automation_rules_by_ids"(uuid[]) IS 'The rows of automation_rules with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."cancel_scheduled_job"(uuid) IS 'Cancels what is to be done for the caller; twice is no mistake. Refused with CONFLICT, JOB_ENDED, once it is over.';

COMMENT ON FUNCTION "public"."move_scheduled_job"(uuid, timestamp with time zone, integer, time without time zone) IS 'Moves what is to be done for the caller to another moment, or to so many days before the trip. Refused as schedule_reminder is, and with CONFLICT, JOB_ENDED, once it is over.';

COMMENT ON FUNCTION "public"."run_automation_task"(uuid, bigint) IS 'Does what a rule says of an event, and finishes the task of it. Refused as finish_task is.';

COMMENT ON FUNCTION "public"."run_scheduled_job"(uuid, bigint) IS 'Does a job that is due, and finishes its task: {"job", "status", "reason", "run_at"}. A job that was moved meanwhile is put back, and its task is not the caller''s any more. Refused as finish_task is.';

COMMENT ON FUNCTION "public"."schedule_reminder"(uuid, text, uuid, timestamp with time zone, integer, time without time zone, text, text) IS 'Reminds the caller of a trip, or of an entry of it, at a moment or so many days before its first day at a time by their clocks. Refused with BAD_USER_INPUT for a moment that is past, NOT_FOUND for a trip that they may not see, RECIPIENT_OPTED_OUT where they have asked for nothing by WhatsApp, and RATE_LIMITED beyond 200 that are to come.';

COMMENT ON FUNCTION "public"."scheduled_jobs_by_ids"(uuid[]) IS 'The rows of scheduled_jobs with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."trigger_automation"(uuid, boolean) IS 'Does what a rule of the caller''s says, of the row that something happened to last; or, as it is without a word, says what it would do.';

COMMENT ON FUNCTION "public"."whole_automation_rules"(public.automation_rules) IS 'The row of automation_rules itself.';

COMMENT ON FUNCTION "public"."whole_scheduled_jobs"(public.scheduled_jobs) IS 'The row of scheduled_jobs itself.';

COMMENT ON TABLE "public"."automation_rules" IS 'Something that is done for a person by itself when something happens on a trip.';

COMMENT ON TABLE "public"."scheduled_jobs" IS 'Something that is to be done for a person later, once.';

REVOKE ALL ON FUNCTION "private"."automation_columns"(regclass) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."automation_table"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."automation_title"(public.automation_rules, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."cancel_jobs"(uuid, uuid, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."cancel_leavers_jobs"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."cancel_opted_out_jobs"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."cancel_owners_jobs"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."cancel_pointless_job"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_automation_rule"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."condition_value"(jsonb, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."conditions_hold"(text, jsonb, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."do_job"(public.scheduled_jobs) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."due"(uuid, uuid, timestamp WITH time zone, integer, time WITHOUT time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."end_given_up_job"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."enqueue_automations"(uuid, text, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."follow_trip_start"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."hold_person_and_trip"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."keep_job_task"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."limit_automation_rules"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."moment_before"(date, integer, time WITHOUT time zone, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."move_persons_jobs"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."move_trips_jobs"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."my_job"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."notice_of_trip"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."notice_trip"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."parsed_conditions"(text, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."prune_scheduled_jobs"(integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."refuse_condition"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."refuse_ended_job"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."run_automation"(public.automation_rules, text, jsonb, integer, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."schedule_rule"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."tell_of_trip"(uuid, uuid, text, text, text, text, text, text, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."withdraw_owners_rules"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."withdraw_rules"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."automation_rules_by_ids"(uuid[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."cancel_scheduled_job"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."move_scheduled_job"(uuid, timestamp WITH time zone, integer, time WITHOUT time zone) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."run_automation_task"(uuid, bigint) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."run_scheduled_job"(uuid, bigint) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."schedule_reminder"(uuid, text, uuid, timestamp WITH time zone, integer, time WITHOUT time zone, text, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."scheduled_jobs_by_ids"(uuid[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."trigger_automation"(uuid, boolean) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."whole_automation_rules"(public.automation_rules) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."whole_scheduled_jobs"(public.scheduled_jobs) TO "authenticated";

REVOKE ALL ON TABLE "public"."automation_rules" FROM "authenticated";

REVOKE ALL ("action") ON TABLE "public"."automation_rules" FROM "authenticated";

GRANT INSERT ("action"), UPDATE ("action") ON TABLE "public"."automation_rules" TO "authenticated";

REVOKE ALL ("conditions") ON TABLE "public"."automation_rules" FROM "authenticated";

GRANT INSERT ("conditions"), UPDATE ("conditions") ON TABLE "public"."automation_rules" TO "authenticated";

REVOKE ALL ("days_before") ON TABLE "public"."automation_rules" FROM "authenticated";

GRANT INSERT ("days_before"), UPDATE ("days_before") ON TABLE "public"."automation_rules" TO "authenticated";

REVOKE ALL ("id") ON TABLE "public"."automation_rules" FROM "authenticated";

GRANT INSERT ("id") ON TABLE "public"."automation_rules" TO "authenticated";

REVOKE ALL ("is_enabled") ON TABLE "public"."automation_rules" FROM "authenticated";

GRANT INSERT ("is_enabled"), UPDATE ("is_enabled") ON TABLE "public"."automation_rules" TO "authenticated";

REVOKE ALL ("local_time") ON TABLE "public"."automation_rules" FROM "authenticated";

GRANT INSERT ("local_time"), UPDATE ("local_time") ON TABLE "public"."automation_rules" TO "authenticated";

REVOKE ALL ("trigger") ON TABLE "public"."automation_rules" FROM "authenticated";

GRANT INSERT ("trigger"), UPDATE ("trigger") ON TABLE "public"."automation_rules" TO "authenticated";

REVOKE ALL ("trip_id") ON TABLE "public"."automation_rules" FROM "authenticated";

GRANT INSERT ("trip_id") ON TABLE "public"."automation_rules" TO "authenticated";

GRANT DELETE, SELECT ON TABLE "public"."automation_rules" TO "authenticated";

GRANT DELETE, INSERT, MAINTAIN, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE ON TABLE "public"."automation_rules" TO "service_role";

REVOKE ALL ON TABLE "public"."scheduled_jobs" FROM "authenticated";

GRANT SELECT ON TABLE "public"."scheduled_jobs" TO "authenticated";

REVOKE ALL ON TABLE "public"."scheduled_jobs" FROM "service_role";

GRANT SELECT ON TABLE "public"."scheduled_jobs" TO "service_role";

ALTER TABLE "public"."automation_rules"
  ADD CONSTRAINT "fk_automation_rules_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

CREATE VIEW "public"."automation_rules_by_created_at_desc_reversed" WITH (security_invoker=true) AS  SELECT id,
    user_id,
    trip_id,
    trigger,
    conditions,
    action,
    days_before,
    local_time,
    is_enabled,
    created_at,
    updated_at
   FROM public.automation_rules
  ORDER BY created_at, id DESC;

REVOKE ALL ON TABLE "public"."automation_rules_by_created_at_desc_reversed" FROM "anon", "service_role";

CREATE VIEW "public"."automation_rules_by_created_at_desc" WITH (security_invoker=true) AS  SELECT id,
    user_id,
    trip_id,
    trigger,
    conditions,
    action,
    days_before,
    local_time,
    is_enabled,
    created_at,
    updated_at
   FROM public.automation_rules
  ORDER BY created_at DESC, id;

REVOKE ALL ON TABLE "public"."automation_rules_by_created_at_desc" FROM "anon", "service_role";

CREATE INDEX idx_automation_rules_user_id_created_at ON public.automation_rules USING btree (user_id, created_at DESC);

CREATE POLICY "People can change their own rules" ON "public"."automation_rules"
  FOR UPDATE
  TO "authenticated"
  USING (((user_id = ( SELECT auth.uid() AS uid)) AND (trip_id = ANY (ARRAY( SELECT private.my_trip_ids() AS my_trip_ids)))))
  WITH CHECK (((user_id = ( SELECT auth.uid() AS uid)) AND (trip_id = ANY (ARRAY( SELECT private.my_trip_ids() AS my_trip_ids)))));

CREATE POLICY "People can delete their own rules" ON "public"."automation_rules"
  FOR DELETE
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "People can make rules for trips they take part in" ON "public"."automation_rules"
  FOR INSERT
  TO "authenticated"
  WITH CHECK (((user_id = ( SELECT auth.uid() AS uid)) AND (trip_id = ANY (ARRAY( SELECT private.my_trip_ids() AS my_trip_ids)))));

CREATE POLICY "People can view their own rules" ON "public"."automation_rules"
  FOR SELECT
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)));

COMMENT ON COLUMN "public"."automation_rules"."user_id" IS 'The person whose rule it is, who alone sees it, and who is told.';

COMMENT ON VIEW "public"."automation_rules_by_created_at_desc" IS 'The rows of automation_rules, ordered by created_at desc, id.';

COMMENT ON VIEW "public"."automation_rules_by_created_at_desc_reversed" IS 'The same as automation_rules_by_created_at_desc, from its end.';

REVOKE ALL ("user_id") ON TABLE "public"."automation_rules" FROM "authenticated";

GRANT INSERT ("user_id") ON TABLE "public"."automation_rules" TO "authenticated";

REVOKE ALL ON TABLE "public"."automation_rules_by_created_at_desc" FROM "authenticated";

GRANT SELECT ON TABLE "public"."automation_rules_by_created_at_desc" TO "authenticated";

REVOKE ALL ON TABLE "public"."automation_rules_by_created_at_desc_reversed" FROM "authenticated";

GRANT SELECT ON TABLE "public"."automation_rules_by_created_at_desc_reversed" TO "authenticated";

ALTER TABLE "public"."scheduled_jobs"
  ADD CONSTRAINT "fk_scheduled_jobs_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

CREATE INDEX idx_scheduled_jobs_user_id_run_at ON public.scheduled_jobs USING btree (user_id, run_at);

CREATE POLICY "People can view what is to be done for them" ON "public"."scheduled_jobs"
  FOR SELECT
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)));

COMMENT ON COLUMN "public"."scheduled_jobs"."user_id" IS 'The person for whom it is, and who alone sees it.';


-- From program/009_whatsapp.sql

-- The templates that are to be approved at WhatsApp, what messages cost in US dollars, and where numbers are from. The rates
-- are some to begin with: put in those of your account from the day on which they hold. * is for countries without one.
-- rows of private.whatsapp_templates by name, language: category, parameters, body, is_for_people
-- rows of private.whatsapp_rates by country, category, valid_from: price
-- rows of private.calling_codes by prefix: country
insert into private.whatsapp_templates (name, language, category, parameters, body, is_for_people) values
    (
        'verification_code', 'en', 'authentication', '{code}',
        '{{code}} is your verification code. For your security, do not share this code.', false
    ),
    ('trip_reminder', 'en', 'utility', '{trip,text}', 'Your reminder for “{{trip}}”: {{text}}. Reply STOP to end messages.', false),
    ('trip_update', 'en', 'utility', '{trip,text}', 'News of “{{trip}}”: {{text}}. Reply STOP to end messages.', false),
    (
        'trip_message', 'en', 'utility', '{sender,trip,text}',
        '{{sender}} writes about “{{trip}}”: {{text}}. Reply STOP to end messages.', true
    ),
    ('trip_ideas', 'en', 'marketing', '{text}', 'An idea for your next trip: {{text}}. Reply STOP to end messages.', false)
on conflict (name, language) do update set
    category = excluded.category, parameters = excluded.parameters, body = excluded.body,
    is_for_people = excluded.is_for_people;

insert into private.whatsapp_rates (country, category, valid_from, price)
select rates.country, prices.category, '2025-07-01', prices.price
from (values
    ('IT', 0.0691, 0.0300, 0.0300),
    ('DE', 0.1365, 0.0550, 0.0550),
    ('FR', 0.0859, 0.0300, 0.0300),
    ('ES', 0.0615, 0.0200, 0.0200),
    ('GB', 0.0529, 0.0220, 0.0220),
    ('NL', 0.1597, 0.0500, 0.0500),
    ('US', 0.0250, 0.0040, 0.0040),
    ('CA', 0.0250, 0.0040, 0.0040),
    ('BR', 0.0625, 0.0068, 0.0068),
    ('MX', 0.0305, 0.0085, 0.0085),
    ('IN', 0.0118, 0.0014, 0.0014),
    ('ID', 0.0411, 0.0250, 0.0250),
    ('*', 0.1597, 0.0550, 0.0550)
) as rates (country, marketing, utility, authentication)
cross join lateral (values
    ('marketing', rates.marketing), ('utility', rates.utility), ('authentication', rates.authentication)
) as prices (category, price)
on conflict (country, category, valid_from) do update set price = excluded.price;

insert into private.calling_codes (prefix, country) values
    ('1', 'US'), ('1204', 'CA'), ('1226', 'CA'), ('1236', 'CA'), ('1249', 'CA'), ('1250', 'CA'), ('1289', 'CA'),
    ('1306', 'CA'), ('1343', 'CA'), ('1365', 'CA'), ('1403', 'CA'), ('1416', 'CA'), ('1418', 'CA'), ('1431', 'CA'),
    ('1437', 'CA'), ('1438', 'CA'), ('1450', 'CA'), ('1506', 'CA'), ('1514', 'CA'), ('1519', 'CA'), ('1548', 'CA'),
    ('1579', 'CA'), ('1581', 'CA'), ('1587', 'CA'), ('1604', 'CA'), ('1613', 'CA'), ('1639', 'CA'), ('1647', 'CA'),
    ('1705', 'CA'), ('1709', 'CA'), ('1778', 'CA'), ('1780', 'CA'), ('1782', 'CA'), ('1807', 'CA'), ('1819', 'CA'),
    ('1825', 'CA'), ('1867', 'CA'), ('1873', 'CA'), ('1902', 'CA'), ('1905', 'CA'), ('7', 'RU'), ('76', 'KZ'),
    ('77', 'KZ'), ('20', 'EG'), ('27', 'ZA'), ('30', 'GR'), ('31', 'NL'), ('32', 'BE'), ('33', 'FR'),
    ('34', 'ES'), ('36', 'HU'), ('39', 'IT'), ('40', 'RO'), ('41', 'CH'), ('43', 'AT'), ('44', 'GB'),
    ('45', 'DK'), ('46', 'SE'), ('47', 'NO'), ('48', 'PL'), ('49', 'DE'), ('51', 'PE'), ('52', 'MX'),
    ('54', 'AR'), ('55', 'BR'), ('56', 'CL'), ('57', 'CO'), ('60', 'MY'), ('61', 'AU'), ('62', 'ID'),
    ('63', 'PH'), ('64', 'NZ'), ('65', 'SG'), ('66', 'TH'), ('81', 'JP'), ('82', 'KR'), ('84', 'VN'),
    ('86', 'CN'), ('90', 'TR'), ('91', 'IN'), ('92', 'PK'), ('94', 'LK'), ('212', 'MA'), ('216', 'TN'),
    ('234', 'NG'), ('254', 'KE'), ('351', 'PT'), ('352', 'LU'), ('353', 'IE'), ('354', 'IS'), ('356', 'MT'),
    ('357', 'CY'), ('358', 'FI'), ('359', 'BG'), ('370', 'LT'), ('371', 'LV'), ('372', 'EE'), ('380', 'UA'),
    ('381', 'RS'), ('385', 'HR'), ('386', 'SI'), ('420', 'CZ'), ('421', 'SK'), ('852', 'HK'), ('886', 'TW'),
    ('880', 'BD'), ('966', 'SA'), ('971', 'AE'), ('972', 'IL')
on conflict (prefix) do update set country = excluded.country;

-- What may have been sent, of which nothing was heard, and codes that are over.
-- rows of cron.job by jobname: schedule, command where jobname like 'whatsapp-%'
select cron.schedule('whatsapp-settle-unknown', '*/5 * * * *', 'select private.settle_unknown_whatsapp()');
select cron.schedule('whatsapp-prune', '57 3 * * *', 'select private.prune_whatsapp()');
-- Some thousands at once, several times a night.
select cron.schedule('whatsapp-prune-jobs', '*/10 5 * * *', 'select private.prune_scheduled_jobs()');

-- Who sends, and who does what is to come for people: reminders and rules.
-- rows of private.task_kinds by kind: function where kind in ('send_whatsapp', 'run_scheduled_job', 'run_automation')
insert into private.task_kinds (kind, function) values
    ('send_whatsapp', 'send-whatsapp-message'), ('run_scheduled_job', 'schedule-reminder'),
    ('run_automation', 'trigger-automation')
on conflict (kind) do update set function = excluded.function;
