SET local check_function_bodies = off;

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
