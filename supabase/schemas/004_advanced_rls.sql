-- Stage 2: trips are shared, and so are collections. Who takes part in one grows, and with it what stage 1's policies show; then each new table has
-- its grants and policies, and the functions that need more than one statement follow.


-- Who takes part in which trip ------------------------------------------------------------------------------------------

-- An owner is no collaborator, so nobody is on a trip twice.
create or replace view private.trip_people with (security_invoker = true) as
    select trips.id as trip_id, trips.user_id, true as is_owner, true as may_edit from public.trips
    union all
    select collaborators.trip_id, collaborators.user_id, false, collaborators.role = 'editor' from public.collaborators;

create function private.my_own_trip_ids() returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
        select people.trip_id from private.trip_people as people
        where people.user_id = (select auth.uid()) and people.is_owner
        order by 1;
end
$$;
comment on function private.my_own_trip_ids() is 'The trips that the caller owns.';
revoke execute on function private.my_own_trip_ids() from public;
grant execute on function private.my_own_trip_ids() to authenticated;

-- Who shares which collection, as trip_people says it of trips.
create view private.collection_people with (security_invoker = true) as
    select collections.id as collection_id, collections.user_id, true as is_owner, true as may_edit from public.collections
    union all
    select members.collection_id, members.user_id, false, members.role = 'editor' from public.collection_members as members;
comment on view private.collection_people is 'Who shares which collection, and what they may do there: once a person and collection.';

create function private.my_collection_ids() returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
        select people.collection_id from private.collection_people as people
        where people.user_id = (select auth.uid())
        order by 1;
end
$$;
comment on function private.my_collection_ids() is 'The collections that the caller may see.';
revoke execute on function private.my_collection_ids() from public;
grant execute on function private.my_collection_ids() to authenticated;

create function private.my_shared_collection_ids() returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
        select people.collection_id from private.collection_people as people
        where people.user_id = (select auth.uid()) and not people.is_owner
        order by 1;
end
$$;
comment on function private.my_shared_collection_ids() is 'The collections of others that the caller may see.';
revoke execute on function private.my_shared_collection_ids() from public;
grant execute on function private.my_shared_collection_ids() to authenticated;

create function private.my_editable_collection_ids() returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
        select people.collection_id from private.collection_people as people
        where people.user_id = (select auth.uid()) and people.may_edit
        order by 1;
end
$$;
comment on function private.my_editable_collection_ids() is 'The collections whose places the caller may change.';
revoke execute on function private.my_editable_collection_ids() from public;
grant execute on function private.my_editable_collection_ids() to authenticated;

create function private.my_own_collection_ids() returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
        select people.collection_id from private.collection_people as people
        where people.user_id = (select auth.uid()) and people.is_owner
        order by 1;
end
$$;
comment on function private.my_own_collection_ids() is 'The collections that the caller owns.';
revoke execute on function private.my_own_collection_ids() from public;
grant execute on function private.my_own_collection_ids() to authenticated;

create function private.my_collection_companion_ids() returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
        select distinct people.user_id from private.collection_people as people
        where people.collection_id = any (array(select private.my_collection_ids()))
        order by 1;
end
$$;
comment on function private.my_collection_companion_ids() is 'Those who share the collections that the caller may see.';
revoke execute on function private.my_collection_companion_ids() from public;

create or replace function private.my_companion_ids() returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
        select private.my_trip_companion_ids()
        union
        select private.my_collection_companion_ids()
        order by 1;
end
$$;

-- A collection shows a place to those who share it where the place's own keeper has put it in: whoever sees somebody else's
-- place, on a trip or in another collection, may keep it in one of theirs, but cannot show it on to others.
create function private.my_collection_place_ids() returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
        select distinct entries.place_id from public.collection_places as entries
        join public.places on places.id = entries.place_id and places.user_id = entries.user_id
        where entries.collection_id = any (array(select private.my_collection_ids()))
            and entries.user_id <> (select auth.uid())
        order by 1;
end
$$;
comment on function private.my_collection_place_ids() is 'The places of others that collections show to the caller.';
revoke execute on function private.my_collection_place_ids() from public;

create or replace function private.my_shown_place_ids() returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
        select private.my_trip_place_ids()
        union
        select private.my_collection_place_ids()
        order by 1;
end
$$;

-- As Auth has it now: a token may be older than a change of address, and only a confirmed address proves anything.
create function private.my_email() returns text
language plpgsql stable security definer set search_path = '' as $$
begin
    return (
        select lower(users.email) from auth.users
        where users.id = (select auth.uid()) and users.email_confirmed_at is not null
    );
end
$$;
comment on function private.my_email() is 'The caller''s e-mail address if it is confirmed, or null.';
revoke execute on function private.my_email() from public;
grant execute on function private.my_email() to authenticated;


-- saved_places --------------------------------------------------------------------------------------------------------

revoke all on public.saved_places from anon, authenticated, service_role;
grant select, delete on public.saved_places to authenticated;
grant insert (id, user_id, place_id, name, category, notes) on public.saved_places to authenticated;
grant update (name, category, notes) on public.saved_places to authenticated;

alter table public.saved_places enable row level security;

create policy "People can view the places they saved" on public.saved_places
    for select to authenticated
    using (user_id = (select auth.uid()));

-- The lookup of the place runs under the caller's own policies, here and below: only what one sees can be kept.
create policy "People can save places they can see" on public.saved_places
    for insert to authenticated
    with check (
        user_id = (select auth.uid())
        and (place_id is null or exists (select from public.places where places.id = saved_places.place_id))
    );

-- A place that is no longer shared with the person does not stand in the way of changing what they wrote about it.
create policy "People can update the places they saved" on public.saved_places
    for update to authenticated
    using (user_id = (select auth.uid()))
    with check (user_id = (select auth.uid()));

create policy "People can delete the places they saved" on public.saved_places
    for delete to authenticated
    using (user_id = (select auth.uid()));


-- collections ---------------------------------------------------------------------------------------------------------

revoke all on public.collections from anon, authenticated, service_role;
grant select, delete on public.collections to authenticated;
grant insert (id, user_id, name, description) on public.collections to authenticated;
grant update (name, description) on public.collections to authenticated;

alter table public.collections enable row level security;

create policy "People can view their collections and those shared with them" on public.collections
    for select to authenticated
    using (user_id = (select auth.uid()) or id = any (array(select private.my_shared_collection_ids())));

create policy "People can create collections of their own" on public.collections
    for insert to authenticated
    with check (user_id = (select auth.uid()));

create policy "People can update their own collections" on public.collections
    for update to authenticated
    using (user_id = (select auth.uid()))
    with check (user_id = (select auth.uid()));

create policy "People can delete their own collections" on public.collections
    for delete to authenticated
    using (user_id = (select auth.uid()));


-- collection_places ---------------------------------------------------------------------------------------------------

revoke all on public.collection_places from anon, authenticated, service_role;
grant select, delete on public.collection_places to authenticated;
grant insert (id, user_id, collection_id, place_id, order_index, notes) on public.collection_places to authenticated;
grant update (order_index, notes) on public.collection_places to authenticated;

alter table public.collection_places enable row level security;

create policy "People can view what is in the collections they share" on public.collection_places
    for select to authenticated
    using (collection_id = any (array(select private.my_collection_ids())));

create policy "People can put places they see into collections they may change" on public.collection_places
    for insert to authenticated
    with check (
        user_id = (select auth.uid())
        and collection_id = any (array(select private.my_editable_collection_ids()))
        and exists (select from public.places where places.id = collection_places.place_id)
    );

create policy "People can update what is in collections they may change" on public.collection_places
    for update to authenticated
    using (collection_id = any (array(select private.my_editable_collection_ids())))
    with check (collection_id = any (array(select private.my_editable_collection_ids())));

create policy "People can take places out of collections they may change" on public.collection_places
    for delete to authenticated
    using (collection_id = any (array(select private.my_editable_collection_ids())));


-- collection_members: made by accepting an invitation, so that nobody is shown anything unasked -------------------------

revoke all on public.collection_members from anon, authenticated, service_role;
grant select, delete on public.collection_members to authenticated;
grant update (role) on public.collection_members to authenticated;

alter table public.collection_members enable row level security;

create policy "People can view with whom they share collections" on public.collection_members
    for select to authenticated
    using (collection_id = any (array(select private.my_collection_ids())));

create policy "Owners can change the roles in their collections" on public.collection_members
    for update to authenticated
    using (collection_id = any (array(select private.my_own_collection_ids())))
    with check (collection_id = any (array(select private.my_own_collection_ids())));

create policy "Owners can remove members of collections and they can leave" on public.collection_members
    for delete to authenticated
    using (user_id = (select auth.uid()) or collection_id = any (array(select private.my_own_collection_ids())));


-- tags ----------------------------------------------------------------------------------------------------------------

revoke all on public.tags from anon, authenticated, service_role;
grant select, delete on public.tags to authenticated;
grant insert (id, user_id, name, colour) on public.tags to authenticated;
grant update (name, colour) on public.tags to authenticated;

alter table public.tags enable row level security;

create policy "People can view their own tags" on public.tags
    for select to authenticated
    using (user_id = (select auth.uid()));

create policy "People can create tags of their own" on public.tags
    for insert to authenticated
    with check (user_id = (select auth.uid()));

create policy "People can update their own tags" on public.tags
    for update to authenticated
    using (user_id = (select auth.uid()))
    with check (user_id = (select auth.uid()));

create policy "People can delete their own tags" on public.tags
    for delete to authenticated
    using (user_id = (select auth.uid()));


-- place_tags: put on and taken off, never changed ---------------------------------------------------------------------

revoke all on public.place_tags from anon, authenticated, service_role;
grant select, delete on public.place_tags to authenticated;
grant insert (id, user_id, place_id, tag_id) on public.place_tags to authenticated;

alter table public.place_tags enable row level security;

create policy "People can view where they put their tags" on public.place_tags
    for select to authenticated
    using (user_id = (select auth.uid()));

create policy "People can tag places they can see" on public.place_tags
    for insert to authenticated
    with check (
        user_id = (select auth.uid())
        and exists (select from public.tags where tags.id = place_tags.tag_id)
        and exists (select from public.places where places.id = place_tags.place_id)
    );

create policy "People can take their tags off places" on public.place_tags
    for delete to authenticated
    using (user_id = (select auth.uid()));


-- collaborators: made by accepting an invitation, so that nobody is put on a trip unasked -----------------------------

revoke all on public.collaborators from anon, authenticated, service_role;
grant select, delete on public.collaborators to authenticated;
grant update (role) on public.collaborators to authenticated;

alter table public.collaborators enable row level security;

create policy "People can view who is on their trips" on public.collaborators
    for select to authenticated
    using (trip_id = any (array(select private.my_trip_ids())));

create policy "Owners can change the roles on their trips" on public.collaborators
    for update to authenticated
    using (trip_id = any (array(select private.my_own_trip_ids())))
    with check (trip_id = any (array(select private.my_own_trip_ids())));

create policy "Owners can remove collaborators and they can leave" on public.collaborators
    for delete to authenticated
    using (user_id = (select auth.uid()) or trip_id = any (array(select private.my_own_trip_ids())));


-- invitations: the hash of the token is for no role of the API to read ------------------------------------------------

revoke all on public.invitations from anon, authenticated, service_role;
grant select (id, trip_id, email, role, status, invited_by, expires_at, accepted_at, created_at, updated_at)
    on public.invitations to authenticated;
grant insert (id, trip_id, email, role, token_hash) on public.invitations to authenticated;
grant update (status) on public.invitations to authenticated;

alter table public.invitations enable row level security;

create policy "Owners and the invited can view invitations" on public.invitations
    for select to authenticated
    using (trip_id = any (array(select private.my_own_trip_ids())) or email = (select private.my_email()));

create policy "Owners can invite to their trips" on public.invitations
    for insert to authenticated
    with check (trip_id = any (array(select private.my_own_trip_ids())) and invited_by = (select auth.uid()));

create policy "Owners can revoke invitations that are open" on public.invitations
    for update to authenticated
    using (trip_id = any (array(select private.my_own_trip_ids())) and status = 'pending')
    with check (trip_id = any (array(select private.my_own_trip_ids())) and status = 'revoked');


-- votes ---------------------------------------------------------------------------------------------------------------

revoke all on public.votes from anon, authenticated, service_role;
grant select, delete on public.votes to authenticated;
grant insert (id, trip_item_id, user_id, value, comment) on public.votes to authenticated;
grant update (value, comment) on public.votes to authenticated;

alter table public.votes enable row level security;

create policy "People can view the votes on their trips" on public.votes
    for select to authenticated
    using (trip_id = any (array(select private.my_trip_ids())));

create policy "People can vote as themselves on their trips" on public.votes
    for insert to authenticated
    with check (user_id = (select auth.uid()) and trip_id = any (array(select private.my_trip_ids())));

create policy "People can change their own votes" on public.votes
    for update to authenticated
    using (user_id = (select auth.uid()) and trip_id = any (array(select private.my_trip_ids())))
    with check (user_id = (select auth.uid()) and trip_id = any (array(select private.my_trip_ids())));

create policy "People can retract their own votes" on public.votes
    for delete to authenticated
    using (user_id = (select auth.uid()) and trip_id = any (array(select private.my_trip_ids())));


-- trip_preferences: everybody on the trip says what they wish for, viewers too, and all see it ------------------------------

revoke all on public.trip_preferences from anon, authenticated, service_role;
grant select, delete on public.trip_preferences to authenticated;
grant insert (id, trip_id, user_id, budget_min, budget_max, currency, pace, interests, dietary_needs)
    on public.trip_preferences to authenticated;
grant update (budget_min, budget_max, currency, pace, interests, dietary_needs) on public.trip_preferences to authenticated;

alter table public.trip_preferences enable row level security;

create policy "People can view what is wished for on their trips" on public.trip_preferences
    for select to authenticated
    using (trip_id = any (array(select private.my_trip_ids())));

create policy "People can say what they wish for on their trips" on public.trip_preferences
    for insert to authenticated
    with check (user_id = (select auth.uid()) and trip_id = any (array(select private.my_trip_ids())));

create policy "People can change what they wish for" on public.trip_preferences
    for update to authenticated
    using (user_id = (select auth.uid()) and trip_id = any (array(select private.my_trip_ids())))
    with check (user_id = (select auth.uid()) and trip_id = any (array(select private.my_trip_ids())));

create policy "People can take back what they wish for" on public.trip_preferences
    for delete to authenticated
    using (user_id = (select auth.uid()) and trip_id = any (array(select private.my_trip_ids())));


-- What takes more than one statement ----------------------------------------------------------------------------------

-- Unnamed, the parameter makes this a computed field of trip_items and nothing that a client can call with a row of its
-- own making. As definer it asks for the caller's part in the trip once an item, by two keys, instead of once a vote.
create function public.vote_summary(public.trip_items) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
    item alias for $1;
    caller uuid := auth.uid();
begin
    if not exists (
        select from private.trip_people as people where people.trip_id = item.trip_id and people.user_id = caller
    )
    then
        return null;
    end if;
    return (
        select jsonb_build_object(
            'up', count(*) filter (where value = 1),
            'neutral', count(*) filter (where value = 0),
            'down', count(*) filter (where value = -1),
            'score', coalesce(sum(value), 0),
            'mine', max(value) filter (where user_id = caller)
        )
        from public.votes
        where votes.trip_item_id = item.id and votes.trip_id = item.trip_id
    );
end
$$;
comment on function public.vote_summary(public.trip_items) is 'What the people on the trip think of an item, and the caller''s own vote.';
revoke execute on function public.vote_summary(public.trip_items) from public, anon, authenticated, service_role;
grant execute on function public.vote_summary(public.trip_items) to authenticated;

-- As definer it asks for the caller's part in the trip once. Words count once a person, in whatever case they are written;
-- money is text, since JSON would round it. Of a budget range a missing end is open, and budgets that share no amount have
-- no range.
create function public.preference_summary(public.trips) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
    trip alias for $1;
    caller constant uuid := auth.uid();
begin
    if not exists (
        select from private.trip_people as people where people.trip_id = trip.id and people.user_id = caller
    )
    then
        return null;
    end if;
    -- As of most trips in a list: what follows takes thirty times as long.
    if not exists (select from public.trip_preferences where trip_preferences.trip_id = trip.id) then
        return '{"people": 0, "paces": [], "interests": [], "dietary_needs": [], "budgets": []}';
    end if;
    return (
        with said as materialized (
            select wishes.* from public.trip_preferences as wishes
            where wishes.trip_id = trip.id
                and exists (
                    select from private.trip_people as people
                    where people.trip_id = trip.id and people.user_id = wishes.user_id
                )
        ),
        facts as (
            select 'people' as kind, null as word, user_id, null::numeric as least, null::numeric as most from said
            union all
            select 'pace', pace, user_id, null, null from said where pace is not null
            union all
            select 'budget', currency, user_id, budget_min, budget_max from said
            where budget_min is not null or budget_max is not null
            union all
            select 'interest', lower(btrim(word)), user_id, null, null from said, unnest(interests) as word
            union all
            select 'need', lower(btrim(word)), user_id, null, null from said, unnest(dietary_needs) as word
        ),
        counted as (
            select kind, word, count(distinct user_id) as people, max(least) as lowest, min(most) as highest
            from facts where kind = 'people' or word <> '' group by kind, word
        )
        select jsonb_build_object(
            'people', coalesce(max(people) filter (where kind = 'people'), 0),
            'paces', coalesce(
                jsonb_agg(jsonb_build_object('pace', word, 'people', people) order by people desc, word)
                    filter (where kind = 'pace'),
                '[]'
            ),
            'interests', coalesce(
                jsonb_agg(jsonb_build_object('interest', word, 'people', people) order by people desc, word)
                    filter (where kind = 'interest'),
                '[]'
            ),
            'dietary_needs', coalesce(
                jsonb_agg(jsonb_build_object('need', word, 'people', people) order by people desc, word)
                    filter (where kind = 'need'),
                '[]'
            ),
            'budgets', coalesce(
                jsonb_agg(
                    jsonb_build_object(
                        'currency', word, 'people', people,
                        'shared', case
                            when lowest > highest then null
                            else jsonb_build_object('min', lowest::text, 'max', highest::text)
                        end
                    ) order by people desc, word
                ) filter (where kind = 'budget'),
                '[]'
            )
        )
        from counted
    );
end
$$;
comment on function public.preference_summary(public.trips) is 'What the people on the trip wish for, counted, for those who are on it.';
revoke execute on function public.preference_summary(public.trips) from public, anon, authenticated, service_role;
grant execute on function public.preference_summary(public.trips) to authenticated;

-- Under the caller's own policies. Afterwards both days count from 0 without a gap, however they were before.
create function public.move_trip_item(item uuid, day integer, new_position integer) returns public.trip_items
language plpgsql set search_path = '' as $$
declare
    moved public.trip_items;
    trip uuid;
begin
    if day is null or new_position is null or new_position < 0 then
        perform requests.refuse('BAD_USER_INPUT', 'A day is counted from 1, a position from 0.');
    end if;

    -- Movers on one trip take turns: each waits here, then sees what the one before has done.
    loop
        select trip_items.trip_id into trip from public.trip_items where trip_items.id = item;
        if not found then
            perform requests.refuse('NOT_FOUND', 'There is no such item, or you may not see it.');
        end if;
        perform from public.trips where trips.id = trip for no key update;
        if not found then
            perform requests.refuse('FORBIDDEN', 'You may not change this trip.');
        end if;
        select * into moved from public.trip_items where trip_items.id = item and trip_items.trip_id = trip;
        exit when found;
    end loop;

    with others as (
        select
            id,
            day_number,
            row_number() over (partition by day_number order by order_index, created_at, id) - 1 as place
        from public.trip_items
        where trip_id = trip and day_number in (moved.day_number, day) and id <> item
    ),
    wanted as (
        select id, day_number, place + case when day_number = day and place >= new_position then 1 else 0 end as place
        from others
        union all
        select item, day, least(new_position, (select count(*) from others where day_number = day))
    )
    update public.trip_items
    set day_number = wanted.day_number, order_index = wanted.place
    from wanted
    where trip_items.id = wanted.id
        and (trip_items.day_number, trip_items.order_index) <> (wanted.day_number, wanted.place);

    select * into moved from public.trip_items where trip_items.id = item;
    return moved;
end
$$;
comment on function public.move_trip_item(uuid, integer, integer) is 'Moves an item to a position of a day, at most the last; the others close up.';
revoke execute on function public.move_trip_item(uuid, integer, integer) from public, anon, authenticated, service_role;
grant execute on function public.move_trip_item(uuid, integer, integer) to authenticated;

-- An upsert through the API would set every column it names, and nobody may move a vote to another item or person.
create function public.cast_vote(item uuid, new_value integer, new_comment text) returns public.votes
language sql set search_path = '' as $$
    insert into public.votes (trip_item_id, value, comment) values (item, new_value, new_comment)
    on conflict (trip_item_id, user_id) do update set value = excluded.value, comment = excluded.comment
    returning *;
$$;
comment on function public.cast_vote(uuid, integer, text) is 'Sets the caller''s vote on an item, and replaces the one before.';
revoke execute on function public.cast_vote(uuid, integer, text) from public, anon, authenticated, service_role;
grant execute on function public.cast_vote(uuid, integer, text) to authenticated;

-- As definer, because nobody may add themselves to a trip otherwise.
create function public.accept_invitation(token text) returns public.collaborators
language plpgsql security definer set search_path = '' as $$
declare
    accepted constant public.invitations :=
        jsonb_populate_record(null::public.invitations, private.take_invitation('public.invitations', token));
    collaborator public.collaborators;
begin
    if accepted.id is null or accepted.trip_id = any (array(select private.my_own_trip_ids())) then
        perform private.refuse_invitation();
    end if;

    insert into public.collaborators (trip_id, user_id, role) values (accepted.trip_id, auth.uid(), accepted.role)
    on conflict (trip_id, user_id) do update set role = excluded.role
    returning * into collaborator;
    return collaborator;
end
$$;
comment on function public.accept_invitation(text) is 'Accepts an invitation by the secret in its link, once.';
revoke execute on function public.accept_invitation(text) from public, anon, authenticated, service_role;
grant execute on function public.accept_invitation(text) to authenticated;
