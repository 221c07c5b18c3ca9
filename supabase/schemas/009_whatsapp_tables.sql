-- Stage 5: messages by WhatsApp, reminders and automations. Everything that must happen once is a row.


-- Contacts: by what people are reached ------------------------------------------------------------------------------------

create table public.whatsapp_contacts (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null default auth.uid(),
    phone text,
    pending_phone text,
    bsuid text,
    verified_at timestamptz,
    opted_in_at timestamptz,
    opted_out_at timestamptz,
    last_inbound_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint whatsapp_contacts_pkey primary key (id),
    constraint whatsapp_contacts_user_id_key unique (user_id),
    constraint whatsapp_contacts_bsuid_key unique (bsuid),
    constraint fk_whatsapp_contacts_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint whatsapp_contacts_phone_check check (phone ~ '^\+[1-9][0-9]{6,14}$'),
    constraint whatsapp_contacts_pending_phone_check check (pending_phone ~ '^\+[1-9][0-9]{6,14}$'),
    constraint whatsapp_contacts_bsuid_check check (bsuid ~ '^[A-Z]{2}\.[A-Za-z0-9]{1,128}$'),
    constraint whatsapp_contacts_verified_at_check
        check (verified_at is null or phone is not null or bsuid is not null),
    constraint whatsapp_contacts_opted_in_at_check check (opted_in_at is null or verified_at is not null)
);

comment on table public.whatsapp_contacts is 'By what a person is reached on WhatsApp, and whether they want to be.';
comment on column public.whatsapp_contacts.id is 'The contact''s id.';
comment on column public.whatsapp_contacts.user_id is 'The person, who alone sees it.';
comment on column public.whatsapp_contacts.phone is 'Their number, as in +393331234567; null where none was verified, or they have a user name in its stead.';
comment on column public.whatsapp_contacts.pending_phone is 'The number that a code was sent to, until it is verified.';
comment on column public.whatsapp_contacts.bsuid is 'What WhatsApp knows them by towards this business, with or without a number.';
comment on column public.whatsapp_contacts.verified_at is 'When they showed that the number is theirs; null where they did not, or somebody else did since.';
comment on column public.whatsapp_contacts.opted_in_at is 'When they last asked for messages.';
comment on column public.whatsapp_contacts.opted_out_at is 'When they asked for no more, as by STOP; null where they have not since they last asked for them.';
comment on column public.whatsapp_contacts.last_inbound_at is 'When they last wrote: for 24 hours from then, they can be written to freely.';
comment on column public.whatsapp_contacts.created_at is 'When they first gave a number.';
comment on column public.whatsapp_contacts.updated_at is 'When it last changed.';
comment on constraint whatsapp_contacts_phone_check on public.whatsapp_contacts is 'A number is a plus, a country''s code and the rest, 7 to 15 digits together.';
comment on constraint whatsapp_contacts_pending_phone_check on public.whatsapp_contacts is 'A number is a plus, a country''s code and the rest, 7 to 15 digits together.';
comment on constraint whatsapp_contacts_bsuid_check on public.whatsapp_contacts is 'What WhatsApp knows people by is a country, a point, and letters and digits.';
comment on constraint whatsapp_contacts_verified_at_check on public.whatsapp_contacts is 'Only a number, or what WhatsApp knows people by, can be verified.';
comment on constraint whatsapp_contacts_opted_in_at_check on public.whatsapp_contacts is 'Only who is verified can have asked for messages.';

-- Many may have given a number; it is one person's.
create unique index idx_whatsapp_contacts_phone on public.whatsapp_contacts (phone) where verified_at is not null;


-- Messages ----------------------------------------------------------------------------------------------------------------

create table public.whatsapp_messages (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    sender_id uuid,
    trip_id uuid,
    direction text not null,
    template_name text,
    parameters jsonb,
    body text,
    status text not null default 'queued',
    wamid text,
    dedupe_key text,
    error_code text,
    category text,
    cost numeric(12, 6) not null default 0,
    sending_at timestamptz,
    sent_at timestamptz,
    delivered_at timestamptz,
    read_at timestamptz,
    failed_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint whatsapp_messages_pkey primary key (id),
    constraint whatsapp_messages_wamid_key unique (wamid),
    constraint whatsapp_messages_dedupe_key_key unique (dedupe_key),
    constraint fk_whatsapp_messages_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint fk_whatsapp_messages_sender_id foreign key (sender_id) references public.profiles (id) on delete set null,
    constraint fk_whatsapp_messages_trip_id foreign key (trip_id) references public.trips (id) on delete set null,
    constraint whatsapp_messages_direction_check check (direction in ('outbound', 'inbound')),
    constraint whatsapp_messages_template_name_check check (template_name ~ '^[a-z][a-z0-9_]{0,99}$'),
    constraint whatsapp_messages_parameters_check
        check (jsonb_typeof(parameters) = 'object' and octet_length(parameters::text) <= 16384),
    constraint whatsapp_messages_body_check check (char_length(body) <= 4096),
    constraint whatsapp_messages_status_check
        check (status in ('queued', 'sending', 'unknown', 'sent', 'failed', 'delivered', 'read', 'received')),
    constraint whatsapp_messages_wamid_check check (char_length(wamid) between 1 and 512),
    constraint whatsapp_messages_dedupe_key_check check (char_length(dedupe_key) between 1 and 200),
    constraint whatsapp_messages_error_code_check
        check (error_code ~ '^[A-Z0-9][A-Z0-9_]{0,49}$' and (error_code is not null) = (status = 'failed')),
    constraint whatsapp_messages_category_check
        check (category in ('authentication', 'marketing', 'service', 'utility')),
    constraint whatsapp_messages_cost_check check (cost between 0 and 999999)
);

comment on table public.whatsapp_messages is 'A message by WhatsApp: to a person, or from them.';
comment on column public.whatsapp_messages.id is 'The message''s id.';
comment on column public.whatsapp_messages.user_id is 'The person to whom it is sent, or who wrote it.';
comment on column public.whatsapp_messages.sender_id is 'The person who had it sent; null where nobody did, as of reminders, and of messages from the person.';
comment on column public.whatsapp_messages.trip_id is 'The trip that it is about; null where it is about none, or the trip is gone.';
comment on column public.whatsapp_messages.direction is 'Whether it is to the person or from them.';
comment on column public.whatsapp_messages.template_name is 'The template that it is made of; null of free text.';
comment on column public.whatsapp_messages.parameters is 'What stands in the template''s places, by their names.';
comment on column public.whatsapp_messages.body is 'Its words, up to 4,096 characters; null where they are secret, as a code, or it has none.';
comment on column public.whatsapp_messages.status is 'How far it has come. It only climbs.';
comment on column public.whatsapp_messages.wamid is 'What WhatsApp knows it by, once it has taken it.';
comment on column public.whatsapp_messages.dedupe_key is 'What is sent once, however often it is asked for.';
comment on column public.whatsapp_messages.error_code is 'Why it failed: a public code of the API, or WhatsApp''s number; null otherwise.';
comment on column public.whatsapp_messages.category is 'What WhatsApp charges it as.';
comment on column public.whatsapp_messages.cost is 'What it cost, in US dollars.';
comment on column public.whatsapp_messages.sending_at is 'When it was last given to WhatsApp.';
comment on column public.whatsapp_messages.sent_at is 'When WhatsApp took it; of a message from the person, when they wrote it.';
comment on column public.whatsapp_messages.delivered_at is 'When it reached the phone.';
comment on column public.whatsapp_messages.read_at is 'When it was read, where the person lets that be known.';
comment on column public.whatsapp_messages.failed_at is 'When it failed.';
comment on column public.whatsapp_messages.created_at is 'When it was to be sent, or came in.';
comment on column public.whatsapp_messages.updated_at is 'When it last changed.';
comment on constraint whatsapp_messages_direction_check on public.whatsapp_messages is 'A message goes to a person or comes from them.';
comment on constraint whatsapp_messages_template_name_check on public.whatsapp_messages is 'A template is called by small letters, digits and underscores.';
comment on constraint whatsapp_messages_parameters_check on public.whatsapp_messages is 'Parameters are an object of at most 16 KiB.';
comment on constraint whatsapp_messages_body_check on public.whatsapp_messages is 'A message is at most 4,096 characters long.';
comment on constraint whatsapp_messages_status_check on public.whatsapp_messages is 'There is no such status of messages.';
comment on constraint whatsapp_messages_wamid_check on public.whatsapp_messages is 'What WhatsApp knows a message by is 1 to 512 characters long.';
comment on constraint whatsapp_messages_dedupe_key_check on public.whatsapp_messages is 'A key is 1 to 200 characters long.';
comment on constraint whatsapp_messages_error_code_check on public.whatsapp_messages is 'A message that failed has a code, and no other has.';
comment on constraint whatsapp_messages_category_check on public.whatsapp_messages is 'There is no such category.';
comment on constraint whatsapp_messages_cost_check on public.whatsapp_messages is 'A cost is zero to 999,999 dollars.';

create index idx_whatsapp_messages_user_id_created_at on public.whatsapp_messages (user_id, created_at desc);
create index idx_whatsapp_messages_sender_id_created_at on public.whatsapp_messages (sender_id, created_at desc);
create index idx_whatsapp_messages_trip_id_created_at on public.whatsapp_messages (trip_id, created_at desc);
-- Of which it is not known yet whether they arrived.
create index idx_whatsapp_messages_sending_at on public.whatsapp_messages (sending_at)
    where status in ('sending', 'unknown');
create index idx_whatsapp_messages_created_at on public.whatsapp_messages (created_at) where status = 'queued';

-- For clients that listen to `postgres_changes`.
do $$
begin
    if not exists (
        select from pg_publication_tables
        where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = 'whatsapp_messages'
    ) then
        alter publication supabase_realtime add table public.whatsapp_messages;
    end if;
end
$$;


-- What WhatsApp told of messages ------------------------------------------------------------------------------------------

create table public.delivery_events (
    id uuid not null default gen_random_uuid(),
    wamid text not null,
    message_id uuid,
    user_id uuid,
    status text not null,
    occurred_at timestamptz not null,
    error_code text,
    category text,
    is_billable boolean,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint delivery_events_pkey primary key (id),
    constraint delivery_events_wamid_status_occurred_at_key unique (wamid, status, occurred_at),
    constraint fk_delivery_events_message_id
        foreign key (message_id) references public.whatsapp_messages (id) on delete cascade,
    constraint fk_delivery_events_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint delivery_events_wamid_check check (char_length(wamid) between 1 and 512),
    constraint delivery_events_status_check check (status in ('sent', 'delivered', 'read', 'failed')),
    constraint delivery_events_error_code_check check (error_code ~ '^[A-Z0-9][A-Z0-9_]{0,49}$'),
    constraint delivery_events_category_check
        check (category in ('authentication', 'marketing', 'service', 'utility'))
);

comment on table public.delivery_events is 'Something that WhatsApp told of a message, once.';
comment on column public.delivery_events.id is 'The event''s id.';
comment on column public.delivery_events.wamid is 'What WhatsApp knows the message by.';
comment on column public.delivery_events.message_id is 'The message; null as long as it is not known which one that is.';
comment on column public.delivery_events.user_id is 'The person to whom the message was sent.';
comment on column public.delivery_events.status is 'How far the message had come.';
comment on column public.delivery_events.occurred_at is 'When it had, by WhatsApp''s clock.';
comment on column public.delivery_events.error_code is 'WhatsApp''s number for why it failed.';
comment on column public.delivery_events.category is 'What WhatsApp charges the message as.';
comment on column public.delivery_events.is_billable is 'Whether WhatsApp charges for it.';
comment on column public.delivery_events.created_at is 'When it was told.';
comment on column public.delivery_events.updated_at is 'When it was last known to be of another message than before.';
comment on constraint delivery_events_wamid_check on public.delivery_events is 'What WhatsApp knows a message by is 1 to 512 characters long.';
comment on constraint delivery_events_status_check on public.delivery_events is 'There is no such status of deliveries.';
comment on constraint delivery_events_error_code_check on public.delivery_events is 'There is no such code.';
comment on constraint delivery_events_category_check on public.delivery_events is 'There is no such category.';

create index idx_delivery_events_message_id_occurred_at on public.delivery_events (message_id, occurred_at desc);
create index idx_delivery_events_user_id_occurred_at on public.delivery_events (user_id, occurred_at desc);
-- Of messages that are nobody's: they are not kept.
create index idx_delivery_events_created_at on public.delivery_events (created_at) where message_id is null;


-- What the program and its operators know ---------------------------------------------------------------------------------

create table private.whatsapp_templates (
    name text not null,
    language text not null,
    category text not null,
    parameters text[] not null,
    body text not null,
    is_for_people boolean not null default false,

    constraint whatsapp_templates_pkey primary key (name, language),
    constraint whatsapp_templates_name_check check (name ~ '^[a-z][a-z0-9_]{0,99}$'),
    constraint whatsapp_templates_language_check check (language ~ '^[a-z]{2,3}(_[A-Z]{2})?$'),
    constraint whatsapp_templates_category_check check (category in ('authentication', 'marketing', 'utility'))
);
comment on table private.whatsapp_templates is 'A template that WhatsApp has approved.';
comment on column private.whatsapp_templates.name is 'Its name at WhatsApp.';
comment on column private.whatsapp_templates.language is 'Its language at WhatsApp.';
comment on column private.whatsapp_templates.category is 'What WhatsApp charges it as.';
comment on column private.whatsapp_templates.parameters is 'The names of its places, in their order; sender and trip are filled by the database.';
comment on column private.whatsapp_templates.body is 'Its words, with {{name}} for each place.';
comment on column private.whatsapp_templates.is_for_people is 'Whether people may have it sent to others.';
alter table private.whatsapp_templates enable row level security;
create policy "Nobody but the functions of messages may look" on private.whatsapp_templates using (false);

create table private.whatsapp_rates (
    country text not null,
    category text not null,
    valid_from date not null,
    price numeric(12, 6) not null,

    constraint whatsapp_rates_pkey primary key (country, category, valid_from),
    constraint whatsapp_rates_country_check check (country ~ '^([A-Z]{2}|\*)$'),
    constraint whatsapp_rates_category_check check (category in ('authentication', 'marketing', 'utility')),
    constraint whatsapp_rates_price_check check (price between 0 and 999999)
);
comment on table private.whatsapp_rates is 'What a message costs from a day on.';
comment on column private.whatsapp_rates.country is 'The country of the number by ISO 3166, or * for those that have no rate of their own.';
comment on column private.whatsapp_rates.category is 'What it is charged as.';
comment on column private.whatsapp_rates.valid_from is 'The first day of the rate.';
comment on column private.whatsapp_rates.price is 'US dollars a message.';
alter table private.whatsapp_rates enable row level security;
create policy "Nobody but the functions of messages may look" on private.whatsapp_rates using (false);

create table private.calling_codes (
    prefix text not null,
    country text not null,

    constraint calling_codes_pkey primary key (prefix),
    constraint calling_codes_prefix_check check (prefix ~ '^[1-9][0-9]{0,6}$'),
    constraint calling_codes_country_check check (country ~ '^[A-Z]{2}$')
);
comment on table private.calling_codes is 'The country whose numbers begin so.';
comment on column private.calling_codes.prefix is 'The first digits of the number, without the plus; the longest that fits counts.';
comment on column private.calling_codes.country is 'The country, by ISO 3166.';
alter table private.calling_codes enable row level security;
create policy "Nobody but the functions of messages may look" on private.calling_codes using (false);

-- The code that a person was last sent.
create table private.whatsapp_codes (
    user_id uuid not null,
    phone text not null,
    digest bytea not null,
    tries integer not null default 0,
    expires_at timestamptz not null,
    used_at timestamptz,

    constraint whatsapp_codes_pkey primary key (user_id),
    constraint fk_whatsapp_codes_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint whatsapp_codes_tries_check check (tries between 0 and 5)
);
comment on table private.whatsapp_codes is 'The code that a person was last sent, to show that a number is theirs.';
comment on column private.whatsapp_codes.phone is 'The number that it was sent to.';
comment on column private.whatsapp_codes.digest is 'SHA-256 of the code and whose it is.';
comment on column private.whatsapp_codes.tries is 'How many codes were tried; the fifth is the last.';
comment on column private.whatsapp_codes.expires_at is 'Until when it is good.';
comment on column private.whatsapp_codes.used_at is 'When it was tried and right; null where it was not.';
alter table private.whatsapp_codes enable row level security;
create policy "Nobody but the functions of contacts may look" on private.whatsapp_codes using (false);

-- By which codes are counted, whoever asked for them.
create table private.whatsapp_code_requests (
    id bigint generated always as identity,
    phone text not null,
    user_id uuid not null,
    requested_at timestamptz not null default now(),

    constraint whatsapp_code_requests_pkey primary key (id)
);
comment on table private.whatsapp_code_requests is 'That a code was asked for, for as long as it is counted: also of accounts that are gone.';
create index idx_whatsapp_code_requests_phone on private.whatsapp_code_requests (phone, requested_at);
create index idx_whatsapp_code_requests_user_id on private.whatsapp_code_requests (user_id, requested_at);
create index idx_whatsapp_code_requests_requested_at on private.whatsapp_code_requests (requested_at);
alter table private.whatsapp_code_requests enable row level security;
create policy "Nobody but the functions of contacts may look" on private.whatsapp_code_requests using (false);

-- Who is at a message, and what it would cost.
create table private.whatsapp_sends (
    message_id uuid not null,
    token bigint not null,
    country text not null,
    is_free boolean not null,

    constraint whatsapp_sends_pkey primary key (message_id),
    constraint fk_whatsapp_sends_message_id
        foreign key (message_id) references public.whatsapp_messages (id) on delete cascade
);
comment on table private.whatsapp_sends is 'That a message was given to WhatsApp, and under which task.';
comment on column private.whatsapp_sends.token is 'The token of the task under which it was.';
comment on column private.whatsapp_sends.country is 'The country of the number, or *.';
comment on column private.whatsapp_sends.is_free is 'Whether WhatsApp takes nothing for it, as for what answers somebody.';
alter table private.whatsapp_sends enable row level security;
create policy "Nobody but the functions of messages may look" on private.whatsapp_sends using (false);


-- Preferences: notification_preferences -----------------------------------------------------------------------------------

create table public.notification_preferences (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null default auth.uid(),
    topic text not null,
    channel text not null,
    is_enabled boolean not null default true,
    quiet_from time,
    quiet_until time,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint notification_preferences_pkey primary key (id),
    constraint notification_preferences_user_id_topic_channel_key unique (user_id, topic, channel),
    constraint fk_notification_preferences_user_id
        foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint notification_preferences_topic_check
        check (topic in ('reminder', 'trip_changes', 'message', 'marketing', 'all')),
    constraint notification_preferences_channel_check check (channel in ('whatsapp', 'email', 'push', 'bell')),
    -- Postgres has 24:00, which clients have not. A bell makes no sound.
    constraint notification_preferences_quiet_from_check
        check (quiet_from < time '24:00' and (quiet_from is null or channel <> 'bell')),
    constraint notification_preferences_quiet_until_check
        check (quiet_until < time '24:00' and (quiet_until is null) = (quiet_from is null) and quiet_until <> quiet_from)
);

comment on table public.notification_preferences is 'Whether a person wants to be told of a topic on a channel, and when not.';
comment on column public.notification_preferences.id is 'The preference''s id.';
comment on column public.notification_preferences.user_id is 'The person whose preference it is, and who alone sees it.';
comment on column public.notification_preferences.topic is 'What it is about; all is whatever has no preference of its own, but for marketing, which takes one.';
comment on column public.notification_preferences.channel is 'How the person would be told.';
comment on column public.notification_preferences.is_enabled is 'Whether they want to be.';
comment on column public.notification_preferences.quiet_from is 'When hours begin in which nothing is sent, in the person''s time zone; null for none.';
comment on column public.notification_preferences.quiet_until is 'When these hours end, and what waited is sent; on the next day where it is earlier than they begin.';
comment on column public.notification_preferences.created_at is 'When it was first said.';
comment on column public.notification_preferences.updated_at is 'When it last changed.';
-- What is told to whoever breaks them.
comment on constraint notification_preferences_topic_check on public.notification_preferences is 'There is no such topic.';
comment on constraint notification_preferences_channel_check on public.notification_preferences is 'There is no such channel.';
comment on constraint notification_preferences_quiet_from_check on public.notification_preferences is 'Quiet hours begin at a time of day before 24:00, and the bell, which makes no sound, has none.';
comment on constraint notification_preferences_quiet_until_check on public.notification_preferences is 'Quiet hours have a beginning and an end, which is another time of day before 24:00.';


-- Automations: automation_rules -------------------------------------------------------------------------------------------

create table public.automation_rules (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null default auth.uid(),
    trip_id uuid not null,
    trigger text not null,
    conditions jsonb not null default '{}',
    action jsonb not null,
    days_before integer,
    local_time time,
    is_enabled boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint automation_rules_pkey primary key (id),
    constraint fk_automation_rules_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint fk_automation_rules_trip_id foreign key (trip_id) references public.trips (id) on delete cascade,
    constraint automation_rules_trigger_check check (
        trigger in (
            'trip_status_changed', 'item_created', 'item_updated', 'collaborator_joined', 'vote_cast', 'days_before_trip'
        )
    ),
    constraint automation_rules_conditions_check
        check (jsonb_typeof(conditions) = 'object' and octet_length(conditions::text) <= 8192),
    constraint automation_rules_action_check check (
        jsonb_typeof(action) = 'object' and action - array['kind', 'text'] = '{}'
        and coalesce(action ->> 'kind' in ('send_whatsapp', 'notify'), false)
        and coalesce(
            jsonb_typeof(action -> 'text') = 'string' and action ->> 'text' ~ '\S'
            and char_length(action ->> 'text') <= 1000,
            not action ? 'text'
        )
    ),
    constraint automation_rules_days_before_check
        check (
            days_before >= 0 and days_before <= 365 and (days_before is not null) = (trigger = 'days_before_trip')
        ),
    constraint automation_rules_local_time_check
        check (local_time < time '24:00' and (local_time is not null) = (trigger = 'days_before_trip'))
);

comment on table public.automation_rules is 'Something that is done for a person by itself when something happens on a trip.';
comment on column public.automation_rules.id is 'The rule''s id.';
comment on column public.automation_rules.user_id is 'The person whose rule it is, who alone sees it, and who is told.';
comment on column public.automation_rules.trip_id is 'The trip on which something has to happen.';
comment on column public.automation_rules.trigger is 'What has to happen.';
comment on column public.automation_rules.conditions is 'What has to be so, as in {"status": {"eq": "BOOKED"}}: at most 10 comparisons, with 100 values together, by the operators of filters, of fields of what it happens to; all of them must hold.';
comment on column public.automation_rules.action is 'What is done: {"kind": "notify"} for the bell or {"kind": "send_whatsapp"}, with a text of the person''s own in "text", up to 1,000 characters long, or without one.';
comment on column public.automation_rules.days_before is 'How many days before the trip''s first day, of rules of that trigger alone.';
comment on column public.automation_rules.local_time is 'At which time of that day in the person''s time zone, of rules of that trigger alone.';
comment on column public.automation_rules.is_enabled is 'Whether it is done.';
comment on column public.automation_rules.created_at is 'When the rule was made.';
comment on column public.automation_rules.updated_at is 'When the rule last changed.';
-- What is told to whoever breaks them.
comment on constraint automation_rules_trigger_check on public.automation_rules is 'There is no such trigger.';
comment on constraint automation_rules_conditions_check on public.automation_rules is 'Conditions are a filter of at most 8 KiB, as {"status": {"eq": "BOOKED"}}.';
comment on constraint automation_rules_action_check on public.automation_rules is 'An action has a kind, which is send_whatsapp or notify, perhaps a text of 1 to 1,000 characters that are not all blank, and nothing else.';
comment on constraint automation_rules_days_before_check on public.automation_rules is 'A rule of days before a trip says how many, 0 to 365; no other says any.';
comment on constraint automation_rules_local_time_check on public.automation_rules is 'A rule of days before a trip says a time of day before 24:00; no other says one.';

create index idx_automation_rules_user_id_created_at on public.automation_rules (user_id, created_at desc);
create index idx_automation_rules_trip_id on public.automation_rules (trip_id);
-- What every write to a trip asks.
create index idx_automation_rules_trip_id_trigger on public.automation_rules (trip_id, trigger) where is_enabled;

-- The comparisons of conditions, as they are made in what other people write: checked, and nothing left to look up.
create table private.rule_comparisons (
    rule_id uuid not null,
    place bigint not null,
    name text not null,
    type text not null,
    operator text not null,
    given text[] not null,

    constraint rule_comparisons_pkey primary key (rule_id, place),
    constraint fk_rule_comparisons_rule_id foreign key (rule_id) references public.automation_rules (id) on delete cascade
);
comment on table private.rule_comparisons is 'A comparison that a rule''s conditions make.';
comment on column private.rule_comparisons.place is 'Which of them it is.';
comment on column private.rule_comparisons.name is 'The column that is compared.';
comment on column private.rule_comparisons.type is 'As what: text, uuid, numeric, boolean, date or timestamp with time zone.';
comment on column private.rule_comparisons.operator is 'How, by the name in filters.';
comment on column private.rule_comparisons.given is 'With what: one value, or those of a list.';
alter table private.rule_comparisons enable row level security;
create policy "Nobody but the functions of rules may look" on private.rule_comparisons using (false);


-- Reminders and what else is to come: scheduled_jobs --------------------------------------------------------------------------

-- People's rows. Each that is to come has one task, with its id as dedupe_key; what claims, tries again and gives up is there.
create table public.scheduled_jobs (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null default auth.uid(),
    trip_id uuid,
    trip_item_id uuid,
    rule_id uuid,
    kind text not null,
    run_at timestamptz,
    payload jsonb not null default '{}',
    status text not null default 'scheduled',
    reason text,
    attempts integer not null default 0,
    dedupe_key text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint scheduled_jobs_pkey primary key (id),
    constraint scheduled_jobs_dedupe_key_key unique (dedupe_key),
    constraint fk_scheduled_jobs_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint fk_scheduled_jobs_trip_id foreign key (trip_id) references public.trips (id) on delete set null,
    constraint fk_scheduled_jobs_trip_item_id
        foreign key (trip_item_id) references public.trip_items (id) on delete set null,
    constraint fk_scheduled_jobs_rule_id foreign key (rule_id) references public.automation_rules (id) on delete set null,
    constraint scheduled_jobs_kind_check check (kind in ('reminder', 'automation')),
    constraint scheduled_jobs_run_at_check
        check (run_at >= timestamptz '0001-01-01 00:00Z' and run_at < timestamptz '10000-01-01 00:00Z'),
    constraint scheduled_jobs_payload_check check (jsonb_typeof(payload) = 'object' and octet_length(payload::text) <= 8192),
    constraint scheduled_jobs_status_check check (status in ('scheduled', 'done', 'failed', 'cancelled')),
    constraint scheduled_jobs_reason_check check (
        reason in (
            'by_hand', 'trip_gone', 'item_gone', 'rule_gone', 'left_trip', 'opted_out', 'not_wanted', 'too_late', 'given_up'
        )
    ),
    constraint scheduled_jobs_attempts_check check (attempts >= 0),
    constraint scheduled_jobs_dedupe_key_check check (char_length(dedupe_key) between 1 and 300)
);

comment on table public.scheduled_jobs is 'Something that is to be done for a person later, once.';
comment on column public.scheduled_jobs.id is 'The job''s id.';
comment on column public.scheduled_jobs.user_id is 'The person for whom it is, and who alone sees it.';
comment on column public.scheduled_jobs.trip_id is 'The trip that it is about; null once that is gone.';
comment on column public.scheduled_jobs.trip_item_id is 'The entry of the trip that it is about; null where it is about none, or that is gone.';
comment on column public.scheduled_jobs.rule_id is 'The rule that made it; null where a person did, or the rule is gone.';
comment on column public.scheduled_jobs.kind is 'What is to be done.';
comment on column public.scheduled_jobs.run_at is 'When it is due; null while it is relative to a trip without a first day.';
comment on column public.scheduled_jobs.payload is 'What is to be said and on which channel, and of what is relative to the trip''s first day by how many days and at which time: {"text", "channel", "days_before", "local_time"}.';
comment on column public.scheduled_jobs.status is 'What has become of it.';
comment on column public.scheduled_jobs.reason is 'Why it was cancelled, or has failed; null otherwise.';
comment on column public.scheduled_jobs.attempts is 'How often it was tried.';
comment on column public.scheduled_jobs.dedupe_key is 'What a second one of the same key is taken for the same by; null for none.';
comment on column public.scheduled_jobs.created_at is 'When it was made.';
comment on column public.scheduled_jobs.updated_at is 'When it last changed.';
comment on constraint scheduled_jobs_kind_check on public.scheduled_jobs is 'There is no such kind of jobs.';
comment on constraint scheduled_jobs_run_at_check on public.scheduled_jobs is 'A job is due between the years 1 and 9999.';
comment on constraint scheduled_jobs_payload_check on public.scheduled_jobs is 'What a job is to know is an object of at most 8 KiB.';
comment on constraint scheduled_jobs_status_check on public.scheduled_jobs is 'There is no such status of jobs.';
comment on constraint scheduled_jobs_reason_check on public.scheduled_jobs is 'There is no such reason to do nothing.';
comment on constraint scheduled_jobs_attempts_check on public.scheduled_jobs is 'Attempts are counted from 0.';
comment on constraint scheduled_jobs_dedupe_key_check on public.scheduled_jobs is 'A key is 1 to 300 characters long.';

create index idx_scheduled_jobs_user_id_run_at on public.scheduled_jobs (user_id, run_at);
create index idx_scheduled_jobs_trip_id on public.scheduled_jobs (trip_id);
create index idx_scheduled_jobs_trip_item_id on public.scheduled_jobs (trip_item_id);
create index idx_scheduled_jobs_rule_id on public.scheduled_jobs (rule_id);
-- What is over and may be thrown away.
create index idx_scheduled_jobs_updated_at on public.scheduled_jobs (updated_at) where status <> 'scheduled';
