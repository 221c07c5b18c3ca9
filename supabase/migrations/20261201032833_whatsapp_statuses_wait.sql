SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.hold_wamid (
  wamid text
)
  RETURNS void
  LANGUAGE sql
  SET search_path TO ''
  AS $function$
    select pg_advisory_xact_lock(hashtextextended('wamid:' || wamid, 0))
$function$;

CREATE OR REPLACE FUNCTION public.begin_whatsapp_message (
  message jsonb,
  task    uuid,
  token   bigint
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
            if made.sender_id is not null and made.trip_id is null and asked ->> 'trip' is not null
                or (made.sender_id <> person or made.trip_id is not null) and not exists (
                    select from private.trip_people as mine
                    join private.trip_people as theirs on theirs.trip_id = mine.trip_id
                    where mine.user_id = made.sender_id and theirs.user_id = person
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
    insert into private.whatsapp_sends as known (message_id, token, payer_id, country, is_free)
    values (
        made.id, begin_whatsapp_message.token, case when not is_code then payer end,
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
$function$;

CREATE OR REPLACE FUNCTION public.end_whatsapp_send (
  id         uuid,
  outcome    text,
  token      bigint,
  wamid      text   DEFAULT NULL::text,
  error_code text   DEFAULT NULL::text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION public.record_whatsapp_status (
  wamid       text,
  message     uuid,
  status      text,
  occurred_at timestamp with time zone,
  error_code  text                     DEFAULT NULL::text,
  pricing     jsonb                    DEFAULT NULL::jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
        perform private.stop_marketing(held.user_id, 'whatsapp');
    end if;
    return (
        select jsonb_build_object('id', messages.id, 'status', messages.status)
        from public.whatsapp_messages as messages where messages.id = held.id
    );
end
$function$;

REVOKE ALL ON FUNCTION "private"."hold_wamid"(text) FROM PUBLIC;
