SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.settle_whatsapp_message (
  message uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;
