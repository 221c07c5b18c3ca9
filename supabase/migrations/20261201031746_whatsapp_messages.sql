SET local check_function_bodies = off;

CREATE TABLE "private"."calling_codes" (
  "prefix"  text NOT NULL,
  "country" text NOT NULL,
  CONSTRAINT "calling_codes_country_check" CHECK ((country ~ '^[A-Z]{2}$'::text)),
  CONSTRAINT "calling_codes_pkey" PRIMARY KEY (prefix),
  CONSTRAINT "calling_codes_prefix_check" CHECK ((prefix ~ '^[1-9][0-9]{0,6}$'::text))
);

ALTER TABLE "private"."calling_codes"
  ENABLE ROW LEVEL SECURITY;

CREATE TABLE "private"."whatsapp_code_requests" (
  "id"           bigint                   GENERATED ALWAYS AS IDENTITY NOT NULL,
  "phone"        text                     NOT NULL,
  "user_id"      uuid                     NOT NULL,
  "requested_at" timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "whatsapp_code_requests_pkey" PRIMARY KEY (id)
);

ALTER TABLE "private"."whatsapp_code_requests"
  ENABLE ROW LEVEL SECURITY;

CREATE TABLE "private"."whatsapp_codes" (
  "user_id"    uuid                     NOT NULL,
  "phone"      text                     NOT NULL,
  "digest"     bytea                    NOT NULL,
  "tries"      integer                  NOT NULL DEFAULT 0,
  "expires_at" timestamp with time zone NOT NULL,
  CONSTRAINT "whatsapp_codes_pkey" PRIMARY KEY (user_id),
  CONSTRAINT "whatsapp_codes_tries_check" CHECK (((tries >= 0) AND (tries <= 5)))
);

ALTER TABLE "private"."whatsapp_codes"
  ENABLE ROW LEVEL SECURITY;

CREATE TABLE "private"."whatsapp_rates" (
  "country"    text          NOT NULL,
  "category"   text          NOT NULL,
  "valid_from" date          NOT NULL,
  "price"      numeric(12,6) NOT NULL,
  CONSTRAINT "whatsapp_rates_category_check" CHECK ((category = ANY (ARRAY['authentication'::text, 'marketing'::text, 'utility'::text]))),
  CONSTRAINT "whatsapp_rates_country_check" CHECK ((country ~ '^([A-Z]{2}|\*)$'::text)),
  CONSTRAINT "whatsapp_rates_pkey" PRIMARY KEY (country, category, valid_from),
  CONSTRAINT "whatsapp_rates_price_check" CHECK (((price >= (0)::numeric) AND (price <= (999999)::numeric)))
);

ALTER TABLE "private"."whatsapp_rates"
  ENABLE ROW LEVEL SECURITY;

CREATE TABLE "private"."whatsapp_sends" (
  "message_id" uuid    NOT NULL,
  "token"      bigint  NOT NULL,
  "payer_id"   uuid,
  "country"    text    NOT NULL,
  "is_free"    boolean NOT NULL,
  CONSTRAINT "whatsapp_sends_pkey" PRIMARY KEY (message_id)
);

ALTER TABLE "private"."whatsapp_sends"
  ENABLE ROW LEVEL SECURITY;

CREATE TABLE "private"."whatsapp_templates" (
  "name"          text    NOT NULL,
  "language"      text    NOT NULL,
  "category"      text    NOT NULL,
  "parameters"    text[]  NOT NULL,
  "body"          text    NOT NULL,
  "is_for_people" boolean NOT NULL DEFAULT false,
  CONSTRAINT "whatsapp_templates_category_check" CHECK ((category = ANY (ARRAY['authentication'::text, 'marketing'::text, 'utility'::text]))),
  CONSTRAINT "whatsapp_templates_language_check" CHECK ((language ~ '^[a-z]{2,3}(_[A-Z]{2})?$'::text)),
  CONSTRAINT "whatsapp_templates_name_check" CHECK ((name ~ '^[a-z][a-z0-9_]{0,99}$'::text)),
  CONSTRAINT "whatsapp_templates_pkey" PRIMARY KEY (name, LANGUAGE)
);

ALTER TABLE "private"."whatsapp_templates"
  ENABLE ROW LEVEL SECURITY;

CREATE TABLE "public"."delivery_events" (
  "id"          uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "wamid"       text                     NOT NULL,
  "message_id"  uuid,
  "user_id"     uuid,
  "status"      text                     NOT NULL,
  "occurred_at" timestamp with time zone NOT NULL,
  "error_code"  text,
  "category"    text,
  "is_billable" boolean,
  "created_at"  timestamp with time zone NOT NULL DEFAULT now(),
  "updated_at"  timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "delivery_events_category_check" CHECK ((category = ANY (ARRAY['authentication'::text, 'marketing'::text, 'service'::text, 'utility'::text]))),
  CONSTRAINT "delivery_events_error_code_check" CHECK ((error_code ~ '^[A-Z0-9][A-Z0-9_]{0,49}$'::text)),
  CONSTRAINT "delivery_events_pkey" PRIMARY KEY (id),
  CONSTRAINT "delivery_events_status_check" CHECK ((status = ANY (ARRAY['sent'::text, 'delivered'::text, 'read'::text, 'failed'::text]))),
  CONSTRAINT "delivery_events_wamid_check" CHECK (((char_length(wamid) >= 1) AND (char_length(wamid) <= 512))),
  CONSTRAINT "delivery_events_wamid_status_occurred_at_key" UNIQUE (wamid, status, occurred_at)
);

ALTER TABLE "public"."delivery_events"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."delivery_events" FROM "anon";

CREATE TABLE "public"."whatsapp_contacts" (
  "id"              uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "phone"           text,
  "pending_phone"   text,
  "bsuid"           text,
  "verified_at"     timestamp with time zone,
  "opted_in_at"     timestamp with time zone,
  "opted_out_at"    timestamp with time zone,
  "last_inbound_at" timestamp with time zone,
  "created_at"      timestamp with time zone NOT NULL DEFAULT now(),
  "updated_at"      timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "whatsapp_contacts_bsuid_check" CHECK ((bsuid ~ '^[A-Z]{2}\.[A-Za-z0-9]{1,128}$'::text)),
  CONSTRAINT "whatsapp_contacts_bsuid_key" UNIQUE (bsuid),
  CONSTRAINT "whatsapp_contacts_opted_in_at_check" CHECK (((opted_in_at IS NULL) OR (verified_at IS NOT NULL))),
  CONSTRAINT "whatsapp_contacts_pending_phone_check" CHECK ((pending_phone ~ '^\+[1-9][0-9]{6,14}$'::text)),
  CONSTRAINT "whatsapp_contacts_phone_check" CHECK ((phone ~ '^\+[1-9][0-9]{6,14}$'::text)),
  CONSTRAINT "whatsapp_contacts_pkey" PRIMARY KEY (id),
  CONSTRAINT "whatsapp_contacts_verified_at_check" CHECK (((verified_at IS NULL) OR (phone IS NOT NULL) OR (bsuid IS NOT NULL))),
  "user_id"         uuid                     NOT NULL DEFAULT auth.uid(),
  CONSTRAINT "whatsapp_contacts_user_id_key" UNIQUE (user_id)
);

ALTER TABLE "public"."whatsapp_contacts"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."whatsapp_contacts" FROM "anon";

CREATE TABLE "public"."whatsapp_messages" (
  "id"            uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "user_id"       uuid                     NOT NULL,
  "sender_id"     uuid,
  "trip_id"       uuid,
  "direction"     text                     NOT NULL,
  "template_name" text,
  "parameters"    jsonb,
  "body"          text,
  "status"        text                     NOT NULL DEFAULT 'queued'::text,
  "wamid"         text,
  "dedupe_key"    text,
  "error_code"    text,
  "category"      text,
  "cost"          numeric(12,6)            NOT NULL DEFAULT 0,
  "sending_at"    timestamp with time zone,
  "sent_at"       timestamp with time zone,
  "delivered_at"  timestamp with time zone,
  "read_at"       timestamp with time zone,
  "failed_at"     timestamp with time zone,
  "created_at"    timestamp with time zone NOT NULL DEFAULT now(),
  "updated_at"    timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "whatsapp_messages_body_check" CHECK ((char_length(body) <= 4096)),
  CONSTRAINT "whatsapp_messages_category_check" CHECK ((category = ANY (ARRAY['authentication'::text, 'marketing'::text, 'service'::text, 'utility'::text]))),
  CONSTRAINT "whatsapp_messages_cost_check" CHECK (((cost >= (0)::numeric) AND (cost <= (999999)::numeric))),
  CONSTRAINT "whatsapp_messages_dedupe_key_check" CHECK (((char_length(dedupe_key) >= 1) AND (char_length(dedupe_key) <= 200))),
  CONSTRAINT "whatsapp_messages_dedupe_key_key" UNIQUE (dedupe_key),
  CONSTRAINT "whatsapp_messages_direction_check" CHECK ((direction = ANY (ARRAY['outbound'::text, 'inbound'::text]))),
  CONSTRAINT "whatsapp_messages_error_code_check" CHECK (((error_code ~ '^[A-Z0-9][A-Z0-9_]{0,49}$'::text) AND ((error_code IS NOT NULL) = (status = 'failed'::text)))),
  CONSTRAINT "whatsapp_messages_parameters_check" CHECK (((jsonb_typeof(parameters) = 'object'::text) AND (octet_length((parameters)::text) <= 16384))),
  CONSTRAINT "whatsapp_messages_pkey" PRIMARY KEY (id),
  CONSTRAINT "whatsapp_messages_status_check"
    CHECK ((status = ANY (ARRAY['queued'::text, 'sending'::text, 'unknown'::text, 'sent'::text, 'failed'::text, 'delivered'::text, 'read'::text, 'received'::text]))),
  CONSTRAINT "whatsapp_messages_template_name_check" CHECK ((template_name ~ '^[a-z][a-z0-9_]{0,99}$'::text)),
  CONSTRAINT "whatsapp_messages_wamid_check" CHECK (((char_length(wamid) >= 1) AND (char_length(wamid) <= 512))),
  CONSTRAINT "whatsapp_messages_wamid_key" UNIQUE (wamid)
);

ALTER TABLE "public"."whatsapp_messages"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."whatsapp_messages" FROM "anon";

CREATE OR REPLACE FUNCTION private.adopt_whatsapp_events (
  message public.whatsapp_messages,
  wamid   text
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    update public.whatsapp_messages as messages set wamid = adopt_whatsapp_events.wamid
    where messages.id = message.id and messages.wamid is null;
    update public.delivery_events as events set message_id = message.id, user_id = message.user_id
    where events.wamid = adopt_whatsapp_events.wamid and events.message_id is null;
end
$function$;

CREATE OR REPLACE FUNCTION private.check_whatsapp_recipient (
  message  jsonb,
  template private.whatsapp_templates,
  contact  public.whatsapp_contacts
)
  RETURNS void
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION private.fail_whatsapp_message (
  message uuid,
  code    text
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION private.hold_whatsapp_message (
  message uuid
)
  RETURNS public.whatsapp_messages
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION private.make_whatsapp_message (
  message  jsonb,
  template private.whatsapp_templates
)
  RETURNS public.whatsapp_messages
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION private.phone_number (
  written text
)
  RETURNS text
  LANGUAGE plpgsql
  IMMUTABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    phone constant text := regexp_replace(regexp_replace(written, '[\s().\-/\u00a0\u2010-\u2015]', '', 'g'), '^00', '+');
begin
    if phone is null or phone !~ '^\+[1-9][0-9]{6,14}$' then
        perform private.refuse(
            'BAD_USER_INPUT',
            'This is no phone number. Write it with a plus and the country''s code, as in +39 333 1234567.',
            '{"field": "phone"}'
        );
    end if;
    return phone;
end
$function$;

CREATE OR REPLACE FUNCTION private.prune_whatsapp()
  RETURNS bigint
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    pruned bigint;
    more bigint;
begin
    delete from private.whatsapp_code_requests where requested_at < now() - interval '2 days';
    get diagnostics pruned = row_count;
    delete from private.whatsapp_codes where expires_at < now() - interval '1 day';
    get diagnostics more = row_count;
    pruned := pruned + more;
    delete from public.delivery_events where message_id is null and created_at < now() - interval '30 days';
    get diagnostics more = row_count;
    return pruned + more;
end
$function$;

CREATE OR REPLACE FUNCTION private.send_whatsapp (
  message jsonb,
  run_at  timestamp with time zone DEFAULT now()
)
  RETURNS uuid
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return private.enqueue(
        'send_whatsapp', 'user:' || (message ->> 'recipient'), jsonb_build_object('message', message), run_at,
        'whatsapp:' || (message ->> 'dedupe_key')
    );
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
    return settled;
end
$function$;

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
        error_code = case when climb[reached] = 'failed' then coalesce(told.error_code, known.error_code, 'UNKNOWN') end,
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

CREATE OR REPLACE FUNCTION private.whatsapp_code_digest (
  person uuid,
  phone  text,
  code   text
)
  RETURNS bytea
  LANGUAGE sql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
    select sha256(convert_to(concat_ws(':', person, phone, code), 'UTF8'))
$function$;

CREATE OR REPLACE FUNCTION private.whatsapp_components (
  message  jsonb,
  template private.whatsapp_templates
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION private.whatsapp_contact_of (
  phone text,
  bsuid text
)
  RETURNS public.whatsapp_contacts
  LANGUAGE sql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
    select contacts from public.whatsapp_contacts as contacts
    where contacts.verified_at is not null
        and (contacts.phone = whatsapp_contact_of.phone or contacts.bsuid = whatsapp_contact_of.bsuid)
    -- A number is shown to be theirs; what WhatsApp knows them by follows from it.
    order by contacts.phone is not distinct from whatsapp_contact_of.phone desc
    limit 1
$function$;

CREATE OR REPLACE FUNCTION private.whatsapp_country (
  phone text,
  bsuid text
)
  RETURNS text
  LANGUAGE sql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
    select coalesce(
        case when phone is null then split_part(bsuid, '.', 1) else (
            select codes.country from private.calling_codes as codes
            where ltrim(phone, '+') like codes.prefix || '%'
            order by char_length(codes.prefix) desc limit 1
        ) end,
        '*'
    )
$function$;

CREATE OR REPLACE FUNCTION private.whatsapp_opted_in (
  person uuid
)
  RETURNS boolean
  LANGUAGE sql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
    select exists (
        select from public.whatsapp_contacts as contacts
        where contacts.user_id = person and contacts.verified_at is not null
            and contacts.opted_in_at is not null and contacts.opted_out_at is null
    )
$function$;

CREATE OR REPLACE FUNCTION private.whatsapp_parameters (
  message  jsonb,
  template private.whatsapp_templates
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION private.whatsapp_person()
  RETURNS uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    me constant uuid := auth.uid();
begin
    if me is null then
        perform private.refuse('UNAUTHENTICATED', 'Sign in first.');
    elsif private.is_anonymous(me) then
        perform private.refuse('FORBIDDEN', 'Messages are for people with an account: sign up, or add an address.');
    end if;
    return me;
end
$function$;

CREATE OR REPLACE FUNCTION private.whatsapp_price (
  country  text,
  category text,
  day      date
)
  RETURNS numeric
  LANGUAGE sql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
    select coalesce((
        select rates.price from private.whatsapp_rates as rates
        where rates.category = whatsapp_price.category and rates.country in (whatsapp_price.country, '*')
            and rates.valid_from <= day
        order by rates.country = '*', rates.valid_from desc
        limit 1
    ), 0)
$function$;

CREATE OR REPLACE FUNCTION private.whatsapp_template (
  name   text,
  person uuid
)
  RETURNS private.whatsapp_templates
  LANGUAGE sql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
    select templates from private.whatsapp_templates as templates
    where templates.name = whatsapp_template.name
        and templates.language in ('en', (
            select split_part(own.locale, '-', 1) from public.user_preferences as own where own.user_id = person
        ))
    order by templates.language = 'en'
    limit 1
$function$;

CREATE OR REPLACE FUNCTION private.whatsapp_text (
  message jsonb
)
  RETURNS text
  LANGUAGE sql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION private.whatsapp_window_is_open (
  contact public.whatsapp_contacts
)
  RETURNS boolean
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select coalesce(contact.last_inbound_at > now() - interval '24 hours', false)
$function$;

CREATE OR REPLACE FUNCTION private.whatsapp_wish (
  body text
)
  RETURNS text
  LANGUAGE sql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
    select case
        when said in (
            'stop', 'stop all', 'stopall', 'unsubscribe', 'cancel', 'end', 'quit', 'stopp', 'abbestellen', 'abmelden', 'basta',
            'annulla', 'cancella', 'arret', 'arrêt', 'arreter', 'arrêter', 'baja', 'parar', 'sair', 'cancelar'
        ) then 'stop'
        when said in ('start', 'unstop', 'subscribe', 'anmelden', 'iscrivimi', 'alta') then 'start'
    end
    from lower(btrim(regexp_replace(body, '[\s.!,"''«»“”]+', ' ', 'g'))) as said
$function$;

CREATE OR REPLACE FUNCTION private.whatsapp_words (
  message  jsonb,
  template private.whatsapp_templates
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    words text := template.body;
    named record;
begin
    if template.name is null then
        return private.whatsapp_text(message);
    elsif template.category = 'authentication' then
        return null;
    end if;
    for named in select * from jsonb_each_text(private.whatsapp_parameters(message, template)) loop
        words := replace(words, '{{' || named.key || '}}', named.value);
    end loop;
    return left(words, 4096);
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
            if made.sender_id is not null and made.trip_id is null and asked ->> 'trip' is not null
                or made.sender_id <> person and made.trip_id is not null and not exists (
                    select from private.trip_people as mine
                    join private.trip_people as theirs on theirs.trip_id = mine.trip_id
                    where mine.trip_id = made.trip_id and mine.user_id = made.sender_id and theirs.user_id = person
                )
            then
                perform private.refuse('NOT_FOUND', 'They do not share the trip any more.');
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

REVOKE ALL ON FUNCTION "public"."begin_whatsapp_message"(jsonb, uuid, bigint) FROM PUBLIC, "anon", "authenticated";

CREATE OR REPLACE FUNCTION public.body_against (
  entry public.whatsapp_messages
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select public.compare_with_texts(entry.body)
$function$;

REVOKE ALL ON FUNCTION "public"."body_against"(public.whatsapp_messages) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.delivery_events_by_ids (
  ids uuid[]
)
  RETURNS SETOF public.delivery_events
  LANGUAGE sql
  STABLE
  AS $function$
    select * from public.delivery_events where id = any (ids)
$function$;

REVOKE ALL ON FUNCTION "public"."delivery_events_by_ids"(uuid[]) FROM PUBLIC, "anon", "service_role";

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

REVOKE ALL ON FUNCTION "public"."end_whatsapp_send"(uuid, text, bigint, text, text) FROM PUBLIC, "anon", "authenticated";

CREATE OR REPLACE FUNCTION public.record_whatsapp_inbound (
  wamid         text,
  phone         text,
  bsuid         text,
  profile_name  text,
  body          text,
  at            timestamp with time zone,
  context_wamid text                     DEFAULT NULL::text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
    -- WhatsApp's clock has seconds, and cannot be ahead of what it tells.
    moment constant timestamptz := least(record_whatsapp_inbound.at, clock_timestamp());
    number constant text := '+' || ltrim(record_whatsapp_inbound.phone, '+');
    wish constant text := private.whatsapp_wish(record_whatsapp_inbound.body);
    contact public.whatsapp_contacts;
    made uuid;
begin
    contact := private.whatsapp_contact_of(number, record_whatsapp_inbound.bsuid);
    if contact.id is null then
        return jsonb_build_object('status', 'unknown_person');
    end if;
    perform private.hold_person(contact.user_id);
    select * into contact from public.whatsapp_contacts where id = contact.id and verified_at is not null for update;
    if not found then
        return jsonb_build_object('status', 'unknown_person');
    end if;
    insert into public.whatsapp_messages (
        user_id, trip_id, direction, body, status, wamid, category, sent_at, created_at, updated_at
    ) values (
        contact.user_id,
        -- What it answers was about.
        (
            select answered.trip_id from public.whatsapp_messages as answered
            where answered.wamid = record_whatsapp_inbound.context_wamid and answered.user_id = contact.user_id
        ),
        'inbound', left(record_whatsapp_inbound.body, 4096), 'received', record_whatsapp_inbound.wamid, 'service',
        moment, clock_timestamp(), clock_timestamp()
    )
    on conflict on constraint whatsapp_messages_wamid_key do nothing
    returning id into made;
    if made is null then
        return jsonb_build_object('status', 'known');
    end if;
    update public.whatsapp_contacts set
        last_inbound_at = greatest(last_inbound_at, moment),
        -- The number is who it is; another contact may still be known by this.
        bsuid = case
            when record_whatsapp_inbound.bsuid is null or exists (
                select from public.whatsapp_contacts as others
                where others.bsuid = record_whatsapp_inbound.bsuid and others.id <> contact.id
            ) then bsuid
            else record_whatsapp_inbound.bsuid
        end,
        -- What was told late does not undo what was said since.
        opted_out_at = case
            when wish = 'stop' and moment >= date_trunc('second', greatest(opted_in_at, opted_out_at)) then moment
            when wish = 'start' and moment >= date_trunc('second', opted_out_at) then null
            else opted_out_at
        end,
        opted_in_at = case
            when wish = 'start' and (opted_in_at is null or moment >= date_trunc('second', opted_out_at)) then moment
            else opted_in_at
        end
    where id = contact.id;
    return jsonb_build_object('status', 'received', 'message', made, 'wish', wish);
end
$function$;

REVOKE ALL ON FUNCTION "public"."record_whatsapp_inbound"(text, text, text, text, text, timestamp WITH time zone, text) FROM PUBLIC, "anon", "authenticated";

CREATE OR REPLACE FUNCTION public.record_whatsapp_number_change (
  old_phone text,
  new_phone text,
  bsuid     text,
  at        timestamp with time zone,
  old_bsuid text                     DEFAULT NULL::text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
    number constant text := '+' || ltrim(record_whatsapp_number_change.old_phone, '+');
begin
    update public.whatsapp_contacts set
        verified_at = null, opted_in_at = null, opted_out_at = null, bsuid = null, last_inbound_at = null
    where (phone = number or bsuid = record_whatsapp_number_change.old_bsuid) and verified_at is not null
        -- Told late, of a number that was shown to be theirs since.
        and date_trunc('second', verified_at) <= record_whatsapp_number_change.at;
    return jsonb_build_object('status', case when found then 'unverified' else 'unknown_person' end);
end
$function$;

REVOKE ALL ON FUNCTION "public"."record_whatsapp_number_change"(text, text, text, timestamp WITH time zone, text) FROM PUBLIC, "anon", "authenticated";

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

REVOKE ALL ON FUNCTION "public"."record_whatsapp_status"(text, uuid, text, timestamp WITH time zone, text, jsonb) FROM PUBLIC, "anon", "authenticated";

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
    key constant text := format(
        'person:%s:%s', me,
        case when idempotency_key is null then gen_random_uuid()::text
            else encode(sha256(convert_to(idempotency_key, 'UTF8')), 'hex') end
    );
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

REVOKE ALL ON FUNCTION "public"."send_whatsapp_message"(uuid, uuid, text, jsonb, text, text) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.start_whatsapp_link (
  phone text
)
  RETURNS SETOF public.whatsapp_contacts
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
    me constant uuid := private.whatsapp_person();
    wanted constant text := private.phone_number(start_whatsapp_link.phone);
    moment timestamptz;
    code text;
begin
    -- One after the other, so that no more are sent at once than one after the other.
    perform pg_advisory_xact_lock(hashtextextended('whatsapp_code:' || wanted, 0));
    perform private.hold_person(me);
    moment := clock_timestamp();
    if 3 <= (
        select count(*) from private.whatsapp_code_requests as requests
        where requests.phone = wanted and requests.requested_at > moment - interval '1 day'
    ) then
        perform private.refuse(
            'RATE_LIMITED', 'A number is sent three codes a day. Wait a day, then ask for another.', '{"field": "phone"}'
        );
    elsif 10 <= (
        select count(*) from private.whatsapp_code_requests as requests
        where requests.user_id = me and requests.requested_at > moment - interval '1 day'
    ) then
        perform private.refuse(
            'RATE_LIMITED', 'A person can ask for ten codes a day. Wait a day, then ask for another.'
        );
    end if;
    insert into private.whatsapp_code_requests (phone, user_id, requested_at) values (wanted, me, moment);

    -- Six digits, each as likely as another: of 60 bits none comes measurably more often.
    code := lpad((
        ('x0' || left(encode(sha256(convert_to(gen_random_uuid() || ':' || gen_random_uuid(), 'UTF8')), 'hex'), 15))
            ::bit(64)::bigint % 1000000
    )::text, 6, '0');
    insert into private.whatsapp_codes as codes (user_id, phone, digest, expires_at)
    values (me, wanted, private.whatsapp_code_digest(me, wanted, code), moment + interval '10 minutes')
    on conflict on constraint whatsapp_codes_pkey do update set
        phone = excluded.phone, digest = excluded.digest, tries = 0, expires_at = excluded.expires_at;
    insert into public.whatsapp_contacts as contacts (user_id, pending_phone) values (me, wanted)
    on conflict on constraint whatsapp_contacts_user_id_key do update set pending_phone = excluded.pending_phone;
    perform private.send_whatsapp(jsonb_build_object(
        'dedupe_key', 'code:' || gen_random_uuid(), 'recipient', me, 'topic', 'code', 'phone', wanted,
        'template', 'verification_code', 'parameters', jsonb_build_object('code', code)
    ));
    perform private.ring_tasks('{send_whatsapp}');
    return query select * from public.whatsapp_contacts where user_id = me;
end
$function$;

REVOKE ALL ON FUNCTION "public"."start_whatsapp_link"(text) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.unlink_whatsapp()
  RETURNS SETOF public.whatsapp_contacts
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    me constant uuid := private.whatsapp_person();
begin
    delete from private.whatsapp_codes where user_id = me;
    return query delete from public.whatsapp_contacts where user_id = me returning *;
end
$function$;

REVOKE ALL ON FUNCTION "public"."unlink_whatsapp"() FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.verify_whatsapp (
  code text
)
  RETURNS SETOF public.whatsapp_contacts
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
    me constant uuid := private.whatsapp_person();
    tried constant text := regexp_replace(verify_whatsapp.code, '\s', '', 'g');
    sent private.whatsapp_codes;
    moment timestamptz;
begin
    select * into sent from private.whatsapp_codes where user_id = me;
    if not found then
        return;
    end if;
    -- Two who show at once that a number is theirs do so one after the other.
    perform pg_advisory_xact_lock(hashtextextended('whatsapp_code:' || sent.phone, 0));
    update private.whatsapp_codes set tries = tries + 1
    where user_id = me and phone = sent.phone and tries < 5 and expires_at > clock_timestamp()
    returning * into sent;
    if not found or sent.digest is distinct from private.whatsapp_code_digest(me, sent.phone, tried) then
        return;
    end if;

    moment := clock_timestamp();
    delete from private.whatsapp_codes where user_id = me;
    -- In one order, so that two who take each other's number do not wait for each other.
    perform from public.whatsapp_contacts
    where user_id = me or phone = sent.phone and verified_at is not null
    order by id for update;
    -- Whoever had it asked for messages with it: whoever has it now asks anew.
    update public.whatsapp_contacts set
        verified_at = null, opted_in_at = null, opted_out_at = null, bsuid = null, last_inbound_at = null
    where phone = sent.phone and user_id <> me and verified_at is not null;
    return query
        insert into public.whatsapp_contacts as contacts (user_id, phone, verified_at, opted_in_at)
        values (me, sent.phone, moment, moment)
        on conflict on constraint whatsapp_contacts_user_id_key do update set
            -- What was known of another number is not of this one.
            bsuid = case when contacts.phone = excluded.phone and contacts.verified_at is not null then contacts.bsuid end,
            last_inbound_at = case
                when contacts.phone = excluded.phone and contacts.verified_at is not null then contacts.last_inbound_at
            end,
            phone = excluded.phone, pending_phone = null, verified_at = excluded.verified_at,
            opted_in_at = excluded.opted_in_at, opted_out_at = null
        returning *;
end
$function$;

REVOKE ALL ON FUNCTION "public"."verify_whatsapp"(text) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.whatsapp_contacts_by_ids (
  ids uuid[]
)
  RETURNS SETOF public.whatsapp_contacts
  LANGUAGE sql
  STABLE
  AS $function$
    select * from public.whatsapp_contacts where id = any (ids)
$function$;

REVOKE ALL ON FUNCTION "public"."whatsapp_contacts_by_ids"(uuid[]) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.whole_delivery_events (
  public .delivery_events
)
  RETURNS SETOF public.delivery_events
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select ($1).*
$function$;

REVOKE ALL ON FUNCTION "public"."whole_delivery_events"(public.delivery_events) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.whole_whatsapp_contacts (
  public .whatsapp_contacts
)
  RETURNS SETOF public.whatsapp_contacts
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select ($1).*
$function$;

REVOKE ALL ON FUNCTION "public"."whole_whatsapp_contacts"(public.whatsapp_contacts) FROM PUBLIC, "anon", "service_role";

ALTER TABLE "private"."whatsapp_codes"
  ADD CONSTRAINT "fk_whatsapp_codes_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

ALTER TABLE "public"."delivery_events"
  ADD CONSTRAINT "fk_delivery_events_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

ALTER TABLE "public"."whatsapp_messages"
  ADD CONSTRAINT "fk_whatsapp_messages_sender_id" FOREIGN KEY (sender_id) REFERENCES public.profiles(id) ON DELETE SET NULL;

ALTER TABLE "public"."whatsapp_messages"
  ADD CONSTRAINT "fk_whatsapp_messages_trip_id" FOREIGN KEY (trip_id) REFERENCES public.trips(id) ON DELETE SET NULL;

ALTER TABLE "public"."whatsapp_messages"
  ADD CONSTRAINT "fk_whatsapp_messages_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

ALTER TABLE "private"."whatsapp_sends"
  ADD CONSTRAINT "fk_whatsapp_sends_message_id" FOREIGN KEY (message_id) REFERENCES public.whatsapp_messages(id) ON DELETE CASCADE;

ALTER TABLE "public"."delivery_events"
  ADD CONSTRAINT "fk_delivery_events_message_id" FOREIGN KEY (message_id) REFERENCES public.whatsapp_messages(id) ON DELETE CASCADE;

CREATE VIEW "public"."whatsapp_messages_by_created_at_desc_reversed" WITH (security_invoker=true) AS  SELECT id,
    user_id,
    sender_id,
    trip_id,
    direction,
    template_name,
    parameters,
    body,
    status,
    dedupe_key,
    error_code,
    category,
    cost,
    sending_at,
    sent_at,
    delivered_at,
    read_at,
    failed_at,
    created_at,
    updated_at
   FROM public.whatsapp_messages
  ORDER BY created_at, id DESC;

REVOKE ALL ON TABLE "public"."whatsapp_messages_by_created_at_desc_reversed" FROM "anon", "service_role";

CREATE VIEW "public"."whatsapp_messages_by_created_at_desc" WITH (security_invoker=true) AS  SELECT id,
    user_id,
    sender_id,
    trip_id,
    direction,
    template_name,
    parameters,
    body,
    status,
    dedupe_key,
    error_code,
    category,
    cost,
    sending_at,
    sent_at,
    delivered_at,
    read_at,
    failed_at,
    created_at,
    updated_at
   FROM public.whatsapp_messages
  ORDER BY created_at DESC, id;

REVOKE ALL ON TABLE "public"."whatsapp_messages_by_created_at_desc" FROM "anon", "service_role";

CREATE INDEX idx_whatsapp_code_requests_phone ON private.whatsapp_code_requests USING btree (phone, requested_at);

CREATE INDEX idx_whatsapp_code_requests_requested_at ON private.whatsapp_code_requests USING btree (requested_at);

CREATE INDEX idx_whatsapp_code_requests_user_id ON private.whatsapp_code_requests USING btree (user_id, requested_at);

CREATE INDEX idx_delivery_events_created_at ON public.delivery_events USING btree (created_at)
  WHERE (message_id IS NULL);

CREATE INDEX idx_delivery_events_message_id_occurred_at ON public.delivery_events USING btree (message_id, occurred_at DESC);

CREATE INDEX idx_delivery_events_user_id_occurred_at ON public.delivery_events USING btree (user_id, occurred_at DESC);

CREATE UNIQUE INDEX idx_whatsapp_contacts_phone ON public.whatsapp_contacts USING btree (phone)
  WHERE (verified_at IS NOT NULL);

CREATE INDEX idx_whatsapp_messages_created_at ON public.whatsapp_messages USING btree (created_at)
  WHERE (status = 'queued'::text);

CREATE INDEX idx_whatsapp_messages_sender_id_created_at ON public.whatsapp_messages USING btree (sender_id, created_at DESC);

CREATE INDEX idx_whatsapp_messages_sending_at ON public.whatsapp_messages USING btree (sending_at)
  WHERE (status = ANY (ARRAY['sending'::text, 'unknown'::text]));

CREATE INDEX idx_whatsapp_messages_trip_id_created_at ON public.whatsapp_messages USING btree (trip_id, created_at DESC);

CREATE INDEX idx_whatsapp_messages_user_id_created_at ON public.whatsapp_messages USING btree (user_id, created_at DESC);

CREATE TRIGGER broadcast_delivery_events_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.delivery_events
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_by_user_id('id');

CREATE TRIGGER set_delivery_events_updated_at
  BEFORE UPDATE ON public.delivery_events
  FOR EACH ROW
  EXECUTE FUNCTION private.set_updated_at();

CREATE TRIGGER broadcast_whatsapp_contacts_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.whatsapp_contacts
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_by_user_id('id');

CREATE TRIGGER set_whatsapp_contacts_updated_at
  BEFORE UPDATE ON public.whatsapp_contacts
  FOR EACH ROW
  EXECUTE FUNCTION private.set_updated_at();

CREATE TRIGGER broadcast_whatsapp_messages_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.whatsapp_messages
  FOR EACH ROW
  EXECUTE FUNCTION
    private.broadcast_user_by_user_id('id', 'id', 'user_id', 'sender_id', 'trip_id', 'direction', 'template_name', 'parameters', 'body', 'status', 'dedupe_key', 'error_code',
    'category', 'cost', 'sending_at', 'sent_at', 'delivered_at', 'read_at', 'failed_at', 'created_at', 'updated_at');

CREATE TRIGGER set_whatsapp_messages_updated_at
  BEFORE UPDATE ON public.whatsapp_messages
  FOR EACH ROW
  EXECUTE FUNCTION private.set_updated_at();

CREATE POLICY "Nobody but the functions of messages may look" ON "private"."calling_codes"
  FOR ALL
  TO PUBLIC
  USING (false);

CREATE POLICY "Nobody but the functions of contacts may look" ON "private"."whatsapp_code_requests"
  FOR ALL
  TO PUBLIC
  USING (false);

CREATE POLICY "Nobody but the functions of contacts may look" ON "private"."whatsapp_codes"
  FOR ALL
  TO PUBLIC
  USING (false);

CREATE POLICY "Nobody but the functions of messages may look" ON "private"."whatsapp_rates"
  FOR ALL
  TO PUBLIC
  USING (false);

CREATE POLICY "Nobody but the functions of messages may look" ON "private"."whatsapp_sends"
  FOR ALL
  TO PUBLIC
  USING (false);

CREATE POLICY "Nobody but the functions of messages may look" ON "private"."whatsapp_templates"
  FOR ALL
  TO PUBLIC
  USING (false);

CREATE POLICY "People can view what became of messages to them" ON "public"."delivery_events"
  FOR SELECT
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "People can view their messages and those that they had sent" ON "public"."whatsapp_messages"
  FOR SELECT
  TO "authenticated"
  USING (((user_id = ( SELECT auth.uid() AS uid)) OR (sender_id = ( SELECT auth.uid() AS uid))));

ALTER PUBLICATION "supabase_realtime" ADD TABLE "public"."whatsapp_messages";

COMMENT ON COLUMN "private"."calling_codes"."country" IS 'The country, by ISO 3166.';

COMMENT ON COLUMN "private"."calling_codes"."prefix" IS 'The first digits of the number, without the plus; the longest that fits counts.';

COMMENT ON COLUMN "private"."whatsapp_codes"."digest" IS 'SHA-256 of the code and whose it is.';

COMMENT ON COLUMN "private"."whatsapp_codes"."expires_at" IS 'Until when it is good.';

COMMENT ON COLUMN "private"."whatsapp_codes"."phone" IS 'The number that it was sent to.';

COMMENT ON COLUMN "private"."whatsapp_codes"."tries" IS 'How many codes were tried; the fifth is the last.';

COMMENT ON COLUMN "private"."whatsapp_rates"."category" IS 'What it is charged as.';

COMMENT ON COLUMN "private"."whatsapp_rates"."country" IS 'The country of the number by ISO 3166, or * for those that have no rate of their own.';

COMMENT ON COLUMN "private"."whatsapp_rates"."price" IS 'US dollars a message.';

COMMENT ON COLUMN "private"."whatsapp_rates"."valid_from" IS 'The first day of the rate.';

COMMENT ON COLUMN "private"."whatsapp_sends"."country" IS 'The country of the number, or *.';

COMMENT ON COLUMN "private"."whatsapp_sends"."is_free" IS 'Whether WhatsApp takes nothing for it, as for what answers somebody.';

COMMENT ON COLUMN "private"."whatsapp_sends"."payer_id" IS 'The person whose plan it is counted in; null where it is counted in none.';

COMMENT ON COLUMN "private"."whatsapp_sends"."token" IS 'The token of the task under which it was.';

COMMENT ON COLUMN "private"."whatsapp_templates"."body" IS 'Its words, with {{name}} for each place.';

COMMENT ON COLUMN "private"."whatsapp_templates"."category" IS 'What WhatsApp charges it as.';

COMMENT ON COLUMN "private"."whatsapp_templates"."is_for_people" IS 'Whether people may have it sent to others.';

COMMENT ON COLUMN "private"."whatsapp_templates"."language" IS 'Its language at WhatsApp.';

COMMENT ON COLUMN "private"."whatsapp_templates"."name" IS 'Its name at WhatsApp.';

COMMENT ON COLUMN "private"."whatsapp_templates"."parameters" IS 'The names of its places, in their order; sender and trip are filled by the database.';

COMMENT ON COLUMN "public"."delivery_events"."category" IS 'What WhatsApp charges the message as.';

COMMENT ON COLUMN "public"."delivery_events"."created_at" IS 'When it was told.';

COMMENT ON COLUMN "public"."delivery_events"."error_code" IS 'WhatsApp''s number for why it failed.';

COMMENT ON COLUMN "public"."delivery_events"."id" IS 'The event''s id.';

COMMENT ON COLUMN "public"."delivery_events"."is_billable" IS 'Whether WhatsApp charges for it.';

COMMENT ON COLUMN "public"."delivery_events"."message_id" IS 'The message; null as long as it is not known which one that is.';

COMMENT ON COLUMN "public"."delivery_events"."occurred_at" IS 'When it had, by WhatsApp''s clock.';

COMMENT ON COLUMN "public"."delivery_events"."status" IS 'How far the message had come.';

COMMENT ON COLUMN "public"."delivery_events"."updated_at" IS 'When it was last known to be of another message than before.';

COMMENT ON COLUMN "public"."delivery_events"."user_id" IS 'The person to whom the message was sent.';

COMMENT ON COLUMN "public"."delivery_events"."wamid" IS 'What WhatsApp knows the message by.';

COMMENT ON COLUMN "public"."whatsapp_contacts"."bsuid" IS 'What WhatsApp knows them by towards this business, with or without a number.';

COMMENT ON COLUMN "public"."whatsapp_contacts"."created_at" IS 'When they first gave a number.';

COMMENT ON COLUMN "public"."whatsapp_contacts"."id" IS 'The contact''s id.';

COMMENT ON COLUMN "public"."whatsapp_contacts"."last_inbound_at" IS 'When they last wrote: for 24 hours from then, they can be written to freely.';

COMMENT ON COLUMN "public"."whatsapp_contacts"."opted_in_at" IS 'When they last asked for messages.';

COMMENT ON COLUMN "public"."whatsapp_contacts"."opted_out_at" IS 'When they asked for no more, as by STOP; null where they have not since they last asked for them.';

COMMENT ON COLUMN "public"."whatsapp_contacts"."pending_phone" IS 'The number that a code was sent to, until it is verified.';

COMMENT ON COLUMN "public"."whatsapp_contacts"."phone" IS 'Their number, as in +393331234567; null where none was verified, or they have a user name in its stead.';

COMMENT ON COLUMN "public"."whatsapp_contacts"."updated_at" IS 'When it last changed.';

COMMENT ON COLUMN "public"."whatsapp_contacts"."verified_at" IS 'When they showed that the number is theirs; null where they did not, or somebody else did since.';

COMMENT ON COLUMN "public"."whatsapp_messages"."body" IS 'Its words, up to 4,096 characters; null where they are secret, as a code, or it has none.';

COMMENT ON COLUMN "public"."whatsapp_messages"."category" IS 'What WhatsApp charges it as.';

COMMENT ON COLUMN "public"."whatsapp_messages"."cost" IS 'What it cost, in US dollars.';

COMMENT ON COLUMN "public"."whatsapp_messages"."created_at" IS 'When it was to be sent, or came in.';

COMMENT ON COLUMN "public"."whatsapp_messages"."dedupe_key" IS 'What is sent once, however often it is asked for.';

COMMENT ON COLUMN "public"."whatsapp_messages"."delivered_at" IS 'When it reached the phone.';

COMMENT ON COLUMN "public"."whatsapp_messages"."direction" IS 'Whether it is to the person or from them.';

COMMENT ON COLUMN "public"."whatsapp_messages"."error_code" IS 'Why it failed: a public code of the API, or WhatsApp''s number; null otherwise.';

COMMENT ON COLUMN "public"."whatsapp_messages"."failed_at" IS 'When it failed.';

COMMENT ON COLUMN "public"."whatsapp_messages"."id" IS 'The message''s id.';

COMMENT ON COLUMN "public"."whatsapp_messages"."parameters" IS 'What stands in the template''s places, by their names.';

COMMENT ON COLUMN "public"."whatsapp_messages"."read_at" IS 'When it was read, where the person lets that be known.';

COMMENT ON COLUMN "public"."whatsapp_messages"."sender_id" IS 'The person who had it sent; null where nobody did, as of reminders, and of messages from the person.';

COMMENT ON COLUMN "public"."whatsapp_messages"."sending_at" IS 'When it was last given to WhatsApp.';

COMMENT ON COLUMN "public"."whatsapp_messages"."sent_at" IS 'When WhatsApp took it; of a message from the person, when they wrote it.';

COMMENT ON COLUMN "public"."whatsapp_messages"."status" IS 'How far it has come. It only climbs.';

COMMENT ON COLUMN "public"."whatsapp_messages"."template_name" IS 'The template that it is made of; null of free text.';

COMMENT ON COLUMN "public"."whatsapp_messages"."trip_id" IS 'The trip that it is about; null where it is about none, or the trip is gone.';

COMMENT ON COLUMN "public"."whatsapp_messages"."updated_at" IS 'When it last changed.';

COMMENT ON COLUMN "public"."whatsapp_messages"."user_id" IS 'The person to whom it is sent, or who wrote it.';

COMMENT ON COLUMN "public"."whatsapp_messages"."wamid" IS 'What WhatsApp knows it by, once it has taken it.';

COMMENT ON CONSTRAINT "delivery_events_category_check" ON "public"."delivery_events" IS 'There is no such category.';

COMMENT ON CONSTRAINT "delivery_events_error_code_check" ON "public"."delivery_events" IS 'There is no such code.';

COMMENT ON CONSTRAINT "delivery_events_status_check" ON "public"."delivery_events" IS 'There is no such status of deliveries.';

COMMENT ON CONSTRAINT "delivery_events_wamid_check" ON "public"."delivery_events" IS 'What WhatsApp knows a message by is 1 to 512 characters long.';

COMMENT ON CONSTRAINT "whatsapp_contacts_bsuid_check" ON "public"."whatsapp_contacts" IS 'What WhatsApp knows people by is a country, a point, and letters and digits.';

COMMENT ON CONSTRAINT "whatsapp_contacts_opted_in_at_check" ON "public"."whatsapp_contacts" IS 'Only who is verified can have asked for messages.';

COMMENT ON CONSTRAINT "whatsapp_contacts_pending_phone_check" ON "public"."whatsapp_contacts" IS 'A number is a plus, a country''s code and the rest, 7 to 15 digits together.';

COMMENT ON CONSTRAINT "whatsapp_contacts_phone_check" ON "public"."whatsapp_contacts" IS 'A number is a plus, a country''s code and the rest, 7 to 15 digits together.';

COMMENT ON CONSTRAINT "whatsapp_contacts_verified_at_check" ON "public"."whatsapp_contacts" IS 'Only a number, or what WhatsApp knows people by, can be verified.';

COMMENT ON CONSTRAINT "whatsapp_messages_body_check" ON "public"."whatsapp_messages" IS 'A message is at most 4,096 characters long.';

COMMENT ON CONSTRAINT "whatsapp_messages_category_check" ON "public"."whatsapp_messages" IS 'There is no such category.';

COMMENT ON CONSTRAINT "whatsapp_messages_cost_check" ON "public"."whatsapp_messages" IS 'A cost is zero to 999,999 dollars.';

COMMENT ON CONSTRAINT "whatsapp_messages_dedupe_key_check" ON "public"."whatsapp_messages" IS 'A key is 1 to 200 characters long.';

COMMENT ON CONSTRAINT "whatsapp_messages_direction_check" ON "public"."whatsapp_messages" IS 'A message goes to a person or comes from them.';

COMMENT ON CONSTRAINT "whatsapp_messages_error_code_check" ON "public"."whatsapp_messages" IS 'A message that failed has a code, and no other has.';

COMMENT ON CONSTRAINT "whatsapp_messages_parameters_check" ON "public"."whatsapp_messages" IS 'Parameters are an object of at most 16 KiB.';

COMMENT ON CONSTRAINT "whatsapp_messages_status_check" ON "public"."whatsapp_messages" IS 'There is no such status of messages.';

COMMENT ON CONSTRAINT "whatsapp_messages_template_name_check" ON "public"."whatsapp_messages" IS 'A template is called by small letters, digits and underscores.';

COMMENT ON CONSTRAINT "whatsapp_messages_wamid_check" ON "public"."whatsapp_messages" IS 'What WhatsApp knows a message by is 1 to 512 characters long.';

COMMENT ON FUNCTION "private"."prune_whatsapp"() IS 'Forgets codes that are over, and what was told of messages that are nobody''s; returns how much.';

COMMENT ON FUNCTION "private"."send_whatsapp"(jsonb, timestamp with time zone) IS 'Has a message sent once for its dedupe_key, as soon as it is due and the person may be told; returns the task.';

COMMENT ON FUNCTION "private"."settle_unknown_whatsapp"() IS 'What was being sent for ten minutes is unknown, and counts as sent after a day; what is queued and has no task any more has failed. Returns how many.';

COMMENT ON FUNCTION "private"."whatsapp_opted_in"(uuid) IS 'Whether a person has a verified number, has asked for messages, and not for none since.';

COMMENT ON FUNCTION "public"."begin_whatsapp_message"(jsonb, uuid, bigint) IS 'Decides whether a message is sent, by the token of its task, and writes down that it is. Answers {"do": "send", "id", "to", "kind", "template", "language", "components", "body", "category"}, {"do": "defer", "until"} where a task for then was made, or {"do": "nothing", "status"}: what may have been sent is not sent again.';

COMMENT ON FUNCTION "public"."body_against"(public.whatsapp_messages) IS 'How the column compares with each text that the request brings along.';

COMMENT ON FUNCTION "public"."delivery_events_by_ids"(uuid[]) IS 'The rows of delivery_events with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."end_whatsapp_send"(uuid, text, bigint, text, text) IS 'What WhatsApp answered: accepted, with what it knows the message by; failed; throttled, so that nothing left; template_required; marketing_stopped; or unknown where no answer was heard. Answers {"id", "status"}: of queued the task is to be tried again. Only who is at it, by the token, says anything but accepted; said again, or late, it undoes nothing.';

COMMENT ON FUNCTION "public"."record_whatsapp_inbound"(text, text, text, text, text, timestamp with time zone, text) IS 'Somebody wrote: for 24 hours they can be written to freely; STOP ends all messages, START begins them again. Answers {"status"}: received, known where it was told before, or unknown_person, of whom nothing is kept.';

COMMENT ON FUNCTION "public"."record_whatsapp_number_change"(text, text, text, timestamp with time zone, text) IS 'Somebody has another number now: the old one has to be shown to be theirs anew. Answers {"status"}: unverified or unknown_person.';

COMMENT ON FUNCTION "public"."record_whatsapp_status"(text, uuid, text, timestamp with time zone, text, jsonb) IS 'What WhatsApp tells of a message, which is known by its wamid, or by our id that it was sent with. Told again, late, or in any order it comes to the same. Answers {"id", "status"}, or the status ignored or unknown_message.';

COMMENT ON FUNCTION "public"."send_whatsapp_message"(uuid, uuid, text, jsonb, text, text) IS 'Has a message sent to somebody on a trip of the caller''s, once for each key; answers its id. Refused with NOT_FOUND where they share no trip, RECIPIENT_OPTED_OUT where they want none, TEMPLATE_REQUIRED for free text to who has not written within 24 hours, USAGE_LIMIT_EXCEEDED where the caller''s plan includes no more.';

COMMENT ON FUNCTION "public"."start_whatsapp_link"(text) IS 'Sends the caller a code to a number, by which they show that it is theirs: good for ten minutes and five tries, three a day for each number. Answers their contact.';

COMMENT ON FUNCTION "public"."unlink_whatsapp"() IS 'Forgets the caller''s number; answers the contact that there was.';

COMMENT ON FUNCTION "public"."verify_whatsapp"(text) IS 'The caller has read a code: the number is theirs, and nobody else''s any more, and they ask for messages. Answers their contact; nothing where the code is wrong, or not good any more.';

COMMENT ON FUNCTION "public"."whatsapp_contacts_by_ids"(uuid[]) IS 'The rows of whatsapp_contacts with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."whole_delivery_events"(public.delivery_events) IS 'The row of delivery_events itself.';

COMMENT ON FUNCTION "public"."whole_whatsapp_contacts"(public.whatsapp_contacts) IS 'The row of whatsapp_contacts itself.';

COMMENT ON TABLE "private"."calling_codes" IS 'The country whose numbers begin so.';

COMMENT ON TABLE "private"."whatsapp_code_requests" IS 'That a code was asked for, for as long as it is counted: also of accounts that are gone.';

COMMENT ON TABLE "private"."whatsapp_codes" IS 'The code that a person was last sent, to show that a number is theirs.';

COMMENT ON TABLE "private"."whatsapp_rates" IS 'What a message costs from a day on.';

COMMENT ON TABLE "private"."whatsapp_sends" IS 'That a message was given to WhatsApp, by whom, and who pays.';

COMMENT ON TABLE "private"."whatsapp_templates" IS 'A template that WhatsApp has approved.';

COMMENT ON TABLE "public"."delivery_events" IS 'Something that WhatsApp told of a message, once.';

COMMENT ON TABLE "public"."whatsapp_contacts" IS 'By what a person is reached on WhatsApp, and whether they want to be.';

COMMENT ON TABLE "public"."whatsapp_messages" IS 'A message by WhatsApp: to a person, or from them.';

COMMENT ON VIEW "public"."whatsapp_messages_by_created_at_desc" IS 'The rows of whatsapp_messages, ordered by created_at desc, id.';

COMMENT ON VIEW "public"."whatsapp_messages_by_created_at_desc_reversed" IS 'The same as whatsapp_messages_by_created_at_desc, from its end.';

REVOKE ALL ON FUNCTION "private"."adopt_whatsapp_events"(public.whatsapp_messages, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_whatsapp_recipient"(jsonb, private.whatsapp_templates, public.whatsapp_contacts) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."fail_whatsapp_message"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."hold_whatsapp_message"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."make_whatsapp_message"(jsonb, private.whatsapp_templates) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."phone_number"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."prune_whatsapp"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."send_whatsapp"(jsonb, timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."settle_unknown_whatsapp"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."settle_whatsapp_message"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."whatsapp_code_digest"(uuid, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."whatsapp_components"(jsonb, private.whatsapp_templates) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."whatsapp_contact_of"(text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."whatsapp_country"(text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."whatsapp_opted_in"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."whatsapp_parameters"(jsonb, private.whatsapp_templates) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."whatsapp_person"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."whatsapp_price"(text, text, date) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."whatsapp_template"(text, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."whatsapp_text"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."whatsapp_window_is_open"(public.whatsapp_contacts) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."whatsapp_wish"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."whatsapp_words"(jsonb, private.whatsapp_templates) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."begin_whatsapp_message"(jsonb, uuid, bigint) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."body_against"(public.whatsapp_messages) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."delivery_events_by_ids"(uuid[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."end_whatsapp_send"(uuid, text, bigint, text, text) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."record_whatsapp_inbound"(text, text, text, text, text, timestamp WITH time zone, text) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."record_whatsapp_number_change"(text, text, text, timestamp WITH time zone, text) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."record_whatsapp_status"(text, uuid, text, timestamp WITH time zone, text, jsonb) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."send_whatsapp_message"(uuid, uuid, text, jsonb, text, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."start_whatsapp_link"(text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."unlink_whatsapp"() TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."verify_whatsapp"(text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."whatsapp_contacts_by_ids"(uuid[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."whole_delivery_events"(public.delivery_events) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."whole_whatsapp_contacts"(public.whatsapp_contacts) TO "authenticated";

REVOKE ALL ON TABLE "public"."delivery_events" FROM "authenticated";

GRANT SELECT ON TABLE "public"."delivery_events" TO "authenticated";

REVOKE ALL ON TABLE "public"."delivery_events" FROM "service_role";

GRANT SELECT ON TABLE "public"."delivery_events" TO "service_role";

REVOKE ALL ON TABLE "public"."whatsapp_contacts" FROM "authenticated";

GRANT SELECT ON TABLE "public"."whatsapp_contacts" TO "authenticated";

REVOKE ALL ON TABLE "public"."whatsapp_contacts" FROM "service_role";

GRANT SELECT ON TABLE "public"."whatsapp_contacts" TO "service_role";

REVOKE ALL ON TABLE "public"."whatsapp_messages" FROM "authenticated";

REVOKE ALL ("body") ON TABLE "public"."whatsapp_messages" FROM "authenticated";

GRANT SELECT ("body") ON TABLE "public"."whatsapp_messages" TO "authenticated";

REVOKE ALL ("category") ON TABLE "public"."whatsapp_messages" FROM "authenticated";

GRANT SELECT ("category") ON TABLE "public"."whatsapp_messages" TO "authenticated";

REVOKE ALL ("cost") ON TABLE "public"."whatsapp_messages" FROM "authenticated";

GRANT SELECT ("cost") ON TABLE "public"."whatsapp_messages" TO "authenticated";

REVOKE ALL ("created_at") ON TABLE "public"."whatsapp_messages" FROM "authenticated";

GRANT SELECT ("created_at") ON TABLE "public"."whatsapp_messages" TO "authenticated";

REVOKE ALL ("dedupe_key") ON TABLE "public"."whatsapp_messages" FROM "authenticated";

GRANT SELECT ("dedupe_key") ON TABLE "public"."whatsapp_messages" TO "authenticated";

REVOKE ALL ("delivered_at") ON TABLE "public"."whatsapp_messages" FROM "authenticated";

GRANT SELECT ("delivered_at") ON TABLE "public"."whatsapp_messages" TO "authenticated";

REVOKE ALL ("direction") ON TABLE "public"."whatsapp_messages" FROM "authenticated";

GRANT SELECT ("direction") ON TABLE "public"."whatsapp_messages" TO "authenticated";

REVOKE ALL ("error_code") ON TABLE "public"."whatsapp_messages" FROM "authenticated";

GRANT SELECT ("error_code") ON TABLE "public"."whatsapp_messages" TO "authenticated";

REVOKE ALL ("failed_at") ON TABLE "public"."whatsapp_messages" FROM "authenticated";

GRANT SELECT ("failed_at") ON TABLE "public"."whatsapp_messages" TO "authenticated";

REVOKE ALL ("id") ON TABLE "public"."whatsapp_messages" FROM "authenticated";

GRANT SELECT ("id") ON TABLE "public"."whatsapp_messages" TO "authenticated";

REVOKE ALL ("parameters") ON TABLE "public"."whatsapp_messages" FROM "authenticated";

GRANT SELECT ("parameters") ON TABLE "public"."whatsapp_messages" TO "authenticated";

REVOKE ALL ("read_at") ON TABLE "public"."whatsapp_messages" FROM "authenticated";

GRANT SELECT ("read_at") ON TABLE "public"."whatsapp_messages" TO "authenticated";

REVOKE ALL ("sender_id") ON TABLE "public"."whatsapp_messages" FROM "authenticated";

GRANT SELECT ("sender_id") ON TABLE "public"."whatsapp_messages" TO "authenticated";

REVOKE ALL ("sending_at") ON TABLE "public"."whatsapp_messages" FROM "authenticated";

GRANT SELECT ("sending_at") ON TABLE "public"."whatsapp_messages" TO "authenticated";

REVOKE ALL ("sent_at") ON TABLE "public"."whatsapp_messages" FROM "authenticated";

GRANT SELECT ("sent_at") ON TABLE "public"."whatsapp_messages" TO "authenticated";

REVOKE ALL ("status") ON TABLE "public"."whatsapp_messages" FROM "authenticated";

GRANT SELECT ("status") ON TABLE "public"."whatsapp_messages" TO "authenticated";

REVOKE ALL ("template_name") ON TABLE "public"."whatsapp_messages" FROM "authenticated";

GRANT SELECT ("template_name") ON TABLE "public"."whatsapp_messages" TO "authenticated";

REVOKE ALL ("trip_id") ON TABLE "public"."whatsapp_messages" FROM "authenticated";

GRANT SELECT ("trip_id") ON TABLE "public"."whatsapp_messages" TO "authenticated";

REVOKE ALL ("updated_at") ON TABLE "public"."whatsapp_messages" FROM "authenticated";

GRANT SELECT ("updated_at") ON TABLE "public"."whatsapp_messages" TO "authenticated";

REVOKE ALL ("user_id") ON TABLE "public"."whatsapp_messages" FROM "authenticated";

GRANT SELECT ("user_id") ON TABLE "public"."whatsapp_messages" TO "authenticated";

REVOKE ALL ON TABLE "public"."whatsapp_messages" FROM "service_role";

REVOKE ALL ("body") ON TABLE "public"."whatsapp_messages" FROM "service_role";

GRANT SELECT ("body") ON TABLE "public"."whatsapp_messages" TO "service_role";

REVOKE ALL ("category") ON TABLE "public"."whatsapp_messages" FROM "service_role";

GRANT SELECT ("category") ON TABLE "public"."whatsapp_messages" TO "service_role";

REVOKE ALL ("cost") ON TABLE "public"."whatsapp_messages" FROM "service_role";

GRANT SELECT ("cost") ON TABLE "public"."whatsapp_messages" TO "service_role";

REVOKE ALL ("created_at") ON TABLE "public"."whatsapp_messages" FROM "service_role";

GRANT SELECT ("created_at") ON TABLE "public"."whatsapp_messages" TO "service_role";

REVOKE ALL ("dedupe_key") ON TABLE "public"."whatsapp_messages" FROM "service_role";

GRANT SELECT ("dedupe_key") ON TABLE "public"."whatsapp_messages" TO "service_role";

REVOKE ALL ("delivered_at") ON TABLE "public"."whatsapp_messages" FROM "service_role";

GRANT SELECT ("delivered_at") ON TABLE "public"."whatsapp_messages" TO "service_role";

REVOKE ALL ("direction") ON TABLE "public"."whatsapp_messages" FROM "service_role";

GRANT SELECT ("direction") ON TABLE "public"."whatsapp_messages" TO "service_role";

REVOKE ALL ("error_code") ON TABLE "public"."whatsapp_messages" FROM "service_role";

GRANT SELECT ("error_code") ON TABLE "public"."whatsapp_messages" TO "service_role";

REVOKE ALL ("failed_at") ON TABLE "public"."whatsapp_messages" FROM "service_role";

GRANT SELECT ("failed_at") ON TABLE "public"."whatsapp_messages" TO "service_role";

REVOKE ALL ("id") ON TABLE "public"."whatsapp_messages" FROM "service_role";

GRANT SELECT ("id") ON TABLE "public"."whatsapp_messages" TO "service_role";

REVOKE ALL ("parameters") ON TABLE "public"."whatsapp_messages" FROM "service_role";

GRANT SELECT ("parameters") ON TABLE "public"."whatsapp_messages" TO "service_role";

REVOKE ALL ("read_at") ON TABLE "public"."whatsapp_messages" FROM "service_role";

GRANT SELECT ("read_at") ON TABLE "public"."whatsapp_messages" TO "service_role";

REVOKE ALL ("sender_id") ON TABLE "public"."whatsapp_messages" FROM "service_role";

GRANT SELECT ("sender_id") ON TABLE "public"."whatsapp_messages" TO "service_role";

REVOKE ALL ("sending_at") ON TABLE "public"."whatsapp_messages" FROM "service_role";

GRANT SELECT ("sending_at") ON TABLE "public"."whatsapp_messages" TO "service_role";

REVOKE ALL ("sent_at") ON TABLE "public"."whatsapp_messages" FROM "service_role";

GRANT SELECT ("sent_at") ON TABLE "public"."whatsapp_messages" TO "service_role";

REVOKE ALL ("status") ON TABLE "public"."whatsapp_messages" FROM "service_role";

GRANT SELECT ("status") ON TABLE "public"."whatsapp_messages" TO "service_role";

REVOKE ALL ("template_name") ON TABLE "public"."whatsapp_messages" FROM "service_role";

GRANT SELECT ("template_name") ON TABLE "public"."whatsapp_messages" TO "service_role";

REVOKE ALL ("trip_id") ON TABLE "public"."whatsapp_messages" FROM "service_role";

GRANT SELECT ("trip_id") ON TABLE "public"."whatsapp_messages" TO "service_role";

REVOKE ALL ("updated_at") ON TABLE "public"."whatsapp_messages" FROM "service_role";

GRANT SELECT ("updated_at") ON TABLE "public"."whatsapp_messages" TO "service_role";

REVOKE ALL ("user_id") ON TABLE "public"."whatsapp_messages" FROM "service_role";

GRANT SELECT ("user_id") ON TABLE "public"."whatsapp_messages" TO "service_role";

REVOKE ALL ON TABLE "public"."whatsapp_messages_by_created_at_desc" FROM "authenticated";

GRANT SELECT ON TABLE "public"."whatsapp_messages_by_created_at_desc" TO "authenticated";

REVOKE ALL ON TABLE "public"."whatsapp_messages_by_created_at_desc_reversed" FROM "authenticated";

GRANT SELECT ON TABLE "public"."whatsapp_messages_by_created_at_desc_reversed" TO "authenticated";

ALTER TABLE "public"."whatsapp_contacts"
  ADD CONSTRAINT "fk_whatsapp_contacts_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

CREATE POLICY "People can view how they are reached" ON "public"."whatsapp_contacts"
  FOR SELECT
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)));

COMMENT ON COLUMN "public"."whatsapp_contacts"."user_id" IS 'The person, who alone sees it.';


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

-- rows of private.task_kinds by kind: function where kind = 'send_whatsapp'
insert into private.task_kinds (kind, function) values ('send_whatsapp', 'send-whatsapp-message')
on conflict (kind) do update set function = excluded.function;
