-- Stage 1: who may do what. Grants say which commands and columns a role may use, policies on which rows.
--
-- Callers without an account are granted nothing: they are refused (42501), not shown empty tables. Older projects grant
-- everything on a new table, so each section begins by taking that back. Columns that a caller must not choose are left
-- out of the grants: created_at and updated_at always, keys and owners once a row exists. What service_role may do is
-- generated.
--
-- The form of a policy decides its speed: `(select auth.uid())` and `array(select helper())` are computed once a query,
-- a bare call once a row. Helpers are security definer, so that policies never lead into each other. A policy is made once,
-- with its table: what a later stage changes is what the helpers find.


-- Who takes part in which trip ------------------------------------------------------------------------------------------

-- The one place that says so: what follows, functions of a row and triggers all ask it. To let more people take part is to
-- replace it. Nobody but their owner may read it.
create view private.trip_people with (security_invoker = true) as
    select trips.id as trip_id, trips.user_id, true as is_owner, true as may_edit from public.trips;
comment on view private.trip_people is 'Who is on which trip, and what they may do there: once a person and trip.';

-- The helpers return ids in order. A lookup by `= any (array(…))` sorts the array each time it begins anew, which for each
-- row of a list is most of its time; sorting what is in order already costs next to nothing.
create function private.my_trip_ids() returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
        select people.trip_id from private.trip_people as people where people.user_id = (select auth.uid()) order by 1;
end
$$;
comment on function private.my_trip_ids() is 'The trips that the caller may see.';
revoke execute on function private.my_trip_ids() from public;
grant execute on function private.my_trip_ids() to authenticated;

-- Beside an owner test those of others are enough.
create function private.my_shared_trip_ids() returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
        select people.trip_id from private.trip_people as people
        where people.user_id = (select auth.uid()) and not people.is_owner
        order by 1;
end
$$;
comment on function private.my_shared_trip_ids() is 'The trips of others that the caller may see.';
revoke execute on function private.my_shared_trip_ids() from public;
grant execute on function private.my_shared_trip_ids() to authenticated;

create function private.my_editable_trip_ids() returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
        select people.trip_id from private.trip_people as people
        where people.user_id = (select auth.uid()) and people.may_edit
        order by 1;
end
$$;
comment on function private.my_editable_trip_ids() is 'The trips that the caller may change.';
revoke execute on function private.my_editable_trip_ids() from public;
grant execute on function private.my_editable_trip_ids() to authenticated;

create function private.my_trip_companion_ids() returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
        -- Of the caller's own trips the owner is known.
        select people.user_id from private.trip_people as people
        join private.trip_people as joined on joined.trip_id = people.trip_id
        where joined.user_id = (select auth.uid()) and not joined.is_owner and people.is_owner
        union
        select people.user_id from private.trip_people as people
        where people.trip_id = any (array(select private.my_trip_ids())) and not people.is_owner
        order by 1;
end
$$;
comment on function private.my_trip_companion_ids() is 'The other people on the trips that the caller may see.';
revoke execute on function private.my_trip_companion_ids() from public;

-- To have more people see each other is to replace it.
create function private.my_companion_ids() returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return query select private.my_trip_companion_ids();
end
$$;
comment on function private.my_companion_ids() is 'The other people with whom the caller shares something.';
revoke execute on function private.my_companion_ids() from public;
grant execute on function private.my_companion_ids() to authenticated;

create function private.my_trip_places() returns table (trip_id uuid, place_id uuid)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
        select trip_items.trip_id, trip_items.place_id from public.trip_items
        where trip_items.trip_id = any (array(select private.my_trip_ids())) and trip_items.place_id is not null;
end
$$;
comment on function private.my_trip_places() is 'The places that the items of each trip name, of the trips that the caller may see.';
revoke execute on function private.my_trip_places() from public;
grant execute on function private.my_trip_places() to authenticated;

-- Which trip shows a place does not matter to who asks for the place.
create function private.my_trip_place_ids() returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
        select distinct trip_items.place_id from public.trip_items
        where trip_items.trip_id = any (array(select private.my_trip_ids())) and trip_items.place_id is not null
        order by 1;
end
$$;
comment on function private.my_trip_place_ids() is 'The places that items of the trips name that the caller may see.';
revoke execute on function private.my_trip_place_ids() from public;

-- To show places elsewhere than on trips is to replace it.
create function private.my_shown_place_ids() returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return query select private.my_trip_place_ids();
end
$$;
comment on function private.my_shown_place_ids() is 'The places, others'' among them, that the caller is shown where they take part.';
revoke execute on function private.my_shown_place_ids() from public;
grant execute on function private.my_shown_place_ids() to authenticated;


-- profiles: made with the account and gone with it --------------------------------------------------------------------

revoke all on public.profiles from anon, authenticated, service_role;
grant select on public.profiles to authenticated;
grant update (display_name, avatar_path) on public.profiles to authenticated;

alter table public.profiles enable row level security;

create policy "People can view themselves and those they share something with" on public.profiles
    for select to authenticated
    using (id = (select auth.uid()) or id = any (array(select private.my_companion_ids())));

create policy "People can update their own profile" on public.profiles
    for update to authenticated
    using (id = (select auth.uid()))
    with check (id = (select auth.uid()));


-- user_preferences: made with the account and gone with it ------------------------------------------------------------

revoke all on public.user_preferences from anon, authenticated, service_role;
grant select on public.user_preferences to authenticated;
grant update (locale, timezone, home_currency, distance_unit, email_notifications, push_notifications)
    on public.user_preferences to authenticated;

alter table public.user_preferences enable row level security;

create policy "People can view their own preferences" on public.user_preferences
    for select to authenticated
    using (user_id = (select auth.uid()));

create policy "People can update their own preferences" on public.user_preferences
    for update to authenticated
    using (user_id = (select auth.uid()))
    with check (user_id = (select auth.uid()));


-- places --------------------------------------------------------------------------------------------------------------

revoke all on public.places from anon, authenticated, service_role;
grant select, delete on public.places to authenticated;
grant insert (id, user_id, name, category, address, city, country_code, latitude, longitude, website, notes)
    on public.places to authenticated;
grant update (name, category, address, city, country_code, latitude, longitude, website, notes)
    on public.places to authenticated;

alter table public.places enable row level security;

create policy "People can view their own places and those that they are shown" on public.places
    for select to authenticated
    using (user_id = (select auth.uid()) or id = any (array(select private.my_shown_place_ids())));

create policy "People can add places of their own" on public.places
    for insert to authenticated
    with check (user_id = (select auth.uid()));

create policy "People can update their own places" on public.places
    for update to authenticated
    using (user_id = (select auth.uid()))
    with check (user_id = (select auth.uid()));

create policy "People can delete their own places" on public.places
    for delete to authenticated
    using (user_id = (select auth.uid()));


-- trips ---------------------------------------------------------------------------------------------------------------

revoke all on public.trips from anon, authenticated, service_role;
grant select, delete on public.trips to authenticated;
grant insert (id, user_id, title, description, destination, status, start_date, end_date, budget, currency, labels)
    on public.trips to authenticated;
grant update (title, description, destination, status, start_date, end_date, budget, currency, labels)
    on public.trips to authenticated;

alter table public.trips enable row level security;

-- The owner test stands beside the helper because a stable function cannot see the row that `insert … returning` has
-- just made: without it, creating a trip would fail.
create policy "People can view trips they take part in" on public.trips
    for select to authenticated
    using (user_id = (select auth.uid()) or id = any (array(select private.my_shared_trip_ids())));

create policy "People can create trips of their own" on public.trips
    for insert to authenticated
    with check (user_id = (select auth.uid()));

create policy "People can update trips they may change" on public.trips
    for update to authenticated
    using (user_id = (select auth.uid()) or id = any (array(select private.my_editable_trip_ids())))
    with check (user_id = (select auth.uid()) or id = any (array(select private.my_editable_trip_ids())));

create policy "Owners can delete their trips" on public.trips
    for delete to authenticated
    using (user_id = (select auth.uid()));


-- trip_items ----------------------------------------------------------------------------------------------------------

revoke all on public.trip_items from anon, authenticated, service_role;
grant select, delete on public.trip_items to authenticated;
grant insert (id, trip_id, place_id, title, notes, kind, day_number, order_index, starts_at, ends_at, cost, details)
    on public.trip_items to authenticated;
grant update (trip_id, place_id, title, notes, kind, day_number, order_index, starts_at, ends_at, cost, details)
    on public.trip_items to authenticated;

alter table public.trip_items enable row level security;

create policy "People can view items of trips they take part in" on public.trip_items
    for select to authenticated
    using (trip_id = any (array(select private.my_trip_ids())));

-- To see a place of somebody else's on one trip must not be enough to name it on another, whose people would then see it
-- too: an item names a place of its writer's, or one that is on the trip already.
create policy "People can add items to trips they may change" on public.trip_items
    for insert to authenticated
    with check (
        trip_id = any (array(select private.my_editable_trip_ids()))
        and (
            place_id is null
            or exists (
                select from public.places where places.id = trip_items.place_id and places.user_id = (select auth.uid())
            )
            or (trip_id, place_id) in (select shown.trip_id, shown.place_id from private.my_trip_places() as shown)
        )
    );

create policy "People can update items of trips they may change" on public.trip_items
    for update to authenticated
    using (trip_id = any (array(select private.my_editable_trip_ids())))
    with check (
        trip_id = any (array(select private.my_editable_trip_ids()))
        and (
            place_id is null
            or exists (
                select from public.places where places.id = trip_items.place_id and places.user_id = (select auth.uid())
            )
            or (trip_id, place_id) in (select shown.trip_id, shown.place_id from private.my_trip_places() as shown)
        )
    );

create policy "People can delete items of trips they may change" on public.trip_items
    for delete to authenticated
    using (trip_id = any (array(select private.my_editable_trip_ids())));


-- Leaving ---------------------------------------------------------------------------------------------------------------

-- Auth lets only the service role delete an account; this lets people delete their own, and all that they own with it.
-- A token that somebody has got hold of must not be enough, so it wants one of a sign-in just made: with the password,
-- or with what was mailed where there is none. Refreshing a session is no sign-in.
create function public.delete_my_account() returns void
language plpgsql security definer set search_path = '' as $$
declare
    me constant uuid := auth.uid();
    methods constant jsonb := auth.jwt() -> 'amr';
    proof text := 'otp';
begin
    if exists (select from auth.users where users.id = me and users.encrypted_password <> '') then
        proof := 'password';
    end if;
    if not exists (
        select from jsonb_array_elements(case jsonb_typeof(methods) when 'array' then methods else '[]' end) as entry
        where entry ->> 'method' = proof
            and case jsonb_typeof(entry -> 'timestamp')
                when 'number' then to_timestamp((entry ->> 'timestamp')::double precision) > now() - interval '5 minutes'
            end
    ) then
        perform private.refuse(
            'FORBIDDEN',
            'This takes a sign-in of the last five minutes. Sign in again: with the password, or with a mailed code where there is none.'
        );
    end if;
    delete from auth.users where users.id = me;
end
$$;
comment on function public.delete_my_account() is 'Deletes the caller''s account and all that belongs to it. Takes the token of a sign-in of the last five minutes: with the password, or with a mailed code or link where the account has no password.';
-- Older projects grant new functions to every role of the API.
revoke execute on function public.delete_my_account() from public, anon, authenticated, service_role;
grant execute on function public.delete_my_account() to authenticated;
