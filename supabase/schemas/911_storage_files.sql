-- Objects of Storage with what they belong to, what is told of them, what they take, and what becomes of them.


-- Rows of what they belong to -------------------------------------------------------------------------------------------

-- Computed relationships, as Storage's tables refer to none of ours: plain SQL without a setting, so that Postgres puts the
-- view in their place. A folder's objects are a range of names, which Storage's own index over `name collate "C"` finds; 0
-- is what follows the slash. The bounds are made apart: as part of the comparison they would be something that might tell of
-- rows (they are not leakproof), and so be compared after policies have looked at each object of the bucket.
create function public.images(public.trips) returns setof public.stored_files language sql stable as $$
    select files.*
    from (select $1.id::text || '/' as first, $1.id::text || '0' as behind offset 0) as names
    join public.stored_files as files on files.bucket = 'trip-images'
        and files.path collate "C" >= names.first and files.path collate "C" < names.behind
$$;
comment on function public.images(public.trips) is 'The pictures of a trip.';
revoke execute on function public.images(public.trips) from public, anon, authenticated, service_role;
grant execute on function public.images(public.trips) to authenticated, service_role;

create function public.photos(public.saved_places) returns setof public.stored_files language sql stable as $$
    select files.*
    from (select $1.id::text || '/' as first, $1.id::text || '0' as behind offset 0) as names
    join public.stored_files as files on files.bucket = 'place-photos'
        and files.path collate "C" >= names.first and files.path collate "C" < names.behind
$$;
comment on function public.photos(public.saved_places) is 'The pictures of a saved place.';
revoke execute on function public.photos(public.saved_places) from public, anon, authenticated, service_role;
grant execute on function public.photos(public.saved_places) to authenticated, service_role;

-- Whose photos an entry of a collection shows: those of who put the place there. Nobody sees what others have saved, so
-- this looks it up for them; policies on objects decide what of its folder they see.
create function private.saved_place_of_entry(place uuid, keeper uuid) returns uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return (select saved.id from public.saved_places as saved where saved.place_id = place and saved.user_id = keeper);
end
$$;
comment on function private.saved_place_of_entry(uuid, uuid) is 'What somebody has saved of a place; null where they have not.';
revoke execute on function private.saved_place_of_entry(uuid, uuid) from public;
grant execute on function private.saved_place_of_entry(uuid, uuid) to authenticated;

-- Read once, when it is made: who calls it may run the helper, but not look into its schema for it.
create function public.place_photos(public.collection_places) returns setof public.stored_files language sql stable
begin atomic
    select files.*
    from (
        select saved.id::text || '/' as first, saved.id::text || '0' as behind
        from (select private.saved_place_of_entry(($1).place_id, ($1).user_id) as id) as saved
        offset 0
    ) as names
    join public.stored_files as files on files.bucket = 'place-photos'
        and files.path collate "C" >= names.first and files.path collate "C" < names.behind;
end;
comment on function public.place_photos(public.collection_places) is 'The pictures of a place in a collection, of who put it there.';
revoke execute on function public.place_photos(public.collection_places) from public, anon, authenticated, service_role;
grant execute on function public.place_photos(public.collection_places) to authenticated, service_role;

create function public.uploader(public.stored_files) returns setof public.profiles rows 1 language sql stable as $$
    select * from public.profiles where id = $1.uploader_id
$$;
comment on function public.uploader(public.stored_files) is 'Who uploaded a picture.';
revoke execute on function public.uploader(public.stored_files) from public, anon, authenticated, service_role;
grant execute on function public.uploader(public.stored_files) to authenticated, service_role;


-- What an object belongs to -------------------------------------------------------------------------------------------------

create function private.person_of_object(object storage.objects) returns uuid
language sql immutable set search_path = '' as $$
    select case
        when (object).owner_id ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
            then (object).owner_id::uuid
    end
$$;
revoke execute on function private.person_of_object(storage.objects) from public;

create function private.folder_of_object(object storage.objects) returns uuid
language sql immutable set search_path = '' as $$
    select case
        when (object).name ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/'
            then split_part((object).name, '/', 1)::uuid
    end
$$;
revoke execute on function private.folder_of_object(storage.objects) from public;

create function private.size_of_object(object storage.objects) returns numeric
language sql immutable set search_path = '' as $$
    select case jsonb_typeof((object).metadata -> 'size')
        when 'number' then greatest(trunc(((object).metadata ->> 'size')::numeric), 0)
        else 0
    end
$$;
revoke execute on function private.size_of_object(storage.objects) from public;

create function private.trip_of_object(object storage.objects) returns uuid
language sql immutable set search_path = '' as $$
    select case when (object).bucket_id = 'trip-images' then private.folder_of_object(object) end
$$;
revoke execute on function private.trip_of_object(storage.objects) from public;


-- What is told ------------------------------------------------------------------------------------------------------------

-- As rows of the view, since that is what people read.
create function private.stored_file(object storage.objects) returns jsonb
language sql stable set search_path = '' as $$
    select case when (object).id is not null then jsonb_build_object(
        'id', (object).id, 'bucket', (object).bucket_id, 'path', (object).name,
        'content_type', (object).metadata ->> 'mimetype', 'size', private.size_of_object(object),
        'uploader_id', private.person_of_object(object), 'trip_id', private.trip_of_object(object),
        'created_at', (object).created_at, 'updated_at', (object).updated_at
    ) end
$$;
revoke execute on function private.stored_file(storage.objects) from public;

create function private.broadcast_stored_file() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform private.broadcast_change(
        'trip', private.trip_of_object(old)::text, private.trip_of_object(new)::text, 'id', '{}',
        'public', 'stored_files', private.stored_file(new), private.stored_file(old)
    );
    return null;
end
$$;
revoke execute on function private.broadcast_stored_file() from public;

-- Storage writes down when something was last looked at.
create trigger broadcast_stored_files_changes after insert or delete or update of name, bucket_id, metadata, version, owner_id
    on storage.objects for each row execute function private.broadcast_stored_file();


-- What they take ----------------------------------------------------------------------------------------------------------

-- Bytes count for whoever uploaded them, as long as they are there. In the order of the people, as whoever takes two.
-- Who has stored what their plan includes adds nothing, also where no policy is asked: a ticket was given while there was
-- room, and of many uploads at once each was let in before the others were there. Those wait here for each other.
create function private.count_stored_bytes() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    moved record;
    opened uuid;
    had_room boolean;
begin
    for moved in
        select change.person, sum(change.bytes) as bytes
        from (
            values
                (private.person_of_object(old), -private.size_of_object(old)),
                (private.person_of_object(new), private.size_of_object(new))
        ) as change (person, bytes)
        where change.person is not null
        group by change.person
        having sum(change.bytes) <> 0
        order by change.person
    loop
        -- Whoever is gone has no limits; what they stored is on its way out.
        perform from public.profiles where profiles.id = moved.person for no key update;
        continue when not found;
        opened := private.open_limits(moved.person, 'storage_bytes');
        update public.usage_limits as known set used_amount = greatest(known.used_amount + moved.bytes, 0)
        where known.id = opened
        returning known.used_amount - moved.bytes < known.limit_amount into had_room;
        if moved.bytes > 0 and had_room is not true then
            raise insufficient_privilege using message = 'What the plan includes of stored bytes is used up.';
        end if;
    end loop;
    return null;
end
$$;
revoke execute on function private.count_stored_bytes() from public;

create trigger count_stored_bytes after insert or delete or update of metadata, owner_id on storage.objects
    for each row execute function private.count_stored_bytes();

-- As it is, for objects that were there before the trigger, and where the two differ for whatever reason. No upload ends
-- meanwhile.
create function private.recount_stored_bytes() returns integer
language plpgsql security definer set search_path = '' as $$
declare
    counted record;
    opened uuid;
    mended integer := 0;
begin
    lock table storage.objects in share row exclusive mode;
    for counted in
        select person, coalesce(there.bytes, 0) as bytes
        from (
            select private.person_of_object(objects) as person, sum(private.size_of_object(objects)) as bytes
            from storage.objects group by 1
        ) as there
        full join (
            select known.user_id as person, sum(known.used_amount) as bytes
            from public.usage_limits as known where known.metric = 'storage_bytes' group by 1
        ) as known using (person)
        where person is not null and coalesce(there.bytes, 0) <> coalesce(known.bytes, 0)
        order by person
    loop
        perform from public.profiles where profiles.id = counted.person for no key update;
        continue when not found;
        opened := private.open_limits(counted.person, 'storage_bytes');
        update public.usage_limits as known set used_amount = counted.bytes where known.id = opened;
        mended := mended + 1;
    end loop;
    return mended;
end
$$;
comment on function private.recount_stored_bytes() is 'Counts all bytes in Storage anew; returns for how many people something else was counted.';
revoke execute on function private.recount_stored_bytes() from public;


-- What becomes of them ----------------------------------------------------------------------------------------------------

-- Tasks `remove_objects`, some 32 KiB each, which the function clean-storage does: SQL must not delete objects, as their
-- bytes would stay.
create function private.remove_folder(bucket text, folder uuid) returns void
language plpgsql security definer set search_path = '' as $$
begin
    perform private.enqueue(
        'remove_objects', bucket || ':' || folder, jsonb_build_object('rows', jsonb_agg(batched.part))
    ) from (
        select part, sum(octet_length(part::text) + 2) over (rows unbounded preceding) / 32768 as batch
        from (
            select jsonb_build_object('bucket_id', objects.bucket_id, 'name', objects.name) as part from storage.objects
            where objects.bucket_id = bucket
                and objects.name collate "C" >= folder::text || '/' and objects.name collate "C" < folder::text || '0'
        ) as parts
    ) as batched
    group by batched.batch;
end
$$;
comment on function private.remove_folder(text, uuid) is 'Has all objects removed that belong to something that is gone.';
revoke execute on function private.remove_folder(text, uuid) from public;

create function private.remove_objects_of() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform private.remove_folder(tg_argv[0], old.id);
    return null;
end
$$;
revoke execute on function private.remove_objects_of() from public;

create trigger remove_trip_images after delete on public.trips
    for each row execute function private.remove_objects_of('trip-images');
create trigger remove_place_photos after delete on public.saved_places
    for each row execute function private.remove_objects_of('place-photos');
create trigger remove_user_avatars after delete on public.profiles
    for each row execute function private.remove_objects_of('user-avatars');

-- A ticket is good for two hours. What is uploaded with it, or copied there, after its trip, place or person has gone, goes too.
create function private.remove_late_object() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    folder constant uuid := private.folder_of_object(new);
    belongs boolean;
begin
    -- Held, so that whoever deletes what it belongs to waits, and finds it.
    case new.bucket_id
        when 'trip-images' then
            perform from public.trips where trips.id = folder for key share;
        when 'place-photos' then
            perform from public.saved_places where saved_places.id = folder for key share;
        when 'user-avatars' then
            perform from public.profiles where profiles.id = folder for key share;
        else
            return null;
    end case;
    belongs := found;
    if belongs then
        perform from public.profiles where profiles.id = private.person_of_object(new) for key share;
        belongs := found or private.person_of_object(new) is null;
    end if;
    if not belongs then
        perform private.enqueue(
            'remove_objects', new.bucket_id || ':' || coalesce(folder::text, ''),
            jsonb_build_object('rows', jsonb_build_array(jsonb_build_object('bucket_id', new.bucket_id, 'name', new.name)))
        );
    end if;
    return null;
end
$$;
revoke execute on function private.remove_late_object() from public;

create trigger remove_late_objects after insert or update of name, bucket_id, owner_id on storage.objects
    for each row execute function private.remove_late_object();


-- Tickets and deletion -------------------------------------------------------------------------------------------------------

-- Where a picture may go, before Storage is asked to let it in there: the ticket is signed under the caller's own token, so
-- policies decide again. This says why not, in words.
create function public.offer_upload(bucket text, folder uuid, content_type text, size bigint) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
    me constant uuid := auth.uid();
    wanted constant text := lower(btrim(offer_upload.content_type));
    extension constant text := case wanted
        when 'image/jpeg' then 'jpg' when 'image/png' then 'png' when 'image/webp' then 'webp' when 'image/avif' then 'avif'
    end;
    known storage.buckets;
    limits record;
begin
    select * into known from storage.buckets where buckets.id = offer_upload.bucket;
    if not found or offer_upload.bucket not in ('trip-images', 'place-photos', 'user-avatars') then
        perform private.refuse('NOT_FOUND', 'There is no such bucket.', '{"field": "bucket"}');
    end if;
    if extension is null or wanted <> all (known.allowed_mime_types) then
        perform private.refuse(
            'BAD_USER_INPUT', 'A picture is of the type image/jpeg, image/png, image/webp or image/avif.',
            '{"field": "input.contentType"}'
        );
    end if;
    if offer_upload.size is null or offer_upload.size not between 1 and known.file_size_limit then
        perform private.refuse(
            'BAD_USER_INPUT', format('A picture here has 1 to %s bytes.', known.file_size_limit), '{"field": "input.size"}'
        );
    end if;
    if offer_upload.bucket = 'trip-images' then
        if offer_upload.folder <> all (array(select private.my_trip_ids())) then
            perform private.refuse('NOT_FOUND', 'There is no such trip, or you may not see it.', '{"field": "tripId"}');
        elsif offer_upload.folder <> all (array(select private.my_editable_trip_ids())) then
            perform private.refuse('FORBIDDEN', 'Only who may change the trip adds pictures to it.');
        end if;
    elsif offer_upload.bucket = 'place-photos' then
        if offer_upload.folder = any (array(select private.my_shown_saved_place_ids())) then
            perform private.refuse('FORBIDDEN', 'Only who saved the place adds pictures to it.');
        elsif offer_upload.folder <> all (array(select private.my_own_saved_place_ids())) then
            perform private.refuse(
                'NOT_FOUND', 'There is no such saved place, or you may not see it.', '{"field": "savedPlaceId"}'
            );
        end if;
    elsif offer_upload.folder is distinct from me then
        perform private.refuse('FORBIDDEN', 'That is somebody else''s folder.');
    end if;
    select known_limits.limit_amount, coalesce(sum(used.used_amount), 0) as used_amount,
        coalesce(sum(used.reserved_amount), 0) as reserved_amount
    into limits
    from private.limits_of(me) as known_limits
    left join public.usage_limits as used on used.user_id = me and used.metric = 'storage_bytes'
    where known_limits.metric = 'storage_bytes'
    group by known_limits.limit_amount;
    if limits.used_amount + limits.reserved_amount + offer_upload.size > limits.limit_amount then
        perform private.refuse(
            'USAGE_LIMIT_EXCEEDED', 'What your plan includes of this is used up.',
            jsonb_build_object(
                'metric', 'STORAGE_BYTES', 'limit', trim_scale(limits.limit_amount)::text,
                'used', trim_scale(limits.used_amount)::text, 'reserved', trim_scale(limits.reserved_amount)::text,
                'resetsAt', null
            )
        );
    end if;
    return jsonb_build_object(
        'bucket', offer_upload.bucket, 'path', offer_upload.folder || '/' || gen_random_uuid() || '.' || extension
    );
end
$$;
comment on function public.offer_upload(text, uuid, text, bigint) is 'A path for a picture of this type and size that the caller may upload to the folder of a trip, a saved place or themselves. Refused with BAD_USER_INPUT, NOT_FOUND, FORBIDDEN or USAGE_LIMIT_EXCEEDED.';
revoke execute on function public.offer_upload(text, uuid, text, bigint) from public, anon, authenticated, service_role;
grant execute on function public.offer_upload(text, uuid, text, bigint) to authenticated;

-- All of them or none: what Storage is asked to delete, it deletes as far as policies let it, and says of the rest nothing.
create function public.files_to_delete(ids text) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
    me constant text := auth.uid();
    wanted constant uuid[] := string_to_array(files_to_delete.ids, ',');
    trips constant text[] := array(select private.my_trip_ids()::text);
    own_trips constant text[] := array(select private.my_own_trip_ids()::text);
    own_places constant text[] := array(select private.my_own_saved_place_ids()::text);
    shown_places constant text[] := array(select private.my_shown_saved_place_ids()::text);
    found record;
begin
    -- As the policies on objects say it, which decide again.
    select
        count(distinct objects.id) filter (where case objects.bucket_id
            when 'trip-images' then files.folder = any (trips)
            when 'place-photos' then files.folder = any (own_places) or files.folder = any (shown_places)
            when 'user-avatars' then files.folder = me
        end) as seen,
        bool_and(coalesce(case objects.bucket_id
            when 'trip-images'
                then files.folder = any (own_trips) or (objects.owner_id = me and files.folder = any (trips))
            when 'place-photos' then files.folder = any (own_places)
            when 'user-avatars' then files.folder = me
        end, false)) as theirs,
        jsonb_agg(jsonb_build_object('id', objects.id, 'bucket', objects.bucket_id, 'path', objects.name)) as files
    into found
    from storage.objects, lateral (select split_part(objects.name, '/', 1)) as files (folder)
    where objects.id = any (wanted);
    if found.seen <> (select count(distinct each) from unnest(wanted) as each) then
        perform private.refuse('NOT_FOUND', 'There is no such picture, or you may not see it.', '{"field": "ids"}');
    elsif not found.theirs then
        perform private.refuse('FORBIDDEN', 'Only who uploaded a picture, or owns what it belongs to, deletes it.');
    end if;
    return jsonb_build_object('files', coalesce(found.files, '[]'));
end
$$;
comment on function public.files_to_delete(text) is 'Where pictures lie that the caller may delete, by their ids with commas between them: the id, bucket and path of each. Refused with NOT_FOUND or FORBIDDEN where one is not there or not theirs to delete.';
revoke execute on function public.files_to_delete(text) from public, anon, authenticated, service_role;
grant execute on function public.files_to_delete(text) to authenticated;
