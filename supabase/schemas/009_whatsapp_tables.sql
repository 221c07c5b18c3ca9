-- Stage 5: messages by WhatsApp, reminders and automations. Everything that must happen once is a row.


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
