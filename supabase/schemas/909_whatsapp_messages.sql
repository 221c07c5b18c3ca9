-- Messages to people. Each is asked for by a key and stands as a row before it is given to WhatsApp, which knows no key of
-- ours and takes a message as often as it is told it: so whoever does not hear what became of it tells it no second time,
-- and what WhatsApp tells of it later says whether it arrived. Locks: what WhatsApp knows it by, the person who
-- pays, the contact, the message.


-- Asking for one ----------------------------------------------------------------------------------------------------------

-- Called by functions and triggers, within what they do: {"dedupe_key", "recipient", "sender", "trip", "topic", "template",
-- "parameters", "text"}. Free text is taken where WhatsApp lets it be sent, the template otherwise. Returns the task.
create function private.send_whatsapp(message jsonb, run_at timestamptz default now()) returns uuid
language plpgsql security definer set search_path = '' as $$
begin
    return private.enqueue(
        'send_whatsapp', 'user:' || (message ->> 'recipient'), jsonb_build_object('message', message), run_at,
        'whatsapp:' || (message ->> 'dedupe_key')
    );
end
$$;
comment on function private.send_whatsapp(jsonb, timestamptz) is 'Has a message sent once for its dedupe_key, as soon as it is due and the person may be told; returns the task.';
revoke execute on function private.send_whatsapp(jsonb, timestamptz) from public;

-- Within one line, since WhatsApp takes no other in a template's places.
create function private.whatsapp_parameters(message jsonb, template private.whatsapp_templates) returns jsonb
language sql stable security definer set search_path = '' as $$
    select coalesce(
        jsonb_object_agg(named.name, private.one_line(
            coalesce(
                case named.name
                    when 'sender' then (
                        select profiles.display_name from public.profiles
                        where profiles.id = (message ->> 'sender')::uuid
                    )
                    when 'trip' then (select trips.title from public.trips where trips.id = (message ->> 'trip')::uuid)
                end,
                message #>> array['parameters', named.name],
                case when named.name in ('sender', 'trip') then 'Tripgate' end
            ),
            case named.name when 'text' then 1000 else 80 end
        )),
        '{}'
    )
    from unnest(template.parameters) as named (name)
$$;
revoke execute on function private.whatsapp_parameters(jsonb, private.whatsapp_templates) from public;

create function private.whatsapp_template(name text, person uuid) returns private.whatsapp_templates
language sql stable security definer set search_path = '' as $$
    select templates from private.whatsapp_templates as templates
    where templates.name = whatsapp_template.name
        and templates.language in ('en', (
            select split_part(own.locale, '-', 1) from public.user_preferences as own where own.user_id = person
        ))
    order by templates.language = 'en'
    limit 1
$$;
revoke execute on function private.whatsapp_template(text, uuid) from public;

-- Free text says who has it sent, as templates do.
create function private.whatsapp_text(message jsonb) returns text
language sql stable security definer set search_path = '' as $$
    select case
        when message ->> 'sender' is null then left(message ->> 'text', 4096)
        else left(
            private.one_line(profiles.display_name, 80) || coalesce(
                ' (' || (
                    select private.one_line(trips.title, 80) from public.trips
                    where trips.id = (message ->> 'trip')::uuid
                ) || ')', ''
            ) || ': ' || (message ->> 'text'),
            4096
        )
    end
    from (select (message ->> 'sender')::uuid as id) as asked
    left join public.profiles on profiles.id = asked.id
$$;
revoke execute on function private.whatsapp_text(jsonb) from public;

-- Whether somebody has written within the last 24 hours.
create function private.whatsapp_window_is_open(contact public.whatsapp_contacts) returns boolean
language sql stable set search_path = '' as $$
    select coalesce(contact.last_inbound_at > now() - interval '24 hours', false)
$$;
revoke execute on function private.whatsapp_window_is_open(public.whatsapp_contacts) from public;

-- What the caller may not send is refused here, so that they hear of it; begin_whatsapp_message looks again when it is due.
create function public.send_whatsapp_message(
    recipient uuid, trip uuid default null, template text default null, parameters jsonb default null,
    body text default null, idempotency_key text default null
) returns jsonb
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    me constant uuid := private.whatsapp_person();
    -- Of whose key it is nothing can be read, once they are gone.
    key constant text := 'person:' || encode(sha256(convert_to(
        me || ':' || coalesce(send_whatsapp_message.idempotency_key, gen_random_uuid()::text), 'UTF8'
    )), 'hex');
    chosen private.whatsapp_templates;
    contact public.whatsapp_contacts;
    message jsonb;
    made public.whatsapp_messages;
    field text;
begin
    if coalesce(char_length(send_whatsapp_message.idempotency_key), 1) not between 1 and 200 then
        perform private.refuse('BAD_USER_INPUT', 'A key is 1 to 200 characters long.', '{"field": "idempotency_key"}');
    elsif (send_whatsapp_message.template is null) = (send_whatsapp_message.body is null) then
        perform private.refuse('BAD_USER_INPUT', 'Say a template with its parameters, or text, and not both.', '{"field": "template"}');
    elsif send_whatsapp_message.body is not null
        and (char_length(send_whatsapp_message.body) > 3900 or send_whatsapp_message.body !~ '\S')
    then
        perform private.refuse(
            'BAD_USER_INPUT', 'A text is 1 to 3,900 characters long, and not all of them are blank.', '{"field": "text"}'
        );
    end if;
    if send_whatsapp_message.trip is not null and not exists (
            select from private.trip_people as mine
            join private.trip_people as theirs on theirs.trip_id = mine.trip_id
            where mine.trip_id = send_whatsapp_message.trip and mine.user_id = me
                and theirs.user_id = send_whatsapp_message.recipient
        )
        or send_whatsapp_message.trip is null and send_whatsapp_message.recipient is distinct from me and not exists (
            select from private.trip_people as mine
            join private.trip_people as theirs on theirs.trip_id = mine.trip_id
            where mine.user_id = me and theirs.user_id = send_whatsapp_message.recipient
        )
    then
        perform private.refuse(
            'NOT_FOUND', 'There is no such person on a trip that you share.', '{"field": "recipient_id"}'
        );
    end if;
    if send_whatsapp_message.template is not null then
        chosen := private.whatsapp_template(send_whatsapp_message.template, send_whatsapp_message.recipient);
        if chosen.name is null or not chosen.is_for_people then
            perform private.refuse('BAD_USER_INPUT', 'There is no such template.', '{"field": "template"}');
        elsif coalesce(jsonb_typeof(send_whatsapp_message.parameters), 'object') <> 'object' then
            perform private.refuse('BAD_USER_INPUT', 'Parameters are an object.', '{"field": "parameters"}');
        end if;
        select names.name into field from (
            select unnest(chosen.parameters) as name except select unnest(array['sender', 'trip'])
        ) as names
        where coalesce(send_whatsapp_message.parameters ->> names.name !~ '\S', true)
            or jsonb_typeof(send_whatsapp_message.parameters -> names.name) <> 'string'
            or char_length(send_whatsapp_message.parameters ->> names.name) > 1000;
        if field is not null then
            perform private.refuse(
                'BAD_USER_INPUT', format('The template''s %s is a text of 1 to 1,000 characters.', field),
                '{"field": "parameters"}'
            );
        end if;
        select given.name into field from jsonb_object_keys(coalesce(send_whatsapp_message.parameters, '{}')) as given (name)
        where given.name <> all (chosen.parameters) or given.name in ('sender', 'trip');
        if field is not null then
            perform private.refuse(
                'BAD_USER_INPUT', format('The template takes no parameter %s.', private.one_line(field, 50)),
                '{"field": "parameters"}'
            );
        end if;
    elsif send_whatsapp_message.parameters is not null then
        perform private.refuse('BAD_USER_INPUT', 'Only a template takes parameters.', '{"field": "parameters"}');
    end if;

    message := jsonb_build_object(
        'dedupe_key', key, 'recipient', send_whatsapp_message.recipient, 'sender', me, 'trip', send_whatsapp_message.trip,
        'topic', 'message', 'template', send_whatsapp_message.template,
        'parameters', coalesce(send_whatsapp_message.parameters, '{}'), 'text', send_whatsapp_message.body
    );
    perform private.hold_person(me);
    select * into made from public.whatsapp_messages where dedupe_key = key;
    if found then
        if (made.user_id, made.trip_id, made.template_name)
            is distinct from (send_whatsapp_message.recipient, send_whatsapp_message.trip, send_whatsapp_message.template)
            -- Names and titles in it may have changed since.
            or made.template_name is null
            and right(made.body, char_length(send_whatsapp_message.body)) is distinct from send_whatsapp_message.body
            or made.template_name is not null
            and made.parameters - '{sender,trip}'::text[]
                is distinct from private.whatsapp_parameters(message, chosen) - '{sender,trip}'::text[]
        then
            perform private.refuse(
                'CONFLICT', 'This key was used for another message.', '{"reason": "KEY_REUSED", "field": "idempotency_key"}'
            );
        end if;
        return jsonb_build_object('id', made.id);
    end if;
    select contacts.* into contact from public.whatsapp_contacts as contacts
    where contacts.user_id = send_whatsapp_message.recipient;
    perform private.check_whatsapp_recipient(message, chosen, contact);
    perform public.reserve_usage(me, 'whatsapp_messages', 1, 'whatsapp:' || key, interval '7 days');
    made := private.make_whatsapp_message(message, chosen);
    perform private.send_whatsapp(message);
    perform private.ring_tasks('{send_whatsapp}');
    return jsonb_build_object('id', made.id);
end
$$;
comment on function public.send_whatsapp_message(uuid, uuid, text, jsonb, text, text) is 'Has a message sent to somebody on a trip of the caller''s, once for each key; answers its id. Refused with NOT_FOUND where they share no trip, RECIPIENT_OPTED_OUT where they want none, TEMPLATE_REQUIRED for free text to who has not written within 24 hours, USAGE_LIMIT_EXCEEDED where the caller''s plan includes no more.';
revoke execute on function public.send_whatsapp_message(uuid, uuid, text, jsonb, text, text)
    from public, anon, authenticated, service_role;
grant execute on function public.send_whatsapp_message(uuid, uuid, text, jsonb, text, text) to authenticated;

-- What a message says, for the row; of a code nothing.
create function private.whatsapp_words(message jsonb, template private.whatsapp_templates) returns text
language plpgsql stable security definer set search_path = '' as $$
begin
    if template.name is null then
        return private.whatsapp_text(message);
    elsif template.category = 'authentication' then
        return null;
    end if;
    -- At once, so that what is filled in fills nothing in.
    return (
        select left(string_agg(case when place % 2 = 1 then part else filled.words ->> part end, '' order by place), 4096)
        from private.whatsapp_parameters(message, template) as filled (words)
        cross join regexp_split_to_table(template.body, '\{\{|\}\}') with ordinality as parts (part, place)
    );
end
$$;
revoke execute on function private.whatsapp_words(jsonb, private.whatsapp_templates) from public;

-- Refuses what may not be sent to somebody, for now or at all.
create function private.check_whatsapp_recipient(
    message jsonb, template private.whatsapp_templates, contact public.whatsapp_contacts
) returns void
language plpgsql stable security definer set search_path = '' as $$
begin
    if not private.whatsapp_opted_in(contact.user_id)
        or not (private.may_notify(contact.user_id, message ->> 'topic', 'whatsapp') ->> 'allowed')::boolean
        or template.category = 'marketing'
            and not (private.may_notify(contact.user_id, 'marketing', 'whatsapp') ->> 'allowed')::boolean
        or contact.user_id is null
    then
        perform private.refuse('RECIPIENT_OPTED_OUT', 'This person wants no such messages.', '{"field": "recipient_id"}');
    elsif template.name is null and not private.whatsapp_window_is_open(contact) then
        perform private.refuse(
            'TEMPLATE_REQUIRED',
            'This person has not written within the last 24 hours: only a template can be sent.', '{"field": "template"}'
        );
    end if;
end
$$;
revoke execute on function private.check_whatsapp_recipient(
    jsonb, private.whatsapp_templates, public.whatsapp_contacts
) from public;

create function private.make_whatsapp_message(message jsonb, template private.whatsapp_templates)
returns public.whatsapp_messages
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    moment constant timestamptz := clock_timestamp();
    made public.whatsapp_messages;
begin
    insert into public.whatsapp_messages (
        user_id, sender_id, trip_id, direction, template_name, parameters, body, status, dedupe_key, created_at, updated_at
    )
    select
        profiles.id, senders.id, trips.id, 'outbound', template.name,
        case when template.category in ('marketing', 'utility') then private.whatsapp_parameters(message, template) end,
        private.whatsapp_words(message, template), 'queued', message ->> 'dedupe_key', moment, moment
    from public.profiles
    left join public.profiles as senders on senders.id = (message ->> 'sender')::uuid
    left join public.trips on trips.id = (message ->> 'trip')::uuid
    where profiles.id = (message ->> 'recipient')::uuid
    on conflict on constraint whatsapp_messages_dedupe_key_key do nothing
    returning * into made;
    return made;
end
$$;
revoke execute on function private.make_whatsapp_message(jsonb, private.whatsapp_templates) from public;


-- Who had it sent hears of it -----------------------------------------------------------------------------------------------

-- Whom it is to hears of it on their own topic by a trigger that is generated; who had it sent on theirs, but for what
-- WhatsApp knows it by, which has the number in it.
create function private.tell_whatsapp_sender() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform private.broadcast_change(
        'user', nullif(old.sender_id, old.user_id)::text, nullif(new.sender_id, new.user_id)::text, 'id', '{}',
        tg_table_schema, tg_table_name, to_jsonb(new) - 'wamid', to_jsonb(old) - 'wamid'
    );
    return null;
end
$$;
revoke execute on function private.tell_whatsapp_sender() from public;

create trigger tell_whatsapp_sender after insert or update or delete on public.whatsapp_messages
    for each row execute function private.tell_whatsapp_sender();


-- What it costs -----------------------------------------------------------------------------------------------------------

create function private.whatsapp_country(phone text, bsuid text) returns text
language sql stable security definer set search_path = '' as $$
    select coalesce(
        case when phone is null then split_part(bsuid, '.', 1) else (
            select codes.country from private.calling_codes as codes
            where ltrim(phone, '+') like codes.prefix || '%'
            order by char_length(codes.prefix) desc limit 1
        ) end,
        '*'
    )
$$;
revoke execute on function private.whatsapp_country(text, text) from public;

create function private.whatsapp_price(country text, category text, day date) returns numeric
language sql stable security definer set search_path = '' as $$
    select coalesce((
        select rates.price from private.whatsapp_rates as rates
        where rates.category = whatsapp_price.category and rates.country in (whatsapp_price.country, '*')
            and rates.valid_from <= day
        order by rates.country = '*', rates.valid_from desc
        limit 1
    ), 0)
$$;
revoke execute on function private.whatsapp_price(text, text, date) from public;
