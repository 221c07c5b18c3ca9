-- Stage 5: pictures of trips, saved places and people, as objects in three buckets of Storage. The buckets are part of the
-- program (supabase/program/011_storage.sql); who may do what with an object is said here.
--
-- An object is called `<folder>/<uuid>.<extension>`, where the folder is the id of what it is a picture of. Folders are
-- compared as text, since a name that is none of ours must at worst be nobody's, where a cast would raise. What is asked of
-- each object is built in and immutable, and what is asked of the caller is computed once a query: docs/storage.md.
--
-- Storage asks policies by writing a row under the caller's role and claims and taking it back; what it then writes, it
-- writes as its own role. The platform allows neither functions nor indexes of ours in `storage`, but policies and triggers.


-- Whose folders -----------------------------------------------------------------------------------------------------------

create function private.my_own_saved_place_ids() returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
        select saved_places.id from public.saved_places where saved_places.user_id = (select auth.uid()) order by 1;
end
$$;
comment on function private.my_own_saved_place_ids() is 'What the caller has saved.';
revoke execute on function private.my_own_saved_place_ids() from public;
grant execute on function private.my_own_saved_place_ids() to authenticated;

-- A collection shows a place where the place's own keeper has put it in (`private.my_collection_place_ids`), and then what
-- its keeper has kept of it.
create function private.my_shown_saved_place_ids() returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
        select distinct saved.id from public.collection_places as entries
        join public.places on places.id = entries.place_id and places.user_id = entries.user_id
        join public.saved_places as saved on saved.place_id = entries.place_id and saved.user_id = entries.user_id
        where entries.collection_id = any (array(select private.my_collection_ids()))
            and entries.user_id <> (select auth.uid())
        order by 1;
end
$$;
comment on function private.my_shown_saved_place_ids() is 'What others have saved of places that collections show to the caller.';
revoke execute on function private.my_shown_saved_place_ids() from public;
grant execute on function private.my_shown_saved_place_ids() to authenticated;


-- Room ----------------------------------------------------------------------------------------------------------------------

-- What is really there, and not what somebody said would be: who went over what their plan includes adds nothing more.
create function private.has_room_for_files() returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
    return exists (
        select from private.limits_of(auth.uid()) as limits
        where limits.metric = 'storage_bytes' and limits.limit_amount > coalesce((
            select sum(known.used_amount) from public.usage_limits as known
            where known.user_id = auth.uid() and known.metric = 'storage_bytes'
        ), 0)
    );
end
$$;
comment on function private.has_room_for_files() is 'Whether the caller''s plan includes more bytes than they have stored.';
revoke execute on function private.has_room_for_files() from public;
grant execute on function private.has_room_for_files() to authenticated;


-- Who may do what ---------------------------------------------------------------------------------------------------------

-- Of a bucket that is public Storage serves whoever knows a path, without asking; what this shows is for lists and writes.
create policy "People can view pictures where they take part, and their own" on storage.objects
    for select to authenticated
    using (
        (bucket_id = 'trip-images' and split_part(name, '/', 1) = any (array(select private.my_trip_ids()::text)))
        or (
            bucket_id = 'place-photos'
            and split_part(name, '/', 1) = any (array(
                select private.my_own_saved_place_ids()::text union all select private.my_shown_saved_place_ids()::text
            ))
        )
        or (bucket_id = 'user-avatars' and split_part(name, '/', 1) = (select auth.uid())::text)
    );

create policy "People can add pictures to what they may change while they have room" on storage.objects
    for insert to authenticated
    with check (
        owner_id = (select auth.uid())::text
        and (
            (bucket_id = 'trip-images' and split_part(name, '/', 1) = any (array(select private.my_editable_trip_ids()::text)))
            or (
                bucket_id = 'place-photos'
                and split_part(name, '/', 1) = any (array(select private.my_own_saved_place_ids()::text))
            )
            or (bucket_id = 'user-avatars' and split_part(name, '/', 1) = (select auth.uid())::text)
        )
        and name ~ '^[^/]{36}/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\.(jpg|jpeg|png|webp|avif)$'
        and (select private.has_room_for_files())
    );

-- To write over a picture, or to move it, is to take it away from where it was.
create policy "People can replace and move their pictures, and owners all of a trip" on storage.objects
    for update to authenticated
    using (
        (
            bucket_id = 'trip-images'
            and (
                split_part(name, '/', 1) = any (array(select private.my_own_trip_ids()::text))
                or (
                    owner_id = (select auth.uid())::text
                    and split_part(name, '/', 1) = any (array(select private.my_editable_trip_ids()::text))
                )
            )
        )
        or (
            bucket_id = 'place-photos'
            and split_part(name, '/', 1) = any (array(select private.my_own_saved_place_ids()::text))
        )
        or (bucket_id = 'user-avatars' and split_part(name, '/', 1) = (select auth.uid())::text)
    )
    with check (
        owner_id = (select auth.uid())::text
        and (
            (bucket_id = 'trip-images' and split_part(name, '/', 1) = any (array(select private.my_editable_trip_ids()::text)))
            or (
                bucket_id = 'place-photos'
                and split_part(name, '/', 1) = any (array(select private.my_own_saved_place_ids()::text))
            )
            or (bucket_id = 'user-avatars' and split_part(name, '/', 1) = (select auth.uid())::text)
        )
        and name ~ '^[^/]{36}/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\.(jpg|jpeg|png|webp|avif)$'
        and (select private.has_room_for_files())
    );

-- Who took a picture may take it back for as long as they are on the trip, though they may not change it any more.
create policy "People can delete their pictures, and owners all of a trip" on storage.objects
    for delete to authenticated
    using (
        (
            bucket_id = 'trip-images'
            and (
                split_part(name, '/', 1) = any (array(select private.my_own_trip_ids()::text))
                or (
                    owner_id = (select auth.uid())::text
                    and split_part(name, '/', 1) = any (array(select private.my_trip_ids()::text))
                )
            )
        )
        or (
            bucket_id = 'place-photos'
            and split_part(name, '/', 1) = any (array(select private.my_own_saved_place_ids()::text))
        )
        or (bucket_id = 'user-avatars' and split_part(name, '/', 1) = (select auth.uid())::text)
    );
