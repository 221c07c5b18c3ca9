-- Functions that the API offers as fields: computed from a row, or called with arguments. They run with the caller's own
-- rights, so that policies decide what is found and measured, or ask for the caller's part themselves.


-- Computed from a trip ------------------------------------------------------------------------------------------------

-- Unnamed, the parameter makes these computed fields of trips and nothing that a client can call with a row of its own
-- making.
create function public.duration_days(public.trips) returns integer
language sql stable set search_path = '' as $$
    select ($1).end_date - ($1).start_date + 1;
$$;
comment on function public.duration_days(public.trips) is 'How many days the trip takes, its first and last included; null without both.';
revoke execute on function public.duration_days(public.trips) from public, anon, authenticated, service_role;
grant execute on function public.duration_days(public.trips) to authenticated;

-- In plpgsql, which keeps its plan from one trip of a list to the next. As definer it asks for the caller's part in the
-- trip once, by two keys, where the policy of the items would look among all of the caller's trips: an order by costs
-- calls it for each of them.
create function public.cost_total(public.trips) returns numeric
language plpgsql stable security definer set search_path = '' as $$
declare
    trip alias for $1;
    caller uuid := auth.uid();
begin
    return (
        select coalesce(sum(trip_items.cost), 0.00) from public.trip_items
        where trip_items.trip_id = trip.id
            and exists (
                select from private.trip_people as people where people.trip_id = trip.id and people.user_id = caller
            )
    );
end
$$;
comment on function public.cost_total(public.trips) is 'What the trip''s items cost together, in the trip''s currency; counts the items that the caller may see.';
revoke execute on function public.cost_total(public.trips) from public, anon, authenticated, service_role;
grant execute on function public.cost_total(public.trips) to authenticated;


-- Finding places by their words ---------------------------------------------------------------------------------------

-- As definer, so that the caller's places are found once, by their owners' index, and the words of these alone are read:
-- matching is not leakproof, so under row level security no index of words would serve it. One for everybody's words
-- would serve here, but a common word would be slow, and time would tell how common it is among other people's places.
-- What it finds is filtered by the policies once more. 'simple' takes words as they are: names are in every language.
create function private.my_place_ids_by_words(words text) returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
declare
    -- What is typed means what it means to `filter: { search }`, `or`, `-` and "…" too, but that each word also stands for
    -- those that begin with it. In the text of a query every word is quoted, so no text is taken for an operator.
    wanted constant tsquery := regexp_replace(
        websearch_to_tsquery('simple', words)::text, '''(?:[^'']|'''')*''', '\&:*', 'g'
    );
begin
    return query
        select places.id from public.places
        where (
                places.user_id = (select auth.uid())
                or places.id = any (array(select private.my_shown_place_ids()))
            )
            and to_tsvector('simple', places.name || ' ' || coalesce(places.city, '') || ' ' || coalesce(places.address, '') || ' ' || coalesce(places.notes, ''))
                @@ wanted;
end
$$;
comment on function private.my_place_ids_by_words(text) is 'Which of the places that the caller may see hold these words, or words that begin so.';
revoke execute on function private.my_place_ids_by_words(text) from public;
grant execute on function private.my_place_ids_by_words(text) to authenticated;

-- Parsed when it is made: callers may execute the helper, but not look into its schema by name. A setting keeps the body
-- out of the caller's query, where the words are no constant and the helper would run once for each place. It selects
-- whole rows, since a list of columns, parsed once, would forbid changing them.
create function public.search_places(words text) returns setof public.places
language sql stable set search_path = ''
begin atomic
    select places from public.places
    where places.id = any (array(select private.my_place_ids_by_words(words)));
end;
comment on function public.search_places(text) is 'The places whose name, city, address or notes hold these words, or words that begin so.';
revoke execute on function public.search_places(text) from public, anon, authenticated, service_role;
grant execute on function public.search_places(text) to authenticated;


-- Measuring -----------------------------------------------------------------------------------------------------------

-- Along the surface of a sphere, by the haversine formula: exact to half a percent.
create function public.distance_in_metres(from_place uuid, to_place uuid) returns integer
language sql stable set search_path = '' as $$
    select round(
        2 * 6371008.8 * asin(
            sqrt(
                least(
                    1.0,
                    sin(radians(b.latitude::float8 - a.latitude::float8) / 2) ^ 2
                    + cos(radians(a.latitude::float8)) * cos(radians(b.latitude::float8))
                    * sin(radians(b.longitude::float8 - a.longitude::float8) / 2) ^ 2
                )
            )
        )
    )::integer
    from public.places as a, public.places as b
    -- No row and thus null, where least() would pass over one.
    where a.id = from_place and b.id = to_place and a.latitude is not null and b.latitude is not null;
$$;
comment on function public.distance_in_metres(uuid, uuid) is 'How far it is between two places in metres, as the crow flies; null when a position is not known.';
revoke execute on function public.distance_in_metres(uuid, uuid) from public, anon, authenticated, service_role;
grant execute on function public.distance_in_metres(uuid, uuid) to authenticated;
