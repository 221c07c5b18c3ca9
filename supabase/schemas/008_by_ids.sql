-- Rows by their ids, for lists of ids that no URL would hold: a request names them in its body instead.
--
-- Each is plain SQL without a setting, so that Postgres puts the table in its place and plans the whole request as if it
-- had read the table. All run with the caller's own rights, so policies decide what is found. Invitations have none,
-- since nobody may read their whole rows.

create function public.profiles_by_ids(ids uuid[]) returns setof public.profiles language sql stable as $$
    select * from public.profiles where id = any (ids)
$$;
comment on function public.profiles_by_ids(uuid[]) is 'The profiles with these ids, of those that the caller may see.';

create function public.user_preferences_by_ids(ids uuid[]) returns setof public.user_preferences language sql stable as $$
    select * from public.user_preferences where id = any (ids)
$$;
comment on function public.user_preferences_by_ids(uuid[]) is 'The preferences with these ids, of those that the caller may see.';

create function public.places_by_ids(ids uuid[]) returns setof public.places language sql stable as $$
    select * from public.places where id = any (ids)
$$;
comment on function public.places_by_ids(uuid[]) is 'The places with these ids, of those that the caller may see.';

create function public.trips_by_ids(ids uuid[]) returns setof public.trips language sql stable as $$
    select * from public.trips where id = any (ids)
$$;
comment on function public.trips_by_ids(uuid[]) is 'The trips with these ids, of those that the caller may see.';

create function public.trip_items_by_ids(ids uuid[]) returns setof public.trip_items language sql stable as $$
    select * from public.trip_items where id = any (ids)
$$;
comment on function public.trip_items_by_ids(uuid[]) is 'The items with these ids, of those that the caller may see.';

create function public.saved_places_by_ids(ids uuid[]) returns setof public.saved_places language sql stable as $$
    select * from public.saved_places where id = any (ids)
$$;
comment on function public.saved_places_by_ids(uuid[]) is 'The saved places with these ids, of those that the caller may see.';

create function public.collections_by_ids(ids uuid[]) returns setof public.collections language sql stable as $$
    select * from public.collections where id = any (ids)
$$;
comment on function public.collections_by_ids(uuid[]) is 'The collections with these ids, of those that the caller may see.';

create function public.collection_places_by_ids(ids uuid[]) returns setof public.collection_places language sql stable as $$
    select * from public.collection_places where id = any (ids)
$$;
comment on function public.collection_places_by_ids(uuid[]) is 'The places of collections with these ids, of those that the caller may see.';

create function public.tags_by_ids(ids uuid[]) returns setof public.tags language sql stable as $$
    select * from public.tags where id = any (ids)
$$;
comment on function public.tags_by_ids(uuid[]) is 'The tags with these ids, of those that the caller may see.';

create function public.place_tags_by_ids(ids uuid[]) returns setof public.place_tags language sql stable as $$
    select * from public.place_tags where id = any (ids)
$$;
comment on function public.place_tags_by_ids(uuid[]) is 'The tags on places with these ids, of those that the caller may see.';

create function public.collaborators_by_ids(ids uuid[]) returns setof public.collaborators language sql stable as $$
    select * from public.collaborators where id = any (ids)
$$;
comment on function public.collaborators_by_ids(uuid[]) is 'The collaborators with these ids, of those that the caller may see.';

create function public.votes_by_ids(ids uuid[]) returns setof public.votes language sql stable as $$
    select * from public.votes where id = any (ids)
$$;
comment on function public.votes_by_ids(uuid[]) is 'The votes with these ids, of those that the caller may see.';

revoke execute on function
    public.profiles_by_ids(uuid[]), public.user_preferences_by_ids(uuid[]),
    public.places_by_ids(uuid[]), public.trips_by_ids(uuid[]),
    public.trip_items_by_ids(uuid[]), public.saved_places_by_ids(uuid[]),
    public.collections_by_ids(uuid[]), public.collection_places_by_ids(uuid[]),
    public.tags_by_ids(uuid[]), public.place_tags_by_ids(uuid[]),
    public.collaborators_by_ids(uuid[]), public.votes_by_ids(uuid[])
    from public, anon, authenticated, service_role;
grant execute on function
    public.profiles_by_ids(uuid[]), public.user_preferences_by_ids(uuid[]),
    public.places_by_ids(uuid[]), public.trips_by_ids(uuid[]),
    public.trip_items_by_ids(uuid[]), public.saved_places_by_ids(uuid[]),
    public.collections_by_ids(uuid[]), public.collection_places_by_ids(uuid[]),
    public.tags_by_ids(uuid[]), public.place_tags_by_ids(uuid[]),
    public.collaborators_by_ids(uuid[]), public.votes_by_ids(uuid[])
    to authenticated;


-- Rows as a whole -----------------------------------------------------------------------------------------------------

-- Each row once more, as a computed relationship of itself. A request that calls a function of the table and tests what
-- is related to its rows embeds it, so that PostgREST takes all columns from the function: from version 13 on it would
-- take those that any filter of the request names, of whatever table, and Postgres would know no such column.
--
-- Plain SQL without a setting again, so that Postgres puts the row itself in its place and calls nothing. Unnamed, the
-- parameter makes these fields of a row and nothing that a client can call with a row of its own making.

create function public.whole_profiles(public.profiles) returns setof public.profiles rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_profiles(public.profiles) is 'The profile itself.';

create function public.whole_user_preferences(public.user_preferences) returns setof public.user_preferences rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_user_preferences(public.user_preferences) is 'The preferences itself.';

create function public.whole_places(public.places) returns setof public.places rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_places(public.places) is 'The place itself.';

create function public.whole_trips(public.trips) returns setof public.trips rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_trips(public.trips) is 'The trip itself.';

create function public.whole_trip_items(public.trip_items) returns setof public.trip_items rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_trip_items(public.trip_items) is 'The item itself.';

create function public.whole_saved_places(public.saved_places) returns setof public.saved_places rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_saved_places(public.saved_places) is 'The saved place itself.';

create function public.whole_collections(public.collections) returns setof public.collections rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_collections(public.collections) is 'The collection itself.';

create function public.whole_collection_places(public.collection_places) returns setof public.collection_places rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_collection_places(public.collection_places) is 'The place of a collection itself.';

create function public.whole_tags(public.tags) returns setof public.tags rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_tags(public.tags) is 'The tag itself.';

create function public.whole_place_tags(public.place_tags) returns setof public.place_tags rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_place_tags(public.place_tags) is 'The tag on a place itself.';

create function public.whole_collaborators(public.collaborators) returns setof public.collaborators rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_collaborators(public.collaborators) is 'The collaborator itself.';

create function public.whole_votes(public.votes) returns setof public.votes rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_votes(public.votes) is 'The vote itself.';

revoke execute on function
    public.whole_profiles(public.profiles), public.whole_user_preferences(public.user_preferences),
    public.whole_places(public.places), public.whole_trips(public.trips),
    public.whole_trip_items(public.trip_items), public.whole_saved_places(public.saved_places),
    public.whole_collections(public.collections), public.whole_collection_places(public.collection_places),
    public.whole_tags(public.tags), public.whole_place_tags(public.place_tags),
    public.whole_collaborators(public.collaborators), public.whole_votes(public.votes)
    from public, anon, authenticated, service_role;
grant execute on function
    public.whole_profiles(public.profiles), public.whole_user_preferences(public.user_preferences),
    public.whole_places(public.places), public.whole_trips(public.trips),
    public.whole_trip_items(public.trip_items), public.whole_saved_places(public.saved_places),
    public.whole_collections(public.collections), public.whole_collection_places(public.collection_places),
    public.whole_tags(public.tags), public.whole_place_tags(public.place_tags),
    public.whole_collaborators(public.collaborators), public.whole_votes(public.votes)
    to authenticated;
