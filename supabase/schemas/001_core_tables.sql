-- Stage 1: people, their preferences and places, their trips and what happens on each day.
--
-- Names: idx_<table>_<columns>, fk_<table>_<column>, <table>_<column>_check. A check is named after the column that its
-- reader would correct, so that the API can point at the field.
--
-- Closed sets (status, kind, …) are text with a check, not enums: a value is added or removed by one line that a schema
-- diff can write, and text equality is leakproof, so that an index serves it under row level security.

create schema if not exists private;
comment on schema private is 'Helpers of policies and triggers; never exposed by the API.';

-- clock_timestamp(), not now(): every change moves updated_at on, also the second one in a transaction.
-- Each table with such a column has a trigger that calls it: generated.
create function private.set_updated_at() returns trigger language plpgsql set search_path = '' as $$
begin
    new.updated_at := clock_timestamp();
    return new;
end
$$;
revoke execute on function private.set_updated_at() from public;

-- What a function tells whoever called it: one of the API's public codes, a sentence for people, and more for programs,
-- such as `field`, or the `reason` of a CONFLICT. PostgREST answers what is raised so as it stands, with this status; the
-- API shows no other code. Functions that run as their caller, who may not look in here, ask `requests.refuse`. Volatile,
-- so that no planner asks it before it is its turn.
create function private.refuse(code text, message text, extensions jsonb default '{}') returns void
language plpgsql set search_path = '' as $$
begin
    raise sqlstate 'PGRST' using
        message = json_build_object('code', code, 'message', message, 'hint', coalesce(extensions, '{}')::text)::text,
        detail = json_build_object(
            'status', case
                when code = 'BAD_USER_INPUT' then 400
                when code = 'UNAUTHENTICATED' then 401
                when code in ('USAGE_LIMIT_EXCEEDED', 'INSUFFICIENT_CREDITS') then 402
                when code = 'FORBIDDEN' then 403
                when code = 'NOT_FOUND' then 404
                when code in (
                    'CONFLICT', 'PLAN_FULL', 'MEETING_FULL', 'RECIPIENT_OPTED_OUT', 'TEMPLATE_REQUIRED'
                ) then 409
                when code in ('RATE_LIMITED', 'AI_RATE_LIMITED') then 429
                when code = 'NOT_ENABLED' then 501
                when code = 'AI_PROVIDER_ERROR' then 502
                when code = 'UPSTREAM_UNAVAILABLE' then 503
                when code = 'TIMEOUT' then 504
                else 500
            end,
            'headers', '{}'::json
        )::text;
end
$$;
comment on function private.refuse(text, text, jsonb) is 'Ends a statement with a public code of the API, a sentence for people and more for programs.';
revoke execute on function private.refuse(text, text, jsonb) from public;

-- Accounts without an address are made by anybody, at no cost and without end: they have no quota of what costs money. What
-- is to be paid for asks this before it reserves anything, of the person for whom. As Auth has it, and not the token alone:
-- who is not known, or nobody, is as good as anonymous; and who has an address by now is so until they have a new token.
create function private.is_anonymous(person uuid default auth.uid()) returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
    return not exists (select from auth.users where users.id = person and not users.is_anonymous)
        or (person = auth.uid() and coalesce(auth.jwt() ->> 'is_anonymous', 'false') <> 'false');
end
$$;
comment on function private.is_anonymous(uuid) is 'Whether a person, by default the caller, has no account with an address: then nothing that costs money is done for them.';
revoke execute on function private.is_anonymous(uuid) from public;


-- profiles ------------------------------------------------------------------------------------------------------------

create table public.profiles (
    id uuid not null,
    display_name text not null,
    avatar_path text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint profiles_pkey primary key (id),
    constraint fk_profiles_id foreign key (id) references auth.users (id) on delete cascade,
    constraint profiles_display_name_check check (char_length(display_name) <= 80 and display_name ~ '\S'),
    -- In the person's own folder: no picture of somebody else's, and none of another bucket.
    constraint profiles_avatar_path_check check (
        octet_length(avatar_path) >= 1 and octet_length(avatar_path) <= 1024 and starts_with(avatar_path, id::text || '/')
        and avatar_path !~ '(^|/)\.{0,2}(/|$)|[[:cntrl:]]'
    )
);

comment on table public.profiles is 'A person who plans trips.';
comment on column public.profiles.id is 'The person''s id, the same as that of their account.';
comment on column public.profiles.display_name is 'The name shown to others, 1 to 80 characters long.';
comment on column public.profiles.avatar_path is 'Where the person''s picture lies in the bucket user-avatars: the person''s id, a slash, and what the picture is called.';
comment on column public.profiles.created_at is 'When the person signed up.';
comment on column public.profiles.updated_at is 'When the profile last changed.';
-- What is told to whoever breaks them.
comment on constraint profiles_display_name_check on public.profiles is 'A display name is 1 to 80 characters long, and not all of them are blank.';
comment on constraint profiles_avatar_path_check on public.profiles is 'The path of a picture is at most 1,024 bytes long, and begins with its person''s id and a slash.';


-- user_preferences ----------------------------------------------------------------------------------------------------

create table public.user_preferences (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null default auth.uid(),
    locale text not null default 'en',
    timezone text not null default 'UTC',
    home_currency text not null default 'EUR',
    distance_unit text not null default 'km',
    email_notifications boolean not null default true,
    push_notifications boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint user_preferences_pkey primary key (id),
    constraint user_preferences_user_id_key unique (user_id),
    constraint fk_user_preferences_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint user_preferences_locale_check
        check (char_length(locale) <= 35 and locale ~ '^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$'),
    constraint user_preferences_timezone_check
        check (char_length(timezone) <= 64 and timezone ~ '^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$'),
    constraint user_preferences_home_currency_check check (home_currency ~ '^[A-Z]{3}$'),
    constraint user_preferences_distance_unit_check check (distance_unit in ('km', 'mi'))
);

comment on table public.user_preferences is 'How a person likes to see dates, money and distances, and what they are told.';
comment on column public.user_preferences.id is 'The preferences'' id.';
comment on column public.user_preferences.user_id is 'The person whose preferences these are.';
comment on column public.user_preferences.locale is 'Language and region as a BCP 47 tag, for example en or pt-BR.';
comment on column public.user_preferences.timezone is 'Home time zone by its IANA name, for example Europe/Lisbon.';
comment on column public.user_preferences.home_currency is 'Currency to show amounts in, by its three-letter ISO 4217 code.';
comment on column public.user_preferences.distance_unit is 'Unit to show distances in: kilometres (km) or miles (mi).';
comment on column public.user_preferences.email_notifications is 'Whether changes to shared trips are told by e-mail.';
comment on column public.user_preferences.push_notifications is 'Whether changes to shared trips are told on the person''s devices.';
comment on column public.user_preferences.created_at is 'When the preferences were created.';
comment on column public.user_preferences.updated_at is 'When the preferences last changed.';
-- What is told to whoever breaks them.
comment on constraint user_preferences_locale_check on public.user_preferences is 'A locale is a BCP 47 tag of at most 35 characters, such as en or pt-BR.';
comment on constraint user_preferences_timezone_check on public.user_preferences is 'A time zone is given by its IANA name, such as Europe/Lisbon.';
comment on constraint user_preferences_home_currency_check on public.user_preferences is 'A currency is three capital letters, its ISO 4217 code, such as EUR.';
comment on constraint user_preferences_distance_unit_check on public.user_preferences is 'The unit of distances is km or mi.';

-- A check cannot look into the list. It takes some ten milliseconds, so only where the zone is another than before.
create function private.check_timezone() returns trigger language plpgsql set search_path = '' as $$
begin
    if not exists (
        select from pg_timezone_names
        -- What systems add to the list of the IANA.
        where name = new.timezone and name !~ '^(posix|right)/' and name not in ('Factory', 'localtime', 'posixrules')
    ) then
        raise check_violation using
            schema = 'public', table = 'user_preferences', constraint = 'user_preferences_timezone_check',
            message = 'new row for relation "user_preferences" violates check constraint "user_preferences_timezone_check"',
            hint = 'Take a name of the IANA list as it is written there, such as Europe/Lisbon.';
    end if;
    return new;
end
$$;
revoke execute on function private.check_timezone() from public;

create trigger check_user_preferences_timezone_of_new before insert on public.user_preferences
    for each row when (new.timezone <> 'UTC') execute function private.check_timezone();
create trigger check_user_preferences_timezone before update of timezone on public.user_preferences
    for each row when (new.timezone is distinct from old.timezone) execute function private.check_timezone();


-- places --------------------------------------------------------------------------------------------------------------

create table public.places (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null default auth.uid(),
    name text not null,
    category text not null default 'other',
    address text,
    city text,
    country_code text,
    latitude numeric(9, 6),
    longitude numeric(9, 6),
    website text,
    notes text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint places_pkey primary key (id),
    constraint fk_places_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint places_name_check check (char_length(name) <= 200 and name ~ '\S'),
    constraint places_category_check check (
        category in (
            'attraction', 'museum', 'nature', 'beach', 'restaurant', 'cafe', 'bar', 'shop', 'lodging', 'transport', 'other'
        )
    ),
    constraint places_address_check check (char_length(address) <= 500),
    constraint places_city_check check (char_length(city) <= 200),
    constraint places_country_code_check check (country_code ~ '^[A-Z]{2}$'),
    constraint places_latitude_check check (latitude between -90 and 90),
    -- Both or neither: half a position is no position.
    constraint places_longitude_check
        check (longitude between -180 and 180 and (longitude is null) = (latitude is null)),
    constraint places_website_check check (char_length(website) <= 2048 and website ~* '^https?://\S+$'),
    constraint places_notes_check check (char_length(notes) <= 5000)
);

comment on table public.places is 'A spot on the map that its owner keeps for their trips.';
comment on column public.places.id is 'The place''s id.';
comment on column public.places.user_id is 'The person who keeps the place.';
comment on column public.places.name is 'What the place is called, up to 200 characters long.';
comment on column public.places.category is 'What kind of place it is.';
comment on column public.places.address is 'Street address as one would write it on a letter.';
comment on column public.places.city is 'Town or city.';
comment on column public.places.country_code is 'Country by its two-letter ISO 3166-1 code.';
comment on column public.places.latitude is 'Degrees north of the equator, negative to the south; given together with the longitude.';
comment on column public.places.longitude is 'Degrees east of Greenwich, negative to the west; given together with the latitude.';
comment on column public.places.website is 'Web address, starting with http:// or https://.';
comment on column public.places.notes is 'What the owner wants to remember about the place, up to 5,000 characters long.';
comment on column public.places.created_at is 'When the place was added.';
comment on column public.places.updated_at is 'When the place last changed.';
-- What is told to whoever breaks them.
comment on constraint places_name_check on public.places is 'A place''s name is 1 to 200 characters long, and not all of them are blank.';
comment on constraint places_category_check on public.places is 'There is no such category of places.';
comment on constraint places_address_check on public.places is 'An address is at most 500 characters long.';
comment on constraint places_city_check on public.places is 'A city is at most 200 characters long.';
comment on constraint places_country_code_check on public.places is 'A country is two capital letters, its ISO 3166-1 code, such as PT.';
comment on constraint places_latitude_check on public.places is 'A latitude lies between -90 and 90 degrees.';
comment on constraint places_longitude_check on public.places is 'A longitude lies between -180 and 180 degrees, and is given together with a latitude.';
comment on constraint places_website_check on public.places is 'A web address begins with http:// or https://, has no blanks, and is at most 2,048 characters long.';
comment on constraint places_notes_check on public.places is 'Notes are at most 5,000 characters long.';

create index idx_places_user_id_created_at on public.places (user_id, created_at desc);
create index idx_places_user_id_category on public.places (user_id, category);


-- trips ---------------------------------------------------------------------------------------------------------------

create table public.trips (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null default auth.uid(),
    title text not null,
    description text,
    destination text,
    status text not null default 'planning',
    start_date date,
    end_date date,
    budget numeric(12, 2),
    currency text not null default 'EUR',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    labels text[] not null default '{}',

    constraint trips_pkey primary key (id),
    constraint fk_trips_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint trips_title_check check (char_length(title) <= 200 and title ~ '\S'),
    constraint trips_description_check check (char_length(description) <= 5000),
    constraint trips_destination_check check (char_length(destination) <= 200),
    constraint trips_status_check check (status in ('planning', 'booked', 'completed', 'cancelled')),
    -- Four-digit years only: no client can read Postgres' infinity or years BC.
    constraint trips_start_date_check check (start_date between date '0001-01-01' and date '9999-12-31'),
    constraint trips_end_date_check
        check (
            end_date >= date '0001-01-01' and end_date <= date '9999-12-31'
            and end_date >= start_date and end_date - start_date < 1000
        ),
    -- NaN is greater than any number, so "not negative" alone would let it in.
    constraint trips_budget_check check (budget >= 0 and budget <> 'NaN'),
    constraint trips_currency_check check (currency ~ '^[A-Z]{3}$'),
    constraint trips_labels_check check (
        cardinality(labels) <= 20 and array_position(labels, null) is null
        and char_length(array_to_string(labels, '')) <= 1000
    )
);

comment on table public.trips is 'A journey that someone plans, has booked, or has made.';
comment on column public.trips.id is 'The trip''s id.';
comment on column public.trips.user_id is 'The person who owns the trip.';
comment on column public.trips.title is 'What the trip is called, up to 200 characters long.';
comment on column public.trips.description is 'What the trip is about, up to 5,000 characters long.';
comment on column public.trips.destination is 'Where the trip goes, in words.';
comment on column public.trips.status is 'How far the trip has come.';
comment on column public.trips.start_date is 'The first day of the trip.';
comment on column public.trips.end_date is 'The last day of the trip, never before the first, and at most 1,000 days in all.';
comment on column public.trips.budget is 'How much the trip may cost, in the trip''s currency.';
comment on column public.trips.currency is 'Currency of the trip''s amounts, by its three-letter ISO 4217 code.';
comment on column public.trips.created_at is 'When the trip was created.';
comment on column public.trips.updated_at is 'When the trip last changed.';
comment on column public.trips.labels is 'Words to find the trip by, at most 20.';
-- What is told to whoever breaks them.
comment on constraint trips_title_check on public.trips is 'A trip''s title is 1 to 200 characters long, and not all of them are blank.';
comment on constraint trips_description_check on public.trips is 'A trip''s description is at most 5,000 characters long.';
comment on constraint trips_destination_check on public.trips is 'A destination is at most 200 characters long.';
comment on constraint trips_status_check on public.trips is 'There is no such status of trips.';
comment on constraint trips_start_date_check on public.trips is 'A trip starts between the years 1 and 9999.';
comment on constraint trips_end_date_check on public.trips is 'A trip ends by the year 9999, not before it starts, and takes at most 1,000 days.';
comment on constraint trips_budget_check on public.trips is 'A budget is zero or more.';
comment on constraint trips_currency_check on public.trips is 'A currency is three capital letters, its ISO 4217 code, such as EUR.';
comment on constraint trips_labels_check on public.trips is 'A trip has at most 20 labels, of at most 1,000 characters together, and none of them is null.';

create index idx_trips_user_id_created_at on public.trips (user_id, created_at desc);
create index idx_trips_user_id_status on public.trips (user_id, status);
-- For those who see everybody's trips: under row level security a list of trips begins with their people.
create index idx_trips_status on public.trips (status);


-- trip_items ----------------------------------------------------------------------------------------------------------

create table public.trip_items (
    id uuid not null default gen_random_uuid(),
    trip_id uuid not null,
    place_id uuid,
    title text not null,
    notes text,
    kind text not null default 'activity',
    day_number integer not null default 1,
    -- Null, in a form that counts as a default: a row that says nothing comes last.
    order_index integer not null default nullif(0, 0),
    starts_at timestamptz,
    ends_at timestamptz,
    cost numeric(12, 2),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    details jsonb not null default '{}',

    constraint trip_items_pkey primary key (id),
    constraint fk_trip_items_trip_id foreign key (trip_id) references public.trips (id) on delete cascade,
    constraint fk_trip_items_place_id foreign key (place_id) references public.places (id) on delete set null,
    constraint trip_items_title_check check (char_length(title) <= 200 and title ~ '\S'),
    constraint trip_items_notes_check check (char_length(notes) <= 5000),
    constraint trip_items_kind_check check (kind in ('activity', 'food', 'lodging', 'transport', 'note')),
    constraint trip_items_day_number_check check (day_number between 1 and 1000),
    constraint trip_items_order_index_check check (order_index >= 0),
    constraint trip_items_starts_at_check
        check (starts_at >= timestamptz '0001-01-01 00:00Z' and starts_at < timestamptz '10000-01-01 00:00Z'),
    constraint trip_items_ends_at_check check (
        ends_at >= timestamptz '0001-01-01 00:00Z' and ends_at < timestamptz '10000-01-01 00:00Z'
        and ends_at >= starts_at
    ),
    constraint trip_items_cost_check check (cost >= 0 and cost <> 'NaN'),
    constraint trip_items_details_check check (
        jsonb_typeof(details) = 'object' and octet_length(details::text) <= 8192
        -- What readers of JSON can take: one value that they cannot would cost them all that is answered with it.
        and not jsonb_path_exists(details, 'strict $.**{64 to last} ? (@.type() == "object" || @.type() == "array")')
        and not jsonb_path_exists(
            details, 'strict $.** ? (@ > 1.7976931348623157e308 || @ < -1.7976931348623157e308)'
        )
    )
);

comment on table public.trip_items is 'One entry of a trip''s itinerary.';
comment on column public.trip_items.id is 'The item''s id.';
comment on column public.trip_items.trip_id is 'The trip that the item belongs to.';
comment on column public.trip_items.place_id is 'The place where the item happens.';
comment on column public.trip_items.title is 'What the item is called, up to 200 characters long.';
comment on column public.trip_items.notes is 'Anything worth knowing about the item, up to 5,000 characters long.';
comment on column public.trip_items.kind is 'What kind of item it is.';
comment on column public.trip_items.day_number is 'The day of the trip on which the item happens, counted from 1, up to 1,000.';
comment on column public.trip_items.order_index is 'The item''s position within its day, counted from 0; without one it comes last.';
comment on column public.trip_items.starts_at is 'When the item starts.';
comment on column public.trip_items.ends_at is 'When the item ends, never before it starts.';
comment on column public.trip_items.cost is 'What the item costs, in the trip''s currency.';
comment on column public.trip_items.created_at is 'When the item was created.';
comment on column public.trip_items.updated_at is 'When the item last changed.';
comment on column public.trip_items.details is 'What a booking says beyond that, as a JSON object of at most 8 KiB: a reference, a seat.';
-- What is told to whoever breaks them.
comment on constraint trip_items_title_check on public.trip_items is 'An item''s title is 1 to 200 characters long, and not all of them are blank.';
comment on constraint trip_items_notes_check on public.trip_items is 'Notes are at most 5,000 characters long.';
comment on constraint trip_items_kind_check on public.trip_items is 'There is no such kind of item.';
comment on constraint trip_items_day_number_check on public.trip_items is 'Days are counted from 1, up to 1,000.';
comment on constraint trip_items_order_index_check on public.trip_items is 'Positions are counted from 0.';
comment on constraint trip_items_starts_at_check on public.trip_items is 'An item starts between the years 1 and 9999.';
comment on constraint trip_items_ends_at_check on public.trip_items is 'An item ends by the year 9999, and not before it starts.';
comment on constraint trip_items_cost_check on public.trip_items is 'A cost is zero or more.';
comment on constraint trip_items_details_check on public.trip_items is 'Details are a JSON object of at most 8 KiB, nested at most 64 levels deep, with no number beyond ±1.79e308.';

create index idx_trip_items_trip_id_day_number_order_index
    on public.trip_items (trip_id, day_number, order_index);
create index idx_trip_items_place_id on public.trip_items (place_id);
-- Which places a trip shows, from the index alone.
create index idx_trip_items_trip_id_place_id on public.trip_items (trip_id, place_id) where place_id is not null;

-- An item that says no position comes last on its day. Who adds to a trip takes turns with others and with who moves its
-- items, so that no two come to the same place. As definer it looks up the day's last by the index alone; whoever may not
-- add the item is refused by the policy behind it.
create function private.append_trip_item() returns trigger language plpgsql security definer set search_path = '' as $$
begin
    perform from public.trips where trips.id = new.trip_id for no key update;
    new.order_index := (
        select least(coalesce(max(items.order_index), -1), 2147483646) + 1 from public.trip_items as items
        where items.trip_id = new.trip_id and items.day_number = new.day_number
    );
    return new;
end
$$;
revoke execute on function private.append_trip_item() from public;

create trigger append_trip_items before insert on public.trip_items
    for each row when (new.order_index is null) execute function private.append_trip_item();


-- Signing up ----------------------------------------------------------------------------------------------------------

-- Every account gets its profile and preferences in the transaction that creates it. Nothing a client sends as its name
-- may fail the sign-up, and a missing name is never made up from the e-mail address, which others must not learn.
create function private.handle_new_user() returns trigger language plpgsql security definer set search_path = '' as $$
declare
    wanted text := btrim(regexp_replace(coalesce(new.raw_user_meta_data ->> 'display_name', ''), '\s+', ' ', 'g'));
begin
    insert into public.profiles (id, display_name)
    values (new.id, coalesce(nullif(btrim(left(wanted, 80)), ''), 'Traveller'));
    insert into public.user_preferences (user_id) values (new.id);
    return null;
end
$$;
revoke execute on function private.handle_new_user() from public;

create trigger on_auth_user_created after insert on auth.users
    for each row execute function private.handle_new_user();


-- Realtime ------------------------------------------------------------------------------------------------------------

-- What clients that listen to `postgres_changes` are told of. A hosted project may lack the publication, or publish every
-- table already.
do $$
declare
    published text;
begin
    if not exists (select from pg_publication where pubname = 'supabase_realtime') then
        create publication supabase_realtime;
    end if;
    foreach published in array array['trips', 'trip_items'] loop
        if not exists (
            select from pg_publication_tables
            where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = published
        ) then
            execute format('alter publication supabase_realtime add table public.%I', published);
        end if;
    end loop;
end
$$;
