-- Messages on their way: what the Edge Functions that speak with WhatsApp ask and tell.


-- Before it is given to WhatsApp ------------------------------------------------------------------------------------------

create function private.fail_whatsapp_message(message uuid, code text) returns void
language plpgsql security definer set search_path = '' as $$
declare
    failed public.whatsapp_messages;
begin
    update public.whatsapp_messages as messages set status = 'failed', error_code = code, failed_at = clock_timestamp()
    where messages.id = fail_whatsapp_message.message
    returning * into failed;
    if exists (
        select from private.usage_reservations as held
        where held.key = 'whatsapp:' || failed.dedupe_key and held.status in ('open', 'expired')
    ) then
        perform public.release_usage('whatsapp:' || failed.dedupe_key);
    end if;
end
$$;
revoke execute on function private.fail_whatsapp_message(uuid, text) from public;

-- What stands in the places of a template, as WhatsApp takes it.
create function private.whatsapp_components(message jsonb, template private.whatsapp_templates) returns jsonb
language sql stable security definer set search_path = '' as $$
    select jsonb_build_array(jsonb_build_object('type', 'body', 'parameters', places.filled))
        || case template.category
            when 'authentication' then jsonb_build_array(jsonb_build_object(
                'type', 'button', 'sub_type', 'url', 'index', '0', 'parameters', places.filled
            ))
            else '[]'
        end
    from (
        select coalesce(
            jsonb_agg(jsonb_build_object('type', 'text', 'text', filled.words ->> named.name) order by named.place), '[]'
        ) as filled
        from unnest(template.parameters) with ordinality as named (name, place)
        cross join (select private.whatsapp_parameters(message, template) as words) as filled
    ) as places
$$;
revoke execute on function private.whatsapp_components(jsonb, private.whatsapp_templates) from public;

-- Decides, and writes down that it was given to WhatsApp, before it is. Whoever is told to send it does so at once: STOP
-- waits for this, and what follows STOP finds it.
create function public.begin_whatsapp_message(message jsonb, task uuid, token bigint) returns jsonb
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    asked constant jsonb := begin_whatsapp_message.message;
    key constant text := asked ->> 'dedupe_key';
    person constant uuid := (asked ->> 'recipient')::uuid;
    is_code constant boolean := asked ->> 'topic' = 'code';
    payer uuid := coalesce((asked ->> 'sender')::uuid, person);
    contact public.whatsapp_contacts;
    chosen private.whatsapp_templates;
    made public.whatsapp_messages;
    sends private.whatsapp_sends;
    is_open boolean;
    answer jsonb;
    later timestamptz;
begin
    if key is null or person is null or token is null then
        perform private.refuse('BAD_USER_INPUT', 'A message has a key, a recipient and the token of its task.');
    end if;
    if not exists (select from public.profiles where profiles.id = person) then
        return jsonb_build_object('do', 'nothing', 'status', 'gone');
    end if;
    if not exists (select from public.profiles where profiles.id = payer) then
        -- Whoever had it sent is gone, and nothing is sent in their name.
        payer := null;
    end if;
    perform private.hold_person(coalesce(payer, person));
    select contacts.* into contact from public.whatsapp_contacts as contacts where contacts.user_id = person for share;
    is_open := private.whatsapp_window_is_open(contact);
    if asked ->> 'template' is not null and not (is_open and asked ->> 'text' is not null) then
        chosen := private.whatsapp_template(asked ->> 'template', person);
    end if;

    select * into made from public.whatsapp_messages where dedupe_key = key for update;
    if not found then
        made := private.make_whatsapp_message(asked, chosen);
        if made.id is null then
            select * into made from public.whatsapp_messages where dedupe_key = key for update;
        end if;
    end if;
    select * into sends from private.whatsapp_sends where message_id = made.id;
    if made.status = 'sending' then
        if sends.token < begin_whatsapp_message.token then
            -- Whoever was at it is gone, and it may have left.
            update public.whatsapp_messages set status = 'unknown' where id = made.id;
            return jsonb_build_object('do', 'nothing', 'id', made.id, 'status', 'unknown');
        elsif sends.token > begin_whatsapp_message.token then
            return jsonb_build_object('do', 'nothing', 'id', made.id, 'status', 'sending');
        end if;
        -- Asked again by whoever is at it, whose answer was lost.
    elsif made.status <> 'queued' then
        return jsonb_build_object('do', 'nothing', 'id', made.id, 'status', made.status);
    end if;

    begin
        if payer is null then
            perform private.refuse('NOT_FOUND', 'Whoever had it sent is gone.');
        elsif asked ->> 'template' is not null and asked ->> 'text' is null and chosen.name is null then
            perform private.refuse('BAD_USER_INPUT', 'There is no such template.');
        elsif is_code then
            if not exists (
                select from private.whatsapp_codes as codes
                where codes.user_id = person and codes.phone = asked ->> 'phone' and codes.expires_at > clock_timestamp()
                    and codes.digest = private.whatsapp_code_digest(person, codes.phone, asked #>> '{parameters,code}')
            ) then
                perform private.refuse('TIMEOUT', 'The code is not good any more.');
            end if;
        else
            perform private.check_whatsapp_recipient(asked, chosen, contact);
            -- What nobody has sent, as a reminder, is of the person alone.
            if made.trip_id is null and asked ->> 'trip' is not null
                or (made.sender_id <> person or made.trip_id is not null) and not exists (
                    select from private.trip_people as mine
                    join private.trip_people as theirs on theirs.trip_id = mine.trip_id
                    where mine.user_id = coalesce(made.sender_id, person) and theirs.user_id = person
                        and (made.trip_id is null or mine.trip_id = made.trip_id)
                )
            then
                perform private.refuse('NOT_FOUND', 'They share no such trip any more.');
            end if;
            later := (private.may_notify(person, asked ->> 'topic', 'whatsapp', clock_timestamp()) ->> 'defer_until')::timestamptz;
            if later is null then
                perform public.reserve_usage(payer, 'whatsapp_messages', 1, 'whatsapp:' || key, interval '7 days');
            end if;
        end if;
    exception when sqlstate 'PGRST' then
        answer := sqlerrm::jsonb;
    end;
    if answer is not null then
        perform private.fail_whatsapp_message(made.id, answer ->> 'code');
        return jsonb_build_object('do', 'nothing', 'id', made.id, 'status', 'failed', 'code', answer ->> 'code');
    elsif later is not null then
        perform private.enqueue(
            'send_whatsapp', 'user:' || person, jsonb_build_object('message', asked), later,
            format('whatsapp:%s:%s', key, extract(epoch from later))
        );
        return jsonb_build_object('do', 'defer', 'id', made.id, 'until', later);
    end if;

    update public.whatsapp_messages set
        status = 'sending', sending_at = clock_timestamp(),
        template_name = chosen.name,
        parameters = case when chosen.category in ('marketing', 'utility') then private.whatsapp_parameters(asked, chosen) end,
        body = private.whatsapp_words(asked, chosen),
        category = coalesce(chosen.category, 'service')
    where id = made.id
    returning * into made;
    insert into private.whatsapp_sends as known (message_id, token, country, is_free)
    values (
        made.id, begin_whatsapp_message.token,
        private.whatsapp_country(
            case when is_code then asked ->> 'phone' else contact.phone end, contact.bsuid
        ),
        made.category = 'service' or made.category = 'utility' and is_open
    )
    on conflict on constraint whatsapp_sends_pkey do update set
        token = excluded.token, country = excluded.country, is_free = excluded.is_free;
    return jsonb_build_object(
        'do', 'send', 'id', made.id, 'to', case when is_code then asked ->> 'phone' else coalesce(contact.phone, contact.bsuid) end,
        'kind', case when chosen.name is null then 'text' else 'template' end,
        'template', chosen.name, 'language', chosen.language,
        'components', case when chosen.name is not null then private.whatsapp_components(asked, chosen) end,
        'body', case when chosen.name is null then made.body end, 'category', made.category
    );
end
$$;
comment on function public.begin_whatsapp_message(jsonb, uuid, bigint) is 'Decides whether a message is sent, by the token of its task, and writes down that it is. Answers {"do": "send", "id", "to", "kind", "template", "language", "components", "body", "category"}, {"do": "defer", "until"} where a task for then was made, or {"do": "nothing", "status"}: what may have been sent is not sent again.';
revoke execute on function public.begin_whatsapp_message(jsonb, uuid, bigint) from public, anon, authenticated, service_role;
grant execute on function public.begin_whatsapp_message(jsonb, uuid, bigint) to service_role;


-- What became of it ----------------------------------------------------------------------------------------------------------

-- Before anything else is held. What is told while the answer is written down waits for it, or the answer for what is told:
-- neither would find the other.
create function private.hold_wamid(wamid text) returns void language sql volatile set search_path = '' as $$
    select pg_advisory_xact_lock(hashtextextended('wamid:' || wamid, 0))
$$;
revoke execute on function private.hold_wamid(text) from public;

-- The message, once its payer is held.
create function private.hold_whatsapp_message(message uuid) returns public.whatsapp_messages
language plpgsql security definer set search_path = '' as $$
declare
    held public.whatsapp_messages;
begin
    perform from public.profiles where profiles.id = (
        select coalesce(messages.sender_id, messages.user_id) from public.whatsapp_messages as messages
        where messages.id = hold_whatsapp_message.message
    ) for no key update;
    select * into held from public.whatsapp_messages as messages
    where messages.id = hold_whatsapp_message.message for update;
    return held;
end
$$;
revoke execute on function private.hold_whatsapp_message(uuid) from public;

-- What WhatsApp has taken counts, whatever becomes of it; what it cost follows from how far it has come and from all that
-- was told of it, in whatever order and however often.
create function private.settle_whatsapp_message(message uuid) returns void
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    climb constant text[] := array['sent', 'failed', 'delivered', 'read'];
    known public.whatsapp_messages;
    sends private.whatsapp_sends;
    told record;
    reached integer;
    charged text;
begin
    select * into known from public.whatsapp_messages where id = settle_whatsapp_message.message;
    select * into sends from private.whatsapp_sends where message_id = known.id;
    select
        min(occurred_at) filter (where status = 'sent') as sent_at,
        min(occurred_at) filter (where status = 'delivered') as delivered_at,
        min(occurred_at) filter (where status = 'read') as read_at,
        min(occurred_at) filter (where status = 'failed') as failed_at,
        max(array_position(climb, status)) as reached,
        (array_agg(error_code order by occurred_at, error_code) filter (where error_code is not null and status = 'failed'))[1]
            as error_code,
        (array_agg(category order by occurred_at, category) filter (where category is not null))[1] as category,
        bool_and(is_billable) as is_billable
    into told
    from public.delivery_events where message_id = known.id;
    reached := greatest(told.reached, array_position(climb, known.status));
    if reached is null then
        return;
    end if;
    charged := coalesce(told.category, known.category);
    update public.whatsapp_messages set
        status = climb[reached],
        -- In the words that end_whatsapp_send has for it.
        error_code = case when climb[reached] = 'failed' then case told.error_code
            when '131047' then 'TEMPLATE_REQUIRED'
            when '131050' then 'RECIPIENT_OPTED_OUT'
            else coalesce(told.error_code, known.error_code, 'UNKNOWN')
        end end,
        category = charged,
        sent_at = coalesce(told.sent_at, sent_at), delivered_at = coalesce(told.delivered_at, delivered_at),
        read_at = coalesce(told.read_at, read_at),
        failed_at = case when climb[reached] = 'failed' then coalesce(told.failed_at, failed_at) end,
        cost = case
            when climb[reached] = 'failed' or not coalesce(told.is_billable, true) then 0
            when told.is_billable is null and coalesce(sends.is_free, true) then 0
            else private.whatsapp_price(sends.country, charged, (sending_at at time zone 'UTC')::date)
        end
    where id = known.id;
    if exists (
        select from private.usage_reservations as held
        where held.key = 'whatsapp:' || known.dedupe_key and held.status in ('open', 'expired')
    ) then
        perform public.settle_usage('whatsapp:' || known.dedupe_key, 1);
    end if;
end
$$;
revoke execute on function private.settle_whatsapp_message(uuid) from public;

-- What was told of it before anybody knew which message it is.
create function private.adopt_whatsapp_events(message public.whatsapp_messages, wamid text) returns void
language plpgsql security definer set search_path = '' as $$
begin
    update public.whatsapp_messages as messages set wamid = adopt_whatsapp_events.wamid
    where messages.id = message.id and messages.wamid is null;
    update public.delivery_events as events set message_id = message.id, user_id = message.user_id
    where events.wamid = adopt_whatsapp_events.wamid and events.message_id is null;
end
$$;
revoke execute on function private.adopt_whatsapp_events(public.whatsapp_messages, text) from public;

create function public.end_whatsapp_send(
    id uuid, outcome text, token bigint, wamid text default null, error_code text default null
) returns jsonb
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    ended public.whatsapp_messages;
    has_template boolean;
begin
    if end_whatsapp_send.outcome is null or end_whatsapp_send.outcome not in (
        'accepted', 'failed', 'throttled', 'unknown', 'template_required', 'marketing_stopped'
    ) or (end_whatsapp_send.outcome = 'accepted') <> (end_whatsapp_send.wamid is not null) then
        perform private.refuse('BAD_USER_INPUT', 'There is no such outcome.', '{"field": "outcome"}');
    end if;
    if end_whatsapp_send.wamid is not null then
        perform private.hold_wamid(end_whatsapp_send.wamid);
    end if;
    ended := private.hold_whatsapp_message(end_whatsapp_send.id);
    if ended.id is null then
        perform private.refuse('NOT_FOUND', 'There is no such message.', '{"field": "id"}');
    end if;
    if end_whatsapp_send.outcome = 'accepted' then
        -- However late it is heard.
        if ended.status in ('queued', 'sending', 'unknown') then
            update public.whatsapp_messages as messages set status = 'sent', sent_at = coalesce(messages.sent_at, clock_timestamp())
            where messages.id = ended.id;
        end if;
        perform private.adopt_whatsapp_events(ended, end_whatsapp_send.wamid);
        perform private.settle_whatsapp_message(ended.id);
    elsif ended.status = 'sending' and end_whatsapp_send.token = (
        select sends.token from private.whatsapp_sends as sends where sends.message_id = ended.id
    ) then
        case end_whatsapp_send.outcome
            when 'unknown' then
                update public.whatsapp_messages as messages set status = 'unknown' where messages.id = ended.id;
            when 'throttled' then
                update public.whatsapp_messages as messages set status = 'queued', sending_at = null where messages.id = ended.id;
            when 'template_required' then
                -- What WhatsApp says of the time since they wrote is so.
                update public.whatsapp_contacts as contacts set last_inbound_at = null
                where contacts.user_id = ended.user_id;
                has_template := exists (
                    select from private.tasks
                    where tasks.kind = 'send_whatsapp' and tasks.status = 'running'
                        and tasks.token = end_whatsapp_send.token
                        and tasks.payload #>> '{message,dedupe_key}' = ended.dedupe_key
                        and tasks.payload #>> '{message,template}' is not null
                ) and ended.template_name is null;
                if has_template then
                    update public.whatsapp_messages as messages set status = 'queued', sending_at = null
                    where messages.id = ended.id;
                else
                    perform private.fail_whatsapp_message(ended.id, 'TEMPLATE_REQUIRED');
                end if;
            when 'marketing_stopped' then
                perform private.stop_marketing(ended.user_id, 'whatsapp');
                perform private.fail_whatsapp_message(ended.id, 'RECIPIENT_OPTED_OUT');
            else
                perform private.fail_whatsapp_message(
                    ended.id,
                    case when end_whatsapp_send.error_code ~ '^[A-Z0-9][A-Z0-9_]{0,49}$' then end_whatsapp_send.error_code
                        else 'UNKNOWN' end
                );
        end case;
    end if;
    return (
        select jsonb_build_object('id', messages.id, 'status', messages.status)
        from public.whatsapp_messages as messages where messages.id = ended.id
    );
end
$$;
comment on function public.end_whatsapp_send(uuid, text, bigint, text, text) is 'What WhatsApp answered: accepted, with what it knows the message by; failed; throttled, so that nothing left; template_required; marketing_stopped; or unknown where no answer was heard. Answers {"id", "status"}: of queued the task is to be tried again. Only who is at it, by the token, says anything but accepted; said again, or late, it undoes nothing.';
revoke execute on function public.end_whatsapp_send(uuid, text, bigint, text, text) from public, anon, authenticated, service_role;
grant execute on function public.end_whatsapp_send(uuid, text, bigint, text, text) to service_role;

create function public.record_whatsapp_status(
    wamid text, message uuid, status text, occurred_at timestamptz, error_code text default null, pricing jsonb default null
) returns jsonb
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    found_id uuid;
    held public.whatsapp_messages;
begin
    if record_whatsapp_status.status is null
        or record_whatsapp_status.status not in ('sent', 'delivered', 'read', 'failed')
    then
        return jsonb_build_object('status', 'ignored');
    end if;
    perform private.hold_wamid(record_whatsapp_status.wamid);
    select coalesce(
        (
            select messages.id from public.whatsapp_messages as messages
            where messages.wamid = record_whatsapp_status.wamid and messages.direction = 'outbound'
        ),
        (
            select messages.id from public.whatsapp_messages as messages
            where messages.id = record_whatsapp_status.message and messages.direction = 'outbound'
                and messages.wamid is null and messages.status <> 'queued'
        )
    ) into found_id;
    if found_id is not null then
        held := private.hold_whatsapp_message(found_id);
        if held.id is null or held.wamid <> record_whatsapp_status.wamid then
            held := null;
        end if;
    end if;
    insert into public.delivery_events (
        wamid, message_id, user_id, status, occurred_at, error_code, category, is_billable, created_at
    ) values (
        record_whatsapp_status.wamid, held.id, held.user_id, record_whatsapp_status.status,
        record_whatsapp_status.occurred_at,
        case when record_whatsapp_status.error_code ~ '^[A-Z0-9][A-Z0-9_]{0,49}$' then record_whatsapp_status.error_code end,
        case when pricing ->> 'category' in ('authentication', 'marketing', 'service', 'utility') then pricing ->> 'category' end,
        case when jsonb_typeof(pricing -> 'billable') = 'boolean' then (pricing ->> 'billable')::boolean end,
        clock_timestamp()
    )
    on conflict on constraint delivery_events_wamid_status_occurred_at_key do nothing;
    if held.id is null then
        return jsonb_build_object('status', 'unknown_message');
    end if;
    perform private.adopt_whatsapp_events(held, record_whatsapp_status.wamid);
    perform private.settle_whatsapp_message(held.id);
    if record_whatsapp_status.error_code = '131050' then
        perform private.stop_marketing(held.user_id, 'whatsapp', record_whatsapp_status.occurred_at);
    elsif record_whatsapp_status.error_code = '131047' then
        -- The window was closed when it was sent; whoever has written since has opened it.
        update public.whatsapp_contacts as contacts set last_inbound_at = null
        where contacts.user_id = held.user_id and contacts.last_inbound_at < held.sending_at;
    end if;
    return (
        select jsonb_build_object('id', messages.id, 'status', messages.status)
        from public.whatsapp_messages as messages where messages.id = held.id
    );
end
$$;
comment on function public.record_whatsapp_status(text, uuid, text, timestamptz, text, jsonb) is 'What WhatsApp tells of a message, which is known by its wamid, or by our id that it was sent with. Told again, late, or in any order it comes to the same. Answers {"id", "status"}, or the status ignored or unknown_message.';
revoke execute on function public.record_whatsapp_status(text, uuid, text, timestamptz, text, jsonb)
    from public, anon, authenticated, service_role;
grant execute on function public.record_whatsapp_status(text, uuid, text, timestamptz, text, jsonb) to service_role;


-- Of which nothing was heard --------------------------------------------------------------------------------------------------

-- Whoever would send them later, or looks into what has failed, has no use for codes that are over, nor for their numbers.
create function private.forget_whatsapp_codes() returns integer
language plpgsql security definer set search_path = '' as $$
declare
    forgotten integer;
begin
    update private.tasks set payload = jsonb_set(payload, '{message}', (payload -> 'message') - '{parameters,phone}'::text[])
    where kind = 'send_whatsapp' and status in ('waiting', 'failed') and payload #>> '{message,topic}' = 'code'
        and (payload -> 'message') ?| '{parameters,phone}' and created_at < clock_timestamp() - interval '10 minutes';
    get diagnostics forgotten = row_count;
    return forgotten;
end
$$;
comment on function private.forget_whatsapp_codes() is 'Takes codes that are over, and the numbers they were for, out of tasks that wait or have failed; returns of how many.';
revoke execute on function private.forget_whatsapp_codes() from public;

create function private.settle_unknown_whatsapp() returns integer
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    moment constant timestamptz := clock_timestamp();
    each record;
    held public.whatsapp_messages;
    settled integer := 0;
begin
    for each in
        select messages.id from public.whatsapp_messages as messages
        where messages.status = 'sending' and messages.sending_at < moment - interval '10 minutes'
            or messages.status = 'unknown' and messages.sending_at < moment - interval '24 hours'
        order by messages.sending_at limit 1000
    loop
        held := private.hold_whatsapp_message(each.id);
        if held.status = 'sending' then
            -- Whoever was at it is gone: no request takes as long.
            update public.whatsapp_messages set status = 'unknown' where id = held.id;
        elsif held.status = 'unknown' then
            -- It counts as sent, so that it is paid for rather than given away.
            update public.whatsapp_messages set status = 'sent', sent_at = coalesce(sent_at, sending_at) where id = held.id;
            perform private.settle_whatsapp_message(held.id);
        end if;
        settled := settled + 1;
    end loop;
    -- Whose task was given up.
    for each in
        select messages.id from public.whatsapp_messages as messages
        where messages.status = 'queued' and messages.created_at < moment - interval '1 hour'
            and not exists (
                select from private.tasks
                where tasks.kind = 'send_whatsapp' and tasks.status in ('waiting', 'running')
                    and tasks.subject = 'user:' || messages.user_id
                    and tasks.payload #>> '{message,dedupe_key}' = messages.dedupe_key
            )
        order by messages.created_at limit 1000
    loop
        held := private.hold_whatsapp_message(each.id);
        if held.status = 'queued' then
            perform private.fail_whatsapp_message(held.id, 'TIMEOUT');
            settled := settled + 1;
        end if;
    end loop;
    perform private.forget_whatsapp_codes();
    return settled;
end
$$;
comment on function private.settle_unknown_whatsapp() is 'What was being sent for ten minutes is unknown, and counts as sent after a day; what is queued and has no task any more has failed. Codes that are over are forgotten. Returns how many messages.';
revoke execute on function private.settle_unknown_whatsapp() from public;
