-- What is done for people by itself: conditions, which the gateway's filters are the syntax of; events, written down in the
-- transaction that makes them; and what is done, by whoever does tasks.


-- Conditions --------------------------------------------------------------------------------------------------------------

-- The table whose rows a trigger is about.
create function private.automation_table(trigger text) returns regclass
language sql immutable set search_path = '' as $$
    select case
        when trigger in ('trip_status_changed', 'days_before_trip') then 'public.trips'
        when trigger in ('item_created', 'item_updated') then 'public.trip_items'
        when trigger = 'collaborator_joined' then 'public.collaborators'
        when trigger = 'vote_cast' then 'public.votes'
    end::regclass
$$;
revoke execute on function private.automation_table(text) from public;

-- The columns of a table that can be compared, by their fields' names in the API: as what, and of those with a closed set of
-- texts the check that tells them, whose names in the API are in capitals.
create function private.automation_columns(relation regclass)
returns table (field text, name text, type text, choices text)
language sql stable set search_path = '' as $$
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
$$;
revoke execute on function private.automation_columns(regclass) from public;

create function private.refuse_condition(message text) returns void
language plpgsql security definer set search_path = '' as $$
begin
    perform private.refuse('BAD_USER_INPUT', message, '{"field": "conditions"}');
end
$$;
revoke execute on function private.refuse_condition(text) from public;

-- A value as Postgres reads one of this type; null where it is none. What means another thing each time, as `now`, is none.
create function private.condition_value(given jsonb, type text, choices text) returns text
language plpgsql stable set search_path = '' as $$
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
$$;
revoke execute on function private.condition_value(jsonb, text, text) from public;

-- Each comparison of conditions, checked: the column, its type, the operator, and the value, or those of a list.
create function private.parsed_conditions(trigger text, conditions jsonb)
returns table (name text, type text, operator text, given text[])
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
declare
    relation constant regclass := private.automation_table(parsed_conditions.trigger);
    of_column record;
    compared record;
    one record;
    each jsonb;
    counted integer := 0;
    compared_with integer := 0;
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
                compared_with := compared_with + cardinality(given);
                if compared_with > 100 then
                    perform private.refuse_condition('A rule compares with at most 100 values.');
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
$$;
comment on function private.parsed_conditions(text, jsonb) is 'The comparisons of a rule''s conditions; refused with BAD_USER_INPUT where one is none of a column that rows of the trigger have.';
revoke execute on function private.parsed_conditions(text, jsonb) from public;

-- Of text, numbers and so on, as columns of that type are compared; null where it is of a null.
create function private.compares(said text, type text, operator text, given text[]) returns boolean
language plpgsql stable set search_path = '' as $$
declare
    is_less boolean;
    is_same boolean;
begin
    if operator = 'isNull' then
        return (said is null) = given[1]::boolean;
    elsif operator = 'distinctFrom' and said is null then
        return true;
    elsif operator in ('eq', 'neq', 'distinctFrom', 'in', 'notIn') then
        is_same := case type
            when 'numeric' then said::numeric = any (given::numeric[])
            when 'timestamp with time zone' then said::timestamptz = any (given::timestamptz[])
            when 'date' then said::date = any (given::date[])
            when 'uuid' then said::uuid = any (given::uuid[])
            when 'boolean' then said::boolean = any (given::boolean[])
            else said = any (given)
        end;
        return case when operator in ('eq', 'in') then is_same else not is_same end;
    elsif operator in ('gt', 'gte', 'lt', 'lte') then
        case type
            when 'numeric' then
                is_less := said::numeric < given[1]::numeric;
                is_same := said::numeric = given[1]::numeric;
            when 'timestamp with time zone' then
                is_less := said::timestamptz < given[1]::timestamptz;
                is_same := said::timestamptz = given[1]::timestamptz;
            when 'date' then
                is_less := said::date < given[1]::date;
                is_same := said::date = given[1]::date;
            else
                is_less := said < given[1];
                is_same := said = given[1];
        end case;
        return case operator
            when 'gt' then not is_less and not is_same
            when 'gte' then not is_less
            when 'lt' then is_less
            else is_less or is_same
        end;
    end if;
    return case operator
        when 'like' then said like given[1]
        when 'ilike' then said ilike given[1]
        when 'contains' then position(given[1] in said) > 0
        when 'startsWith' then starts_with(said, given[1])
        when 'endsWith' then right(said, char_length(given[1])) = given[1]
        when 'icontains' then position(lower(given[1]) in lower(said)) > 0
        when 'istartsWith' then starts_with(lower(said), lower(given[1]))
        when 'iendsWith' then right(lower(said), char_length(lower(given[1]))) = lower(given[1])
    end;
end
$$;
revoke execute on function private.compares(text, text, text, text[]) from public;

-- Whether conditions hold of a row, given as JSON. It is asked within what other people do, and so it costs them little,
-- and fails for nothing that a rule may say: what cannot be compared, as after a column was dropped, does not hold.
create function private.conditions_hold(rule uuid, changed jsonb) returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
    return not exists (
        select from private.rule_comparisons as compared
        where compared.rule_id = conditions_hold.rule and not coalesce(
            changed ? compared.name
            and private.compares(changed ->> compared.name, compared.type, compared.operator, compared.given),
            false
        )
    );
exception
    when others then return false;
end
$$;
comment on function private.conditions_hold(uuid, jsonb) is 'Whether a rule''s conditions hold of a row.';
revoke execute on function private.conditions_hold(uuid, jsonb) from public;


-- Making rules ------------------------------------------------------------------------------------------------------------

create function private.check_automation_rule() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    -- What is no object, or no trigger, is told by the checks.
    if jsonb_typeof(new.conditions) = 'object' and private.automation_table(new.trigger) is not null then
        perform private.parsed_conditions(new.trigger, new.conditions);
    end if;
    return new;
end
$$;
revoke execute on function private.check_automation_rule() from public;

create trigger check_automation_rules before insert or update of trigger, conditions on public.automation_rules
    for each row execute function private.check_automation_rule();

create function private.keep_rule_comparisons() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    delete from private.rule_comparisons where rule_id = new.id;
    insert into private.rule_comparisons (rule_id, place, name, type, operator, given)
    select new.id, parsed.place, parsed.name, parsed.type, parsed.operator, parsed.given
    from private.parsed_conditions(new.trigger, new.conditions)
        with ordinality as parsed (name, type, operator, given, place);
    return null;
end
$$;
revoke execute on function private.keep_rule_comparisons() from public;

create trigger keep_rule_comparisons_of_new after insert on public.automation_rules
    for each row when (new.conditions <> '{}') execute function private.keep_rule_comparisons();
create trigger keep_rule_comparisons after update on public.automation_rules
    for each row when (old.conditions <> new.conditions or old.trigger <> new.trigger)
    execute function private.keep_rule_comparisons();

-- After the insert, because only then is it known that the caller may make it.
create function private.limit_automation_rules() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    -- One at a time, or two at once would both count the same.
    perform from public.profiles where profiles.id = new.user_id for no key update;
    if (select count(*) from public.automation_rules as rules where rules.user_id = new.user_id) > 100 then
        perform private.refuse('RATE_LIMITED', 'You can have 100 rules. Delete one that you do not need.');
    end if;
    return null;
end
$$;
revoke execute on function private.limit_automation_rules() from public;

create trigger limit_automation_rules after insert on public.automation_rules
    for each row execute function private.limit_automation_rules();

-- Who leaves a trip, or is removed, takes their rules along; and so does an owner who gives it away.
create function private.withdraw_rules() returns trigger language plpgsql security definer set search_path = '' as $$
begin
    delete from public.automation_rules where trip_id = old.trip_id and user_id = old.user_id;
    return null;
end
$$;
revoke execute on function private.withdraw_rules() from public;

create trigger withdraw_collaborators_rules after delete on public.collaborators
    for each row execute function private.withdraw_rules();

create function private.withdraw_owners_rules() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    delete from public.automation_rules
    where trip_id = new.id and user_id = old.user_id
        and not exists (
            select from private.trip_people as people where people.trip_id = new.id and people.user_id = old.user_id
        );
    return null;
end
$$;
revoke execute on function private.withdraw_owners_rules() from public;

create trigger withdraw_trips_rules after update of user_id on public.trips
    for each row when (old.user_id <> new.user_id) execute function private.withdraw_owners_rules();


-- Events ------------------------------------------------------------------------------------------------------------------

-- An event is what one transaction does: of several rows that it makes or changes, a rule tells once, of the first for which
-- its conditions hold. What a rule does may make others act, but the third in a row is the last.
create function private.enqueue_automations(trip uuid, trigger text, changed jsonb) returns void
language plpgsql security definer set search_path = '' as $$
declare
    depth constant integer := coalesce(nullif(current_setting('automations.depth', true), '')::integer, 0) + 1;
    event constant text := format('%s:%s', pg_current_xact_id(), extract(epoch from now()));
    rule record;
    person uuid;
    waiting bigint;
begin
    if depth > 3 then
        return;
    end if;
    for rule in
        select rules.id, rules.user_id from public.automation_rules as rules
        where rules.trip_id = enqueue_automations.trip and rules.trigger = enqueue_automations.trigger
            and rules.is_enabled
            -- It tells of another row of this event.
            and not exists (
                select from private.tasks where dedupe_key = format('automation:%s:%s', rules.id, event)
            )
        order by rules.user_id
    loop
        if private.conditions_hold(rule.id, changed) then
            -- What has been due longest is done first: of whoever has a hundred that wait, others wait for ten a second.
            if person is distinct from rule.user_id then
                person := rule.user_id;
                select count(*) into waiting from (
                    select from private.tasks
                    where subject = 'user:' || person and kind = 'run_automation' and status = 'waiting' limit 1000
                ) as theirs;
            end if;
            -- Nobody's rules may fill what all wait in; whose they are is told once an hour that some were passed over.
            if waiting >= 1000 then
                perform private.notify(
                    person, 'trips', 'rules_passed_over', 'Too much happens for your rules to follow',
                    'A thousand things wait to be done by your rules, so what happens now is passed over. Have fewer rules, '
                    'or rules that compare more.',
                    null, format('rules_passed_over:%s', extract(epoch from date_trunc('hour', now())))
                );
                continue;
            end if;
            waiting := waiting + 1;
            perform private.enqueue(
                'run_automation', 'user:' || rule.user_id,
                jsonb_build_object('rule', rule.id, 'event', event, 'row', changed, 'depth', depth),
                now() + greatest(waiting - 100, 0) * interval '100 milliseconds', format('automation:%s:%s', rule.id, event)
            );
        end if;
    end loop;
end
$$;
comment on function private.enqueue_automations(uuid, text, jsonb) is 'Writes down what the rules of a trip are to do, once something has happened to a row.';
revoke execute on function private.enqueue_automations(uuid, text, jsonb) from public;

-- One look into an index, where no rule applies.
create function private.notice_trip() returns trigger language plpgsql security definer set search_path = '' as $$
begin
    if exists (select from public.automation_rules where trip_id = new.id and trigger = tg_argv[0] and is_enabled) then
        perform private.enqueue_automations(new.id, tg_argv[0], to_jsonb(new));
    end if;
    return null;
end
$$;
revoke execute on function private.notice_trip() from public;

create function private.notice_of_trip() returns trigger language plpgsql security definer set search_path = '' as $$
begin
    if exists (select from public.automation_rules where trip_id = new.trip_id and trigger = tg_argv[0] and is_enabled) then
        perform private.enqueue_automations(new.trip_id, tg_argv[0], to_jsonb(new));
    end if;
    return null;
end
$$;
revoke execute on function private.notice_of_trip() from public;

create trigger notice_trips_status after update of status on public.trips
    for each row when (old.status <> new.status) execute function private.notice_trip('trip_status_changed');
create trigger notice_trip_items_of_new after insert on public.trip_items
    for each row execute function private.notice_of_trip('item_created');
-- Its place among others changes as often as one of them is moved.
create trigger notice_trip_items after update on public.trip_items
    for each row when (
        old.trip_id is distinct from new.trip_id
        or old.place_id is distinct from new.place_id
        or old.title is distinct from new.title
        or old.notes is distinct from new.notes
        or old.kind is distinct from new.kind
        or old.day_number is distinct from new.day_number
        or old.starts_at is distinct from new.starts_at
        or old.ends_at is distinct from new.ends_at
        or old.cost is distinct from new.cost
        or old.details is distinct from new.details
    )
    execute function private.notice_of_trip('item_updated');
create trigger notice_collaborators after insert on public.collaborators
    for each row execute function private.notice_of_trip('collaborator_joined');
create trigger notice_votes_of_new after insert on public.votes
    for each row execute function private.notice_of_trip('vote_cast');
create trigger notice_votes after update of value on public.votes
    for each row when (old.value <> new.value) execute function private.notice_of_trip('vote_cast');


-- What is done ------------------------------------------------------------------------------------------------------------

-- What has happened, in one line, of other people's words too.
create function private.automation_title(rule public.automation_rules, changed jsonb) returns text
language sql stable set search_path = '' as $$
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
$$;
revoke execute on function private.automation_title(public.automation_rules, jsonb) from public;

-- Tells a person something of a trip, on one of the channels that they chose; or why not: they want it no more, or nothing
-- more by WhatsApp. Quiet hours, and what may be sent when, are WhatsApp's to keep.
create function private.tell_of_trip(
    person uuid, trip uuid, topic text, kind text, channel text, title text, body text, dedupe_key text,
    dry_run boolean default false
) returns text
language plpgsql security definer set search_path = '' as $$
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
$$;
comment on function private.tell_of_trip(uuid, uuid, text, text, text, text, text, text, boolean) is 'Tells a person something of a trip in the bell or by WhatsApp, once a key; returns why not, or null.';
revoke execute on function private.tell_of_trip(uuid, uuid, text, text, text, text, text, text, boolean) from public;

-- What a rule does of an event, or would do. Whose right to the trip has ended is told nothing.
create function private.run_automation(
    rule public.automation_rules, event text, changed jsonb, depth integer, dry_run boolean
) returns jsonb
language plpgsql security definer set search_path = '' as $$
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
    elsif not private.conditions_hold(rule.id, changed) then
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
$$;
comment on function private.run_automation(public.automation_rules, text, jsonb, integer, boolean) is 'Does what a rule says of an event, or only says what it would: {"done", "reason", "channel", "title", "text"}.';
revoke execute on function private.run_automation(public.automation_rules, text, jsonb, integer, boolean) from public;

-- Who does something for a person holds them first, then the trip, so that nobody who deletes either waits for whoever
-- waits for them.
create function private.hold_person_and_trip(person uuid, trip uuid) returns void
language plpgsql security definer set search_path = '' as $$
begin
    perform from public.profiles where profiles.id = person for key share;
    perform from public.trips where trips.id = trip for key share;
end
$$;
revoke execute on function private.hold_person_and_trip(uuid, uuid) from public;

-- The task and what it does end together. Said again, as by somebody who never got the answer, it does nothing more.
create function public.run_automation_task(task uuid, token bigint) returns jsonb
language plpgsql security definer set search_path = '' as $$
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
$$;
comment on function public.run_automation_task(uuid, bigint) is 'Does what a rule says of an event, and finishes the task of it. Refused as finish_task is.';
revoke execute on function public.run_automation_task(uuid, bigint) from public, anon, authenticated, service_role;
grant execute on function public.run_automation_task(uuid, bigint) to service_role;

-- By hand, of the row that something happened to last.
create function public.trigger_automation(rule uuid, dry_run boolean default true) returns jsonb
language plpgsql security definer set search_path = '' as $$
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
$$;
comment on function public.trigger_automation(uuid, boolean) is 'Does what a rule of the caller''s says, of the row that something happened to last; or, as it is without a word, says what it would do.';
revoke execute on function public.trigger_automation(uuid, boolean) from public, anon, authenticated, service_role;
grant execute on function public.trigger_automation(uuid, boolean) to authenticated;
