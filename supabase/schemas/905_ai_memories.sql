-- What agents keep in mind of people, and what they propose to do.


-- Keeping in mind ---------------------------------------------------------------------------------------------------------

-- Whoever says the same again is not reminded of it twice. Kept are a person's newest thousand.
create function public.remember_ai_memory(
    person uuid, trip uuid, kind text, content text, embedding extensions.vector, expires_at timestamptz default null
) returns uuid
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    moment constant timestamptz := clock_timestamp();
    kept uuid;
begin
    if private.is_anonymous(remember_ai_memory.person) then
        perform private.refuse('FORBIDDEN', 'Agents are for people with an account: sign up, or add an address.');
    end if;
    -- It would be told of, and read by nobody.
    if remember_ai_memory.expires_at <= moment then
        perform private.refuse(
            'BAD_USER_INPUT', 'What is kept in mind is kept for a while.', '{"field": "expires_at"}'
        );
    end if;
    if remember_ai_memory.trip is not null and not exists (
        select from private.trip_people as people
        where people.trip_id = remember_ai_memory.trip and people.user_id = remember_ai_memory.person
    ) then
        perform private.refuse('NOT_FOUND', 'There is no such trip, or you may not see it.', '{"field": "trip"}');
    end if;
    -- One after the other, so that two at once are not kept twice.
    perform from public.profiles where profiles.id = remember_ai_memory.person for no key update;
    update public.ai_memories as memories set
        kind = remember_ai_memory.kind, embedding = remember_ai_memory.embedding,
        expires_at = remember_ai_memory.expires_at
    where memories.user_id = remember_ai_memory.person and memories.content = remember_ai_memory.content
        and memories.trip_id is not distinct from remember_ai_memory.trip
    returning memories.id into kept;
    if found then
        return kept;
    end if;
    insert into public.ai_memories as memories (
        user_id, trip_id, kind, content, embedding, expires_at, created_at, updated_at
    ) values (
        remember_ai_memory.person, remember_ai_memory.trip, remember_ai_memory.kind, remember_ai_memory.content,
        remember_ai_memory.embedding, remember_ai_memory.expires_at, moment, moment
    )
    returning memories.id into kept;
    delete from public.ai_memories where id in (
        select old.id from public.ai_memories as old
        where old.user_id = remember_ai_memory.person order by old.created_at desc offset 1000
    );
    return kept;
end
$$;
comment on function public.remember_ai_memory(uuid, uuid, text, text, extensions.vector, timestamptz) is 'Keeps something in mind of a person, once; returns its id. Of the thousand and first the oldest is forgotten. Refused with NOT_FOUND for a trip that the person may not see.';
revoke execute on function public.remember_ai_memory(uuid, uuid, text, text, extensions.vector, timestamptz)
    from public, anon, authenticated, service_role;
grant execute on function public.remember_ai_memory(uuid, uuid, text, text, extensions.vector, timestamptz)
    to service_role;

-- The caller's own, by the policy, one by one: exact. The nearest first.
create function public.search_ai_memories(query_embedding extensions.vector, first integer default 10)
returns table (
    id uuid, trip_id uuid, kind text, content text, distance double precision, created_at timestamptz
)
language sql stable set search_path = '' as $$
    select mine.id, mine.trip_id, mine.kind, mine.content, mine.distance, mine.created_at
    from (
        select memories.*, memories.embedding operator(extensions.<=>) query_embedding as distance
        from public.ai_memories as memories
        where memories.user_id = (select auth.uid())
            and (memories.expires_at is null or memories.expires_at > now())
    ) as mine
    order by mine.distance, mine.id
    limit least(greatest(coalesce(first, 10), 0), 100)
$$;
comment on function public.search_ai_memories(extensions.vector, integer) is 'What is kept in mind of the caller and is nearest in meaning, at most a hundred, the nearest first.';
revoke execute on function public.search_ai_memories(extensions.vector, integer)
    from public, anon, authenticated, service_role;
grant execute on function public.search_ai_memories(extensions.vector, integer) to authenticated;

create function private.forget_expired_memories() returns integer
language plpgsql security definer set search_path = '' as $$
declare
    gone integer;
begin
    delete from public.ai_memories where expires_at <= now();
    get diagnostics gone = row_count;
    return gone;
end
$$;
comment on function private.forget_expired_memories() is 'Forgets what was to be kept in mind until now; returns how much.';
revoke execute on function private.forget_expired_memories() from public;


-- What a run cost ---------------------------------------------------------------------------------------------------------

create function public.total_cost(public.ai_runs) returns numeric
language sql stable set search_path = '' as $$
    select coalesce(sum(usage.cost), 0) from public.ai_usage as usage where usage.run_id = ($1).id;
$$;
comment on function public.total_cost(public.ai_runs) is 'What the run has cost in US dollars; what goes on is not counted yet.';
revoke execute on function public.total_cost(public.ai_runs) from public, anon, authenticated, service_role;
grant execute on function public.total_cost(public.ai_runs) to authenticated;


-- Applying what an agent proposes -----------------------------------------------------------------------------------------

-- As definer, since callers may not look at what the trip was like; only of a run of their own.
create function public.is_applicable(public.ai_runs) returns boolean
language plpgsql stable security definer set search_path = '' as $$
declare
    asked alias for $1;
begin
    return asked.status = 'succeeded' and jsonb_typeof(asked.result -> 'itinerary' -> 'items') is not distinct from 'array'
        and exists (
            select from public.ai_runs as runs
            join private.ai_run_bases as bases on bases.run_id = runs.id
            -- Whoever is on the trip no longer is not told whether it has changed since.
            join private.trip_people as people on people.trip_id = runs.trip_id and people.user_id = runs.user_id
            where runs.id = asked.id and runs.user_id = (select auth.uid()) and people.may_edit
                and bases.trip_version = private.trip_version(runs.trip_id)
        );
end
$$;
comment on function public.is_applicable(public.ai_runs) is 'Whether the run proposes an itinerary that the caller may apply, and its trip''s is still what it was when the agent began to think about it.';
revoke execute on function public.is_applicable(public.ai_runs) from public, anon, authenticated, service_role;
grant execute on function public.is_applicable(public.ai_runs) to authenticated;

-- Under the caller's own policies: nothing is written that the caller could not write. The result's `itinerary` has `items`
-- in their order: those that are there, by `item_id`, to be moved to a day, and new ones. What it does not name stays on
-- its day, behind those. Of an item that is there `starts_at` and `ends_at` change where they are named, and nothing else.
create function public.apply_itinerary(run uuid) returns setof public.trip_items
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
    asked public.ai_runs;
    proposed jsonb;
    named uuid[] := '{}';
    touched uuid;
begin
    select * into asked from public.ai_runs as runs where runs.id = apply_itinerary.run;
    if not found then
        perform requests.refuse('NOT_FOUND', 'There is no such run, or you may not see it.', '{"field": "runId"}');
    elsif asked.status <> 'succeeded' or jsonb_typeof(asked.result -> 'itinerary' -> 'items') is distinct from 'array' then
        perform requests.refuse('BAD_USER_INPUT', 'This run proposes no itinerary.', '{"field": "runId"}');
    elsif not exists (select from public.trips where trips.id = asked.trip_id) then
        perform requests.refuse('NOT_FOUND', 'There is no such trip, or you may not see it.', '{"field": "runId"}');
    end if;
    -- Whoever applies and moves takes turns, and nobody changes an item in between.
    perform from public.trips where trips.id = asked.trip_id for no key update;
    if not found then
        perform requests.refuse('FORBIDDEN', 'You may not change this trip.');
    end if;
    perform from public.trip_items as items where items.trip_id = asked.trip_id order by items.id for no key update;
    if not public.is_applicable(asked) then
        perform requests.refuse(
            'CONFLICT', 'The trip has changed since this was proposed: ask again.', '{"reason": "TRIP_CHANGED"}'
        );
    end if;

    for proposed in select item.value from jsonb_array_elements(asked.result -> 'itinerary' -> 'items') as item loop
        if proposed ->> 'item_id' is not null then
            update public.trip_items as items set
                day_number = coalesce((proposed ->> 'day_number')::integer, items.day_number),
                order_index = cardinality(named),
                starts_at = case
                    when proposed ? 'starts_at' then (proposed ->> 'starts_at')::timestamptz else items.starts_at
                end,
                ends_at = case when proposed ? 'ends_at' then (proposed ->> 'ends_at')::timestamptz else items.ends_at end
            where items.id = (proposed ->> 'item_id')::uuid and items.trip_id = asked.trip_id
                and items.id <> all (named)
            returning items.id into touched;
        else
            insert into public.trip_items as items (
                trip_id, place_id, title, notes, kind, day_number, order_index, starts_at, ends_at, cost
            ) values (
                asked.trip_id, (proposed ->> 'place_id')::uuid, proposed ->> 'title', proposed ->> 'notes',
                coalesce(proposed ->> 'kind', 'activity'), coalesce((proposed ->> 'day_number')::integer, 1),
                cardinality(named), (proposed ->> 'starts_at')::timestamptz, (proposed ->> 'ends_at')::timestamptz,
                (proposed ->> 'cost')::numeric
            )
            returning items.id into touched;
        end if;
        if touched is null then
            perform requests.refuse(
                'BAD_USER_INPUT', 'This proposal names an item that the trip does not have.', '{"field": "runId"}'
            );
        end if;
        named := named || touched;
        touched := null;
    end loop;

    -- Each day counts from 0 without a gap: what was proposed, then what was there, in its order.
    update public.trip_items as items set order_index = wanted.place
    from (
        select there.id, row_number() over (
            partition by there.day_number
            order by array_position(named, there.id), there.order_index, there.created_at, there.id
        ) - 1 as place
        from public.trip_items as there where there.trip_id = asked.trip_id
    ) as wanted
    where items.id = wanted.id and items.order_index <> wanted.place;
    return query
        select items.* from public.trip_items as items where items.id = any (named)
        order by items.day_number, items.order_index;
end
$$;
comment on function public.apply_itinerary(uuid) is 'Does what a run of the caller''s proposes for its trip''s itinerary, with the caller''s own rights; returns the items that it names. Refused with CONFLICT, TRIP_CHANGED, where the trip has changed since.';
revoke execute on function public.apply_itinerary(uuid) from public, anon, authenticated, service_role;
grant execute on function public.apply_itinerary(uuid) to authenticated;
