-- Written by `make schema` from gql/types and resolvers, for the tables of 003_advanced_tables.sql. Do not change it here.
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


-- saved_places --------------------------------------------------------------------------------------------------------

grant all on public.saved_places to service_role;

create trigger set_saved_places_updated_at before update on public.saved_places
    for each row execute function private.set_updated_at();

create trigger expect_saved_places_updates after update on public.saved_places
    referencing old table as touched for each statement execute function private.expect_rows();

create trigger expect_saved_places_deletes after delete on public.saved_places
    referencing old table as touched for each statement execute function private.expect_rows();

create trigger broadcast_saved_places_changes after insert or update or delete on public.saved_places
    for each row execute function private.broadcast_user_by_user_id('id');

create function public.saved_places_by_ids(ids uuid[]) returns setof public.saved_places language sql stable as $$
    select * from public.saved_places where id = any (ids)
$$;
comment on function public.saved_places_by_ids(uuid[]) is 'The rows of saved_places with these ids, of those that the caller may see.';
revoke execute on function public.saved_places_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.saved_places_by_ids(uuid[]) to authenticated;

create function public.whole_saved_places(public.saved_places) returns setof public.saved_places rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_saved_places(public.saved_places) is 'The row of saved_places itself.';
revoke execute on function public.whole_saved_places(public.saved_places) from public, anon, authenticated, service_role;
grant execute on function public.whole_saved_places(public.saved_places) to authenticated;

create function public.notes_against(entry public.saved_places) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(entry.notes)
$$;
comment on function public.notes_against(public.saved_places) is 'How the column compares with each text that the request brings along.';
revoke execute on function public.notes_against(public.saved_places) from public, anon, authenticated, service_role;
grant execute on function public.notes_against(public.saved_places) to authenticated;


-- collections ---------------------------------------------------------------------------------------------------------

grant all on public.collections to service_role;

create trigger set_collections_updated_at before update on public.collections
    for each row execute function private.set_updated_at();

create trigger expect_collections_updates after update on public.collections
    referencing old table as touched for each statement execute function private.expect_rows();

create trigger expect_collections_deletes after delete on public.collections
    referencing old table as touched for each statement execute function private.expect_rows();

create function private.broadcast_collection() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    -- Whom it lets in only now is not told what it was before.
    perform private.broadcast_change(
        'collection', old.id::text, new.id::text, tg_argv[0], tg_argv[1:],
        tg_table_schema, tg_table_name, to_jsonb(new),
        case when old.user_id = new.user_id then to_jsonb(old) else jsonb_build_object('id', old.id, 'user_id', old.user_id) end
    );
    return null;
end
$$;
revoke execute on function private.broadcast_collection() from public;

create trigger broadcast_collections_changes after insert or update or delete on public.collections
    for each row execute function private.broadcast_collection('id');

create trigger broadcast_collections_ownership after insert or delete or update of user_id on public.collections
    for each row execute function private.broadcast_user_by_user_id('id');

create function public.collections_by_ids(ids uuid[]) returns setof public.collections language sql stable as $$
    select * from public.collections where id = any (ids)
$$;
comment on function public.collections_by_ids(uuid[]) is 'The rows of collections with these ids, of those that the caller may see.';
revoke execute on function public.collections_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.collections_by_ids(uuid[]) to authenticated;

create function public.whole_collections(public.collections) returns setof public.collections rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_collections(public.collections) is 'The row of collections itself.';
revoke execute on function public.whole_collections(public.collections) from public, anon, authenticated, service_role;
grant execute on function public.whole_collections(public.collections) to authenticated;

create view public.collections_by_created_at_desc with (security_invoker = true) as
    select * from public.collections order by created_at desc, id;
comment on view public.collections_by_created_at_desc is 'The rows of collections, ordered by created_at desc, id.';
revoke all on public.collections_by_created_at_desc from anon, authenticated, service_role;
grant select on public.collections_by_created_at_desc to authenticated;

create view public.collections_by_created_at_desc_reversed with (security_invoker = true) as
    select * from public.collections order by created_at, id desc;
comment on view public.collections_by_created_at_desc_reversed is 'The same as collections_by_created_at_desc, from its end.';
revoke all on public.collections_by_created_at_desc_reversed from anon, authenticated, service_role;
grant select on public.collections_by_created_at_desc_reversed to authenticated;

create function public.description_against(entry public.collections) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(entry.description)
$$;
comment on function public.description_against(public.collections) is 'How the column compares with each text that the request brings along.';
revoke execute on function public.description_against(public.collections) from public, anon, authenticated, service_role;
grant execute on function public.description_against(public.collections) to authenticated;


-- collection_places ---------------------------------------------------------------------------------------------------

grant all on public.collection_places to service_role;

create trigger set_collection_places_updated_at before update on public.collection_places
    for each row execute function private.set_updated_at();

create trigger expect_collection_places_updates after update on public.collection_places
    referencing old table as touched for each statement execute function private.expect_rows();

create trigger expect_collection_places_deletes after delete on public.collection_places
    referencing old table as touched for each statement execute function private.expect_rows();

create function private.broadcast_collection_by_collection_id() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    -- What goes with its collection is not told.
    if tg_op = 'DELETE'
        and not exists (select from public.collections where id = old.collection_id)
    then
        return null;
    end if;
    perform private.broadcast_change(
        'collection', old.collection_id::text, new.collection_id::text, tg_argv[0], tg_argv[1:],
        tg_table_schema, tg_table_name, to_jsonb(new), to_jsonb(old)
    );
    return null;
end
$$;
revoke execute on function private.broadcast_collection_by_collection_id() from public;

create trigger broadcast_collection_places_changes after insert or update or delete on public.collection_places
    for each row execute function private.broadcast_collection_by_collection_id('id');

create function public.collection_places_by_ids(ids uuid[]) returns setof public.collection_places language sql stable as $$
    select * from public.collection_places where id = any (ids)
$$;
comment on function public.collection_places_by_ids(uuid[]) is 'The rows of collection_places with these ids, of those that the caller may see.';
revoke execute on function public.collection_places_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.collection_places_by_ids(uuid[]) to authenticated;

create function public.whole_collection_places(public.collection_places) returns setof public.collection_places rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_collection_places(public.collection_places) is 'The row of collection_places itself.';
revoke execute on function public.whole_collection_places(public.collection_places) from public, anon, authenticated, service_role;
grant execute on function public.whole_collection_places(public.collection_places) to authenticated;

create function public.notes_against(entry public.collection_places) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(entry.notes)
$$;
comment on function public.notes_against(public.collection_places) is 'How the column compares with each text that the request brings along.';
revoke execute on function public.notes_against(public.collection_places) from public, anon, authenticated, service_role;
grant execute on function public.notes_against(public.collection_places) to authenticated;


-- tags ----------------------------------------------------------------------------------------------------------------

grant all on public.tags to service_role;

create trigger set_tags_updated_at before update on public.tags
    for each row execute function private.set_updated_at();

create trigger expect_tags_updates after update on public.tags
    referencing old table as touched for each statement execute function private.expect_rows();

create trigger expect_tags_deletes after delete on public.tags
    referencing old table as touched for each statement execute function private.expect_rows();

create trigger broadcast_tags_changes after insert or update or delete on public.tags
    for each row execute function private.broadcast_user_by_user_id('id');

create function public.tags_by_ids(ids uuid[]) returns setof public.tags language sql stable as $$
    select * from public.tags where id = any (ids)
$$;
comment on function public.tags_by_ids(uuid[]) is 'The rows of tags with these ids, of those that the caller may see.';
revoke execute on function public.tags_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.tags_by_ids(uuid[]) to authenticated;

create function public.whole_tags(public.tags) returns setof public.tags rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_tags(public.tags) is 'The row of tags itself.';
revoke execute on function public.whole_tags(public.tags) from public, anon, authenticated, service_role;
grant execute on function public.whole_tags(public.tags) to authenticated;

create view public.tags_by_name with (security_invoker = true) as
    select * from public.tags order by name, id;
comment on view public.tags_by_name is 'The rows of tags, ordered by name, id.';
revoke all on public.tags_by_name from anon, authenticated, service_role;
grant select on public.tags_by_name to authenticated;

create view public.tags_by_name_reversed with (security_invoker = true) as
    select * from public.tags order by name desc, id desc;
comment on view public.tags_by_name_reversed is 'The same as tags_by_name, from its end.';
revoke all on public.tags_by_name_reversed from anon, authenticated, service_role;
grant select on public.tags_by_name_reversed to authenticated;


-- place_tags ----------------------------------------------------------------------------------------------------------

grant all on public.place_tags to service_role;

create trigger set_place_tags_updated_at before update on public.place_tags
    for each row execute function private.set_updated_at();

create trigger expect_place_tags_deletes after delete on public.place_tags
    referencing old table as touched for each statement execute function private.expect_rows();

create trigger broadcast_place_tags_changes after insert or update or delete on public.place_tags
    for each row execute function private.broadcast_user_by_user_id('id');

create function public.place_tags_by_ids(ids uuid[]) returns setof public.place_tags language sql stable as $$
    select * from public.place_tags where id = any (ids)
$$;
comment on function public.place_tags_by_ids(uuid[]) is 'The rows of place_tags with these ids, of those that the caller may see.';
revoke execute on function public.place_tags_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.place_tags_by_ids(uuid[]) to authenticated;

create function public.whole_place_tags(public.place_tags) returns setof public.place_tags rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_place_tags(public.place_tags) is 'The row of place_tags itself.';
revoke execute on function public.whole_place_tags(public.place_tags) from public, anon, authenticated, service_role;
grant execute on function public.whole_place_tags(public.place_tags) to authenticated;


-- collaborators -------------------------------------------------------------------------------------------------------

grant all on public.collaborators to service_role;

create trigger set_collaborators_updated_at before update on public.collaborators
    for each row execute function private.set_updated_at();

create trigger expect_collaborators_updates after update on public.collaborators
    referencing old table as touched for each statement execute function private.expect_rows();

create trigger expect_collaborators_deletes after delete on public.collaborators
    referencing old table as touched for each statement execute function private.expect_rows();

create function private.broadcast_trip_of_collaborators() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    -- What goes with its trip is not told.
    if tg_op = 'DELETE'
        and not exists (select from public.trips where id = old.trip_id)
    then
        return null;
    end if;
    -- Whom it lets in only now is not told what it was before.
    perform private.broadcast_change(
        'trip', old.trip_id::text, new.trip_id::text, tg_argv[0], tg_argv[1:],
        tg_table_schema, tg_table_name, to_jsonb(new),
        case when old.user_id = new.user_id then to_jsonb(old) else jsonb_build_object('id', old.id, 'user_id', old.user_id) end
    );
    return null;
end
$$;
revoke execute on function private.broadcast_trip_of_collaborators() from public;

create trigger broadcast_collaborators_changes after insert or update or delete on public.collaborators
    for each row execute function private.broadcast_trip_of_collaborators('id');

create trigger broadcast_collaborators_membership after insert or update or delete on public.collaborators
    for each row execute function private.broadcast_user_by_user_id('id,trip_id');

create function public.collaborators_by_ids(ids uuid[]) returns setof public.collaborators language sql stable as $$
    select * from public.collaborators where id = any (ids)
$$;
comment on function public.collaborators_by_ids(uuid[]) is 'The rows of collaborators with these ids, of those that the caller may see.';
revoke execute on function public.collaborators_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.collaborators_by_ids(uuid[]) to authenticated;

create function public.whole_collaborators(public.collaborators) returns setof public.collaborators rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_collaborators(public.collaborators) is 'The row of collaborators itself.';
revoke execute on function public.whole_collaborators(public.collaborators) from public, anon, authenticated, service_role;
grant execute on function public.whole_collaborators(public.collaborators) to authenticated;


-- collection_members --------------------------------------------------------------------------------------------------

grant all on public.collection_members to service_role;

create trigger set_collection_members_updated_at before update on public.collection_members
    for each row execute function private.set_updated_at();

create trigger expect_collection_members_updates after update on public.collection_members
    referencing old table as touched for each statement execute function private.expect_rows();

create trigger expect_collection_members_deletes after delete on public.collection_members
    referencing old table as touched for each statement execute function private.expect_rows();

create function private.broadcast_collection_of_collection_members() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    -- What goes with its collection is not told.
    if tg_op = 'DELETE'
        and not exists (select from public.collections where id = old.collection_id)
    then
        return null;
    end if;
    -- Whom it lets in only now is not told what it was before.
    perform private.broadcast_change(
        'collection', old.collection_id::text, new.collection_id::text, tg_argv[0], tg_argv[1:],
        tg_table_schema, tg_table_name, to_jsonb(new),
        case when old.user_id = new.user_id then to_jsonb(old) else jsonb_build_object('id', old.id, 'user_id', old.user_id) end
    );
    return null;
end
$$;
revoke execute on function private.broadcast_collection_of_collection_members() from public;

create trigger broadcast_collection_members_changes after insert or update or delete on public.collection_members
    for each row execute function private.broadcast_collection_of_collection_members('id');

create trigger broadcast_collection_members_membership after insert or update or delete on public.collection_members
    for each row execute function private.broadcast_user_by_user_id('id,collection_id');

create function public.collection_members_by_ids(ids uuid[]) returns setof public.collection_members language sql stable as $$
    select * from public.collection_members where id = any (ids)
$$;
comment on function public.collection_members_by_ids(uuid[]) is 'The rows of collection_members with these ids, of those that the caller may see.';
revoke execute on function public.collection_members_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.collection_members_by_ids(uuid[]) to authenticated;

create function public.whole_collection_members(public.collection_members) returns setof public.collection_members rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_collection_members(public.collection_members) is 'The row of collection_members itself.';
revoke execute on function public.whole_collection_members(public.collection_members) from public, anon, authenticated, service_role;
grant execute on function public.whole_collection_members(public.collection_members) to authenticated;


-- invitations ---------------------------------------------------------------------------------------------------------

-- All but reading what nobody may read.
grant select (id, trip_id, email, role, status, invited_by, expires_at, accepted_at, created_at, updated_at) on public.invitations to service_role;
grant insert, update, delete, truncate, references, trigger on public.invitations to service_role;

create trigger set_invitations_updated_at before update on public.invitations
    for each row execute function private.set_updated_at();

create function private.broadcast_user_of_invitations() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    -- What goes with what it belongs to is not told: nothing is left that knows where.
    perform private.broadcast_change(
        'user', (select user_id from public.trips where id = old.trip_id)::text, (select user_id from public.trips where id = new.trip_id)::text, tg_argv[0], tg_argv[1:],
        tg_table_schema, tg_table_name, to_jsonb(new), to_jsonb(old)
    );
    return null;
end
$$;
revoke execute on function private.broadcast_user_of_invitations() from public;

create trigger broadcast_invitations_changes after insert or update or delete on public.invitations
    for each row execute function private.broadcast_user_of_invitations('id', 'id', 'trip_id', 'email', 'role', 'status', 'invited_by', 'expires_at', 'accepted_at', 'created_at', 'updated_at');


-- votes ---------------------------------------------------------------------------------------------------------------

grant all on public.votes to service_role;

create trigger set_votes_updated_at before update on public.votes
    for each row execute function private.set_updated_at();

create trigger expect_votes_updates after update on public.votes
    referencing old table as touched for each statement execute function private.expect_rows();

create trigger expect_votes_deletes after delete on public.votes
    referencing old table as touched for each statement execute function private.expect_rows();

create trigger broadcast_votes_changes after insert or update or delete on public.votes
    for each row execute function private.broadcast_trip_by_trip_id('id');

create function public.votes_by_ids(ids uuid[]) returns setof public.votes language sql stable as $$
    select * from public.votes where id = any (ids)
$$;
comment on function public.votes_by_ids(uuid[]) is 'The rows of votes with these ids, of those that the caller may see.';
revoke execute on function public.votes_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.votes_by_ids(uuid[]) to authenticated;

create function public.whole_votes(public.votes) returns setof public.votes rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_votes(public.votes) is 'The row of votes itself.';
revoke execute on function public.whole_votes(public.votes) from public, anon, authenticated, service_role;
grant execute on function public.whole_votes(public.votes) to authenticated;

create function public.comment_against(entry public.votes) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(entry.comment)
$$;
comment on function public.comment_against(public.votes) is 'How the column compares with each text that the request brings along.';
revoke execute on function public.comment_against(public.votes) from public, anon, authenticated, service_role;
grant execute on function public.comment_against(public.votes) to authenticated;


-- trip_preferences ----------------------------------------------------------------------------------------------------

grant all on public.trip_preferences to service_role;

create trigger set_trip_preferences_updated_at before update on public.trip_preferences
    for each row execute function private.set_updated_at();

create trigger broadcast_trip_preferences_changes after insert or update or delete on public.trip_preferences
    for each row execute function private.broadcast_trip_by_trip_id('id');

create function public.trip_preferences_by_ids(ids uuid[]) returns setof public.trip_preferences language sql stable as $$
    select * from public.trip_preferences where id = any (ids)
$$;
comment on function public.trip_preferences_by_ids(uuid[]) is 'The rows of trip_preferences with these ids, of those that the caller may see.';
revoke execute on function public.trip_preferences_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.trip_preferences_by_ids(uuid[]) to authenticated;

create function public.whole_trip_preferences(public.trip_preferences) returns setof public.trip_preferences rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_trip_preferences(public.trip_preferences) is 'The row of trip_preferences itself.';
revoke execute on function public.whole_trip_preferences(public.trip_preferences) from public, anon, authenticated, service_role;
grant execute on function public.whole_trip_preferences(public.trip_preferences) to authenticated;


-- Rows that are seen elsewhere too ------------------------------------------------------------------------------------

create function private.tell_trip_of_profiles() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform private.broadcast(
        'trip:' || seen_in, 'UPDATE', tg_table_schema, tg_table_name, null,
        jsonb_build_object('id', new.id)
    ) from (
        select distinct id from public.trips where user_id = new.id
        union
        select distinct trip_id from public.collaborators where user_id = new.id
    ) as seen (seen_in);
    return null;
end
$$;
revoke execute on function private.tell_trip_of_profiles() from public;

create trigger tell_trip_of_profiles after update on public.profiles
    for each row when (old is distinct from new) execute function private.tell_trip_of_profiles();

create function private.tell_collection_of_profiles() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform private.broadcast(
        'collection:' || seen_in, 'UPDATE', tg_table_schema, tg_table_name, null,
        jsonb_build_object('id', new.id)
    ) from (
        select distinct id from public.collections where user_id = new.id
        union
        select distinct collection_id from public.collection_members where user_id = new.id
    ) as seen (seen_in);
    return null;
end
$$;
revoke execute on function private.tell_collection_of_profiles() from public;

create trigger tell_collection_of_profiles after update on public.profiles
    for each row when (old is distinct from new) execute function private.tell_collection_of_profiles();

create function private.tell_collection_of_places() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform private.broadcast(
        'collection:' || seen_in, 'UPDATE', tg_table_schema, tg_table_name, null,
        jsonb_build_object('id', new.id)
    ) from (
        select distinct collection_id from public.collection_places where place_id = new.id
    ) as seen (seen_in);
    return null;
end
$$;
revoke execute on function private.tell_collection_of_places() from public;

create trigger tell_collection_of_places after update on public.places
    for each row when (old is distinct from new) execute function private.tell_collection_of_places();


-- Topics --------------------------------------------------------------------------------------------------------------

create or replace function private.my_topics() returns setof text
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
        select 'user:' || auth.uid()
        union all
        select 'trip:' || key from private.my_trip_ids() as key
        union all
        select 'collection:' || key from private.my_collection_ids() as key;
end
$$;
