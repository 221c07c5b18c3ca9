SET local check_function_bodies = off;

DROP FUNCTION "private"."stop_marketing"(uuid, text);

CREATE OR REPLACE FUNCTION private.forget_whatsapp_codes()
  RETURNS integer
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    forgotten integer;
begin
    update private.tasks set payload = jsonb_set(payload, '{message}', (payload -> 'message') - '{parameters,phone}'::text[])
    where kind = 'send_whatsapp' and status in ('waiting', 'failed') and payload #>> '{message,topic}' = 'code'
        and (payload -> 'message') ?| '{parameters,phone}' and created_at < clock_timestamp() - interval '10 minutes';
    get diagnostics forgotten = row_count;
    return forgotten;
end
$function$;

CREATE OR REPLACE FUNCTION private.settle_unknown_whatsapp()
  RETURNS integer
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION private.stop_marketing (
  person  uuid,
  channel text,
  at      timestamp with time zone DEFAULT clock_timestamp()
)
  RETURNS void
  LANGUAGE sql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
    insert into public.notification_preferences as preferences (user_id, topic, channel, is_enabled)
    values (person, 'marketing', stop_marketing.channel, false)
    on conflict on constraint notification_preferences_user_id_topic_channel_key do update set is_enabled = false
    where preferences.is_enabled and date_trunc('second', preferences.updated_at) <= stop_marketing.at
$function$;

CREATE OR REPLACE FUNCTION public.record_whatsapp_marketing_stop (
  phone text,
  bsuid text,
  at    timestamp with time zone
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
    contact public.whatsapp_contacts := private.whatsapp_contact_of(
        '+' || ltrim(record_whatsapp_marketing_stop.phone, '+'), record_whatsapp_marketing_stop.bsuid
    );
begin
    -- Told late, of a number that was somebody else's then.
    if contact.id is null or date_trunc('second', contact.verified_at) > record_whatsapp_marketing_stop.at then
        return jsonb_build_object('status', 'unknown_person');
    end if;
    perform private.stop_marketing(contact.user_id, 'whatsapp', record_whatsapp_marketing_stop.at);
    return jsonb_build_object('status', 'stopped');
end
$function$;

REVOKE ALL ON FUNCTION "public"."record_whatsapp_marketing_stop"(text, text, timestamp WITH time zone) FROM PUBLIC, "anon", "authenticated";

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
        perform private.stop_marketing(held.user_id, 'whatsapp', record_whatsapp_status.occurred_at);
    end if;
    return (
        select jsonb_build_object('id', messages.id, 'status', messages.status)
        from public.whatsapp_messages as messages where messages.id = held.id
    );
end
$function$;

COMMENT ON FUNCTION "private"."forget_whatsapp_codes"() IS 'Takes codes that are over, and the numbers they were for, out of tasks that wait or have failed; returns of how many.';

COMMENT ON FUNCTION "private"."settle_unknown_whatsapp"() IS 'What was being sent for ten minutes is unknown, and counts as sent after a day; what is queued and has no task any more has failed. Codes that are over are forgotten. Returns how many messages.';

COMMENT ON FUNCTION "private"."stop_marketing"(uuid, text, timestamp with time zone) IS 'Writes down that a person wanted no marketing on a channel any more at some moment.';

COMMENT ON FUNCTION "public"."record_whatsapp_marketing_stop"(text, text, timestamp with time zone) IS 'Somebody wants no marketing any more, says WhatsApp, by their number or what it knows them by. Answers {"status"}: stopped or unknown_person.';

REVOKE ALL ON FUNCTION "private"."forget_whatsapp_codes"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."stop_marketing"(uuid, text, timestamp WITH time zone) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."record_whatsapp_marketing_stop"(text, text, timestamp WITH time zone) TO "service_role";
