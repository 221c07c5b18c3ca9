SET local check_function_bodies = off;

ALTER TABLE "private"."whatsapp_sends"
  DROP COLUMN "payer_id";

CREATE OR REPLACE FUNCTION private.tell_whatsapp_sender()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.broadcast_change(
        'user', nullif(old.sender_id, old.user_id)::text, nullif(new.sender_id, new.user_id)::text, 'id', '{}',
        tg_table_schema, tg_table_name, to_jsonb(new) - 'wamid', to_jsonb(old) - 'wamid'
    );
    return null;
end
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
$function$;

CREATE OR REPLACE FUNCTION public.send_whatsapp_message (
  recipient       uuid,
  trip            uuid  DEFAULT NULL::uuid,
  template        text  DEFAULT NULL::text,
  parameters      jsonb DEFAULT NULL::jsonb,
  body            text  DEFAULT NULL::text,
  idempotency_key text  DEFAULT NULL::text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

CREATE VIEW "private"."leaving_whatsapp" AS  SELECT relation,
    person,
    does,
    kind,
    columns,
    why
   FROM ( VALUES ('public.whatsapp_messages'::text,'sender_id'::text,'anonymise'::text,NULL::text,NULL::text[],'What somebody was sent is theirs.'::text), ('private.whatsapp_code_requests'::text,'user_id'::text,'retain'::text,NULL::text,NULL::text[],'A number is sent three codes a day, also by accounts that come and go; dropped after two days.'::text)) declared(relation, person, does, kind, columns, why);

CREATE TRIGGER tell_whatsapp_sender
  AFTER INSERT OR DELETE OR UPDATE ON public.whatsapp_messages
  FOR EACH ROW
  EXECUTE FUNCTION private.tell_whatsapp_sender();

COMMENT ON TABLE "private"."whatsapp_sends" IS 'That a message was given to WhatsApp, and under which task.';

COMMENT ON VIEW "private"."leaving_whatsapp" IS 'What becomes of references to a person who leaves, beside foreign keys, of messages.';

REVOKE ALL ON FUNCTION "private"."tell_whatsapp_sender"() FROM PUBLIC;
