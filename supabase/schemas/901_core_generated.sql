-- Written by `make schema` from gql/types and resolvers, for the tables of 001_core_tables.sql. Do not change it here.
--
-- Rows by their ids, for lists of ids that no URL would hold, and each row once more, as a computed relationship of
-- itself, for requests that call a function of the table: docs/postgrest.md says more. Both are plain SQL without a
-- setting, so that Postgres puts the table, or the row, in their place and calls nothing; they run with the caller's
-- own rights. Tables with columns that nobody may read have neither.
--
-- Rows in order, for lists in which each row has lists of its own, as invoker's views. PostgREST sorts above its joins;
-- from a view in that very order it sorts first. `select *` is worked out when a view is made: a new column makes new
-- views.
--
-- Changes of rows on which people share, told on their topics: 900_changes.sql says how.
--
-- Columns whose texts may be too long for a URL, compared with what a request brings along. Their parameters have
-- names, which makes them no fields of the API; rows as wholes have none, so that nobody calls them with a row of
-- their own making.


-- profiles ------------------------------------------------------------------------------------------------------------

grant all on public.profiles to service_role;

create trigger set_profiles_updated_at before update on public.profiles
    for each row execute function private.set_updated_at();

create function private.broadcast_user() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform private.broadcast_change(
        'user', old.id::text, new.id::text, tg_argv[0], tg_argv[1:],
        tg_table_schema, tg_table_name, to_jsonb(new), to_jsonb(old)
    );
    return null;
end
$$;
revoke execute on function private.broadcast_user() from public;

create trigger broadcast_profiles_changes after insert or update or delete on public.profiles
    for each row execute function private.broadcast_user('id');

create function public.profiles_by_ids(ids uuid[]) returns setof public.profiles language sql stable as $$
    select * from public.profiles where id = any (ids)
$$;
comment on function public.profiles_by_ids(uuid[]) is 'The rows of profiles with these ids, of those that the caller may see.';
revoke execute on function public.profiles_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.profiles_by_ids(uuid[]) to authenticated;

create function public.whole_profiles(public.profiles) returns setof public.profiles rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_profiles(public.profiles) is 'The row of profiles itself.';
revoke execute on function public.whole_profiles(public.profiles) from public, anon, authenticated, service_role;
grant execute on function public.whole_profiles(public.profiles) to authenticated;

create view public.profiles_by_display_name with (security_invoker = true) as
    select * from public.profiles order by display_name, id;
comment on view public.profiles_by_display_name is 'The rows of profiles, ordered by display_name, id.';
revoke all on public.profiles_by_display_name from anon, authenticated, service_role;
grant select on public.profiles_by_display_name to authenticated;

create view public.profiles_by_display_name_reversed with (security_invoker = true) as
    select * from public.profiles order by display_name desc, id desc;
comment on view public.profiles_by_display_name_reversed is 'The same as profiles_by_display_name, from its end.';
revoke all on public.profiles_by_display_name_reversed from anon, authenticated, service_role;
grant select on public.profiles_by_display_name_reversed to authenticated;

create function public.avatar_path_against(entry public.profiles) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(entry.avatar_path)
$$;
comment on function public.avatar_path_against(public.profiles) is 'How the column compares with each text that the request brings along.';
revoke execute on function public.avatar_path_against(public.profiles) from public, anon, authenticated, service_role;
grant execute on function public.avatar_path_against(public.profiles) to authenticated;


-- user_preferences ----------------------------------------------------------------------------------------------------

grant all on public.user_preferences to service_role;

create trigger set_user_preferences_updated_at before update on public.user_preferences
    for each row execute function private.set_updated_at();

create function private.broadcast_user_by_user_id() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform private.broadcast_change(
        'user', old.user_id::text, new.user_id::text, tg_argv[0], tg_argv[1:],
        tg_table_schema, tg_table_name, to_jsonb(new), to_jsonb(old)
    );
    return null;
end
$$;
revoke execute on function private.broadcast_user_by_user_id() from public;

create trigger broadcast_user_preferences_changes after insert or update or delete on public.user_preferences
    for each row execute function private.broadcast_user_by_user_id('id');

create function public.user_preferences_by_ids(ids uuid[]) returns setof public.user_preferences language sql stable as $$
    select * from public.user_preferences where id = any (ids)
$$;
comment on function public.user_preferences_by_ids(uuid[]) is 'The rows of user_preferences with these ids, of those that the caller may see.';
revoke execute on function public.user_preferences_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.user_preferences_by_ids(uuid[]) to authenticated;

create function public.whole_user_preferences(public.user_preferences) returns setof public.user_preferences rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_user_preferences(public.user_preferences) is 'The row of user_preferences itself.';
revoke execute on function public.whole_user_preferences(public.user_preferences) from public, anon, authenticated, service_role;
grant execute on function public.whole_user_preferences(public.user_preferences) to authenticated;


-- places --------------------------------------------------------------------------------------------------------------

grant all on public.places to service_role;

create trigger set_places_updated_at before update on public.places
    for each row execute function private.set_updated_at();

create trigger expect_places_updates after update on public.places
    referencing old table as touched for each statement execute function private.expect_rows();

create trigger expect_places_deletes after delete on public.places
    referencing old table as touched for each statement execute function private.expect_rows();

create trigger broadcast_places_changes after insert or update or delete on public.places
    for each row execute function private.broadcast_user_by_user_id('id');

create function public.places_by_ids(ids uuid[]) returns setof public.places language sql stable as $$
    select * from public.places where id = any (ids)
$$;
comment on function public.places_by_ids(uuid[]) is 'The rows of places with these ids, of those that the caller may see.';
revoke execute on function public.places_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.places_by_ids(uuid[]) to authenticated;

create function public.whole_places(public.places) returns setof public.places rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_places(public.places) is 'The row of places itself.';
revoke execute on function public.whole_places(public.places) from public, anon, authenticated, service_role;
grant execute on function public.whole_places(public.places) to authenticated;

create view public.places_by_created_at_desc with (security_invoker = true) as
    select * from public.places order by created_at desc, id;
comment on view public.places_by_created_at_desc is 'The rows of places, ordered by created_at desc, id.';
revoke all on public.places_by_created_at_desc from anon, authenticated, service_role;
grant select on public.places_by_created_at_desc to authenticated;

create view public.places_by_created_at_desc_reversed with (security_invoker = true) as
    select * from public.places order by created_at, id desc;
comment on view public.places_by_created_at_desc_reversed is 'The same as places_by_created_at_desc, from its end.';
revoke all on public.places_by_created_at_desc_reversed from anon, authenticated, service_role;
grant select on public.places_by_created_at_desc_reversed to authenticated;

create function public.address_against(entry public.places) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(entry.address)
$$;
comment on function public.address_against(public.places) is 'How the column compares with each text that the request brings along.';
revoke execute on function public.address_against(public.places) from public, anon, authenticated, service_role;
grant execute on function public.address_against(public.places) to authenticated;

create function public.website_against(entry public.places) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(entry.website)
$$;
comment on function public.website_against(public.places) is 'How the column compares with each text that the request brings along.';
revoke execute on function public.website_against(public.places) from public, anon, authenticated, service_role;
grant execute on function public.website_against(public.places) to authenticated;

create function public.notes_against(entry public.places) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(entry.notes)
$$;
comment on function public.notes_against(public.places) is 'How the column compares with each text that the request brings along.';
revoke execute on function public.notes_against(public.places) from public, anon, authenticated, service_role;
grant execute on function public.notes_against(public.places) to authenticated;


-- trips ---------------------------------------------------------------------------------------------------------------

grant all on public.trips to service_role;

create trigger set_trips_updated_at before update on public.trips
    for each row execute function private.set_updated_at();

create trigger expect_trips_updates after update on public.trips
    referencing old table as touched for each statement execute function private.expect_rows();

create trigger expect_trips_deletes after delete on public.trips
    referencing old table as touched for each statement execute function private.expect_rows();

create function private.broadcast_trip() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    -- Whom it lets in only now is not told what it was before.
    perform private.broadcast_change(
        'trip', old.id::text, new.id::text, tg_argv[0], tg_argv[1:],
        tg_table_schema, tg_table_name, to_jsonb(new),
        case when old.user_id = new.user_id then to_jsonb(old) else jsonb_build_object('id', old.id, 'user_id', old.user_id) end
    );
    return null;
end
$$;
revoke execute on function private.broadcast_trip() from public;

create trigger broadcast_trips_changes after insert or update or delete on public.trips
    for each row execute function private.broadcast_trip('id');

create trigger broadcast_trips_ownership after insert or delete or update of user_id on public.trips
    for each row execute function private.broadcast_user_by_user_id('id');

create function public.trips_by_ids(ids uuid[]) returns setof public.trips language sql stable as $$
    select * from public.trips where id = any (ids)
$$;
comment on function public.trips_by_ids(uuid[]) is 'The rows of trips with these ids, of those that the caller may see.';
revoke execute on function public.trips_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.trips_by_ids(uuid[]) to authenticated;

create function public.whole_trips(public.trips) returns setof public.trips rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_trips(public.trips) is 'The row of trips itself.';
revoke execute on function public.whole_trips(public.trips) from public, anon, authenticated, service_role;
grant execute on function public.whole_trips(public.trips) to authenticated;

create view public.trips_by_created_at_desc with (security_invoker = true) as
    select * from public.trips order by created_at desc, id;
comment on view public.trips_by_created_at_desc is 'The rows of trips, ordered by created_at desc, id.';
revoke all on public.trips_by_created_at_desc from anon, authenticated, service_role;
grant select on public.trips_by_created_at_desc to authenticated;

create view public.trips_by_created_at_desc_reversed with (security_invoker = true) as
    select * from public.trips order by created_at, id desc;
comment on view public.trips_by_created_at_desc_reversed is 'The same as trips_by_created_at_desc, from its end.';
revoke all on public.trips_by_created_at_desc_reversed from anon, authenticated, service_role;
grant select on public.trips_by_created_at_desc_reversed to authenticated;

create view public.trips_by_start_date with (security_invoker = true) as
    select * from public.trips order by start_date, id;
comment on view public.trips_by_start_date is 'The rows of trips, ordered by start_date, id.';
revoke all on public.trips_by_start_date from anon, authenticated, service_role;
grant select on public.trips_by_start_date to authenticated;

create view public.trips_by_start_date_reversed with (security_invoker = true) as
    select * from public.trips order by start_date desc, id desc;
comment on view public.trips_by_start_date_reversed is 'The same as trips_by_start_date, from its end.';
revoke all on public.trips_by_start_date_reversed from anon, authenticated, service_role;
grant select on public.trips_by_start_date_reversed to authenticated;

create view public.trips_by_start_date_desc with (security_invoker = true) as
    select * from public.trips order by start_date desc, id;
comment on view public.trips_by_start_date_desc is 'The rows of trips, ordered by start_date desc, id.';
revoke all on public.trips_by_start_date_desc from anon, authenticated, service_role;
grant select on public.trips_by_start_date_desc to authenticated;

create view public.trips_by_start_date_desc_reversed with (security_invoker = true) as
    select * from public.trips order by start_date, id desc;
comment on view public.trips_by_start_date_desc_reversed is 'The same as trips_by_start_date_desc, from its end.';
revoke all on public.trips_by_start_date_desc_reversed from anon, authenticated, service_role;
grant select on public.trips_by_start_date_desc_reversed to authenticated;

create function public.description_against(entry public.trips) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(entry.description)
$$;
comment on function public.description_against(public.trips) is 'How the column compares with each text that the request brings along.';
revoke execute on function public.description_against(public.trips) from public, anon, authenticated, service_role;
grant execute on function public.description_against(public.trips) to authenticated;


-- trip_items ----------------------------------------------------------------------------------------------------------

grant all on public.trip_items to service_role;

create trigger set_trip_items_updated_at before update on public.trip_items
    for each row execute function private.set_updated_at();

create trigger expect_trip_items_updates after update on public.trip_items
    referencing old table as touched for each statement execute function private.expect_rows();

create trigger expect_trip_items_deletes after delete on public.trip_items
    referencing old table as touched for each statement execute function private.expect_rows();

create function private.broadcast_trip_by_trip_id() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    -- What goes with its trip is not told.
    if tg_op = 'DELETE'
        and not exists (select from public.trips where id = old.trip_id)
    then
        return null;
    end if;
    perform private.broadcast_change(
        'trip', old.trip_id::text, new.trip_id::text, tg_argv[0], tg_argv[1:],
        tg_table_schema, tg_table_name, to_jsonb(new), to_jsonb(old)
    );
    return null;
end
$$;
revoke execute on function private.broadcast_trip_by_trip_id() from public;

create trigger broadcast_trip_items_changes after insert or update or delete on public.trip_items
    for each row execute function private.broadcast_trip_by_trip_id('id');

create function public.trip_items_by_ids(ids uuid[]) returns setof public.trip_items language sql stable as $$
    select * from public.trip_items where id = any (ids)
$$;
comment on function public.trip_items_by_ids(uuid[]) is 'The rows of trip_items with these ids, of those that the caller may see.';
revoke execute on function public.trip_items_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.trip_items_by_ids(uuid[]) to authenticated;

create function public.whole_trip_items(public.trip_items) returns setof public.trip_items rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_trip_items(public.trip_items) is 'The row of trip_items itself.';
revoke execute on function public.whole_trip_items(public.trip_items) from public, anon, authenticated, service_role;
grant execute on function public.whole_trip_items(public.trip_items) to authenticated;

create view public.trip_items_by_day_number_order_index with (security_invoker = true) as
    select * from public.trip_items order by day_number, order_index, id;
comment on view public.trip_items_by_day_number_order_index is 'The rows of trip_items, ordered by day_number, order_index, id.';
revoke all on public.trip_items_by_day_number_order_index from anon, authenticated, service_role;
grant select on public.trip_items_by_day_number_order_index to authenticated;

create view public.trip_items_by_day_number_order_index_reversed with (security_invoker = true) as
    select * from public.trip_items order by day_number desc, order_index desc, id desc;
comment on view public.trip_items_by_day_number_order_index_reversed is 'The same as trip_items_by_day_number_order_index, from its end.';
revoke all on public.trip_items_by_day_number_order_index_reversed from anon, authenticated, service_role;
grant select on public.trip_items_by_day_number_order_index_reversed to authenticated;

create function public.notes_against(entry public.trip_items) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(entry.notes)
$$;
comment on function public.notes_against(public.trip_items) is 'How the column compares with each text that the request brings along.';
revoke execute on function public.notes_against(public.trip_items) from public, anon, authenticated, service_role;
grant execute on function public.notes_against(public.trip_items) to authenticated;


-- Rows that are seen elsewhere too ------------------------------------------------------------------------------------

create function private.tell_trip_of_places() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform private.broadcast(
        'trip:' || seen_in, 'UPDATE', tg_table_schema, tg_table_name, null,
        jsonb_build_object('id', new.id)
    ) from (
        select distinct trip_id from public.trip_items where place_id = new.id
    ) as seen (seen_in);
    return null;
end
$$;
revoke execute on function private.tell_trip_of_places() from public;

create trigger tell_trip_of_places after update on public.places
    for each row when (old is distinct from new) execute function private.tell_trip_of_places();


-- Topics --------------------------------------------------------------------------------------------------------------

create or replace function private.my_topics() returns setof text
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
        select 'user:' || auth.uid()
        union all
        select 'trip:' || key from private.my_trip_ids() as key;
end
$$;
