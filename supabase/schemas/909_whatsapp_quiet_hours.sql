-- When people may be told something: local times, and preferences with their quiet hours.


-- Local times -------------------------------------------------------------------------------------------------------------

-- A local time comes twice where clocks go back, and never where they go forward: then it is the first of both, and as late
-- as clocks that had not moved would show it. So do others who go by PEP 495, and so two services agree. AT TIME ZONE
-- says the same of times that never come, but the second of two.
create function private.local_instant("local" timestamp, zone text) returns timestamptz
language sql stable set search_path = '' as $$
    select least(instant.later, (
        select min(found.earlier)
        from unnest(array['1 hour', '3 hours', '26 hours']::interval[]) as before
        cross join lateral (
            -- By the clocks of some time before. In UTC, whose days are all of one length.
            select (
                (instant.later at time zone 'UTC')
                - ((instant.later - before) at time zone zone - instant.later at time zone zone + before)
            ) at time zone 'UTC' as earlier
        ) as found
        where found.earlier < instant.later and found.earlier at time zone zone = "local"
    ))
    from (select "local" at time zone zone as later) as instant
$$;
comment on function private.local_instant(timestamp, text) is 'The moment at which clocks of a zone show a time: the first of two, and of none the one that they would show had they not moved.';
revoke execute on function private.local_instant(timestamp, text) from public;

-- The zone of somebody's clocks.
create function private.zone_of(person uuid) returns text language sql stable set search_path = '' as $$
    select coalesce((select timezone from public.user_preferences where user_id = person), 'UTC')
$$;
comment on function private.zone_of(uuid) is 'The time zone of a person, by its IANA name.';
revoke execute on function private.zone_of(uuid) from public;


-- Quiet hours -------------------------------------------------------------------------------------------------------------

create function private.is_quiet(local_time time, quiet_from time, quiet_until time) returns boolean
language sql immutable set search_path = '' as $$
    select coalesce(
        case
            when quiet_from < quiet_until then local_time >= quiet_from and local_time < quiet_until
            else local_time >= quiet_from or local_time < quiet_until
        end,
        false
    )
$$;
revoke execute on function private.is_quiet(time, time, time) from public;

-- An end may come twice in a night, or in hours that are quiet again, where clocks move: it is the first behind the moment
-- that is not quiet.
create function private.quiet_hours_end(moment timestamptz, zone text, quiet_from time, quiet_until time)
returns timestamptz language plpgsql stable set search_path = '' as $$
declare
    clock constant timestamp := moment at time zone zone;
    ends timestamptz;
begin
    if not private.is_quiet(clock::time, quiet_from, quiet_until) then
        return null;
    end if;
    for day in -1 .. 3 loop
        -- The first of two, or the second where the first is over.
        ends := private.local_instant((clock::date + day) + quiet_until, zone);
        if ends <= moment then
            ends := ((clock::date + day) + quiet_until) at time zone zone;
        end if;
        if ends > moment and not private.is_quiet((ends at time zone zone)::time, quiet_from, quiet_until) then
            return ends;
        end if;
    end loop;
    return moment + interval '1 day';
end
$$;
comment on function private.quiet_hours_end(timestamptz, text, time, time) is 'When the quiet hours end in which a moment lies; null where it lies in none.';
revoke execute on function private.quiet_hours_end(timestamptz, text, time, time) from public;


-- May somebody be told? ---------------------------------------------------------------------------------------------------

-- What a preference of the topic says, or the one of all topics; with neither people are told, but for marketing, which
-- takes a preference of its own. Whether somebody has an address on the channel is for the channel to know.
create function private.may_notify(person uuid, topic text, channel text, at timestamptz default now()) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
    said public.notification_preferences;
    is_on boolean;
begin
    select preferences.* into said from public.notification_preferences as preferences
    where preferences.user_id = may_notify.person and preferences.channel = may_notify.channel
        and preferences.topic in (may_notify.topic, 'all')
    order by preferences.topic = 'all'
    limit 1;
    is_on := coalesce(said.is_enabled, true)
        and (may_notify.topic <> 'marketing' or said.topic is not distinct from 'marketing')
        and exists (
            select from public.user_preferences as own
            where own.user_id = may_notify.person
                and case may_notify.channel
                    when 'email' then own.email_notifications
                    when 'push' then own.push_notifications
                    else true
                end
        );
    return jsonb_build_object(
        'allowed', is_on,
        'defer_until', case
            when is_on then private.quiet_hours_end(
                may_notify.at, private.zone_of(may_notify.person), said.quiet_from, said.quiet_until
            )
        end
    );
end
$$;
comment on function private.may_notify(uuid, text, text, timestamptz) is 'Whether a person wants to be told of a topic on a channel, as {"allowed", "defer_until"}: until then it waits, where it would come in their quiet hours.';
revoke execute on function private.may_notify(uuid, text, text, timestamptz) from public;

-- Told again, or late, it does not undo what they have chosen since: who tells it has a clock of seconds.
create function private.stop_marketing(person uuid, channel text, at timestamptz default clock_timestamp()) returns void
language sql security definer set search_path = '' as $$
    insert into public.notification_preferences as preferences (user_id, topic, channel, is_enabled)
    values (person, 'marketing', stop_marketing.channel, false)
    on conflict on constraint notification_preferences_user_id_topic_channel_key do update set is_enabled = false
    where preferences.is_enabled and date_trunc('second', preferences.updated_at) <= stop_marketing.at
$$;
comment on function private.stop_marketing(uuid, text, timestamptz) is 'Writes down that a person wanted no marketing on a channel any more at some moment.';
revoke execute on function private.stop_marketing(uuid, text, timestamptz) from public;
