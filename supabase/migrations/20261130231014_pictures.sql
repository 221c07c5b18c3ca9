SET local check_function_bodies = off;

-- A path in no bucket of the project's was a picture of nothing: only those in the person's own folder stay.
update public.profiles set avatar_path = null
where not (
    starts_with(avatar_path, id::text || '/') and avatar_path !~ '(^|/)\.{0,2}(/|$)|[[:cntrl:]]'
);

ALTER TABLE "public"."profiles"
  DROP CONSTRAINT "profiles_avatar_path_check";

CREATE OR REPLACE FUNCTION private.broadcast_stored_file()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.broadcast_change(
        'trip', private.trip_of_object(old)::text, private.trip_of_object(new)::text, 'id', '{}',
        'public', 'stored_files', private.stored_file(new), private.stored_file(old)
    );
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.count_stored_bytes()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    moved record;
    opened uuid;
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
        where known.id = opened;
    end loop;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.folder_of_object (
  object storage.objects
)
  RETURNS uuid
  LANGUAGE sql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
    select case
        when (object).name ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/'
            then split_part((object).name, '/', 1)::uuid
    end
$function$;

CREATE OR REPLACE FUNCTION private.has_room_for_files()
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return exists (
        select from private.limits_of(auth.uid()) as limits
        where limits.metric = 'storage_bytes' and limits.limit_amount > coalesce((
            select sum(known.used_amount) from public.usage_limits as known
            where known.user_id = auth.uid() and known.metric = 'storage_bytes'
        ), 0)
    );
end
$function$;

CREATE OR REPLACE FUNCTION private.my_own_saved_place_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        select saved_places.id from public.saved_places where saved_places.user_id = (select auth.uid()) order by 1;
end
$function$;

CREATE OR REPLACE FUNCTION private.my_shown_saved_place_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        select distinct saved.id from public.collection_places as entries
        join public.places on places.id = entries.place_id and places.user_id = entries.user_id
        join public.saved_places as saved on saved.place_id = entries.place_id and saved.user_id = entries.user_id
        where entries.collection_id = any (array(select private.my_collection_ids()))
            and entries.user_id <> (select auth.uid())
        order by 1;
end
$function$;

CREATE OR REPLACE FUNCTION private.person_of_object (
  object storage.objects
)
  RETURNS uuid
  LANGUAGE sql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
    select case
        when (object).owner_id ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
            then (object).owner_id::uuid
    end
$function$;

CREATE OR REPLACE FUNCTION private.remove_folder (
  bucket text,
  folder uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION private.remove_late_object()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION private.remove_objects_of()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.remove_folder(tg_argv[0], old.id);
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.size_of_object (
  object storage.objects
)
  RETURNS numeric
  LANGUAGE sql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
    select case jsonb_typeof((object).metadata -> 'size')
        when 'number' then greatest(trunc(((object).metadata ->> 'size')::numeric), 0)
        else 0
    end
$function$;

CREATE OR REPLACE FUNCTION private.stored_file (
  object storage.objects
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select case when (object).id is not null then jsonb_build_object(
        'id', (object).id, 'bucket', (object).bucket_id, 'path', (object).name,
        'content_type', (object).metadata ->> 'mimetype', 'size', private.size_of_object(object),
        'uploader_id', private.person_of_object(object), 'trip_id', private.trip_of_object(object),
        'created_at', (object).created_at, 'updated_at', (object).updated_at
    ) end
$function$;

CREATE OR REPLACE FUNCTION private.trip_of_object (
  object storage.objects
)
  RETURNS uuid
  LANGUAGE sql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
    select case when (object).bucket_id = 'trip-images' then private.folder_of_object(object) end
$function$;

CREATE OR REPLACE FUNCTION public.files_to_delete (
  ids uuid[]
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    me constant text := auth.uid();
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
    where objects.id = any (ids);
    if found.seen <> (select count(distinct wanted.id) from unnest(ids) as wanted (id)) then
        perform private.refuse('NOT_FOUND', 'There is no such picture, or you may not see it.', '{"field": "ids"}');
    elsif not found.theirs then
        perform private.refuse('FORBIDDEN', 'Only who uploaded a picture, or owns what it belongs to, deletes it.');
    end if;
    return coalesce(found.files, '[]');
end
$function$;

REVOKE ALL ON FUNCTION "public"."files_to_delete"(uuid[]) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.offer_upload (
  bucket       text,
  folder       uuid,
  content_type text,
  size         bigint
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

REVOKE ALL ON FUNCTION "public"."offer_upload"(text, uuid, text, bigint) FROM PUBLIC, "anon", "service_role";

ALTER TABLE "public"."profiles"
  ADD CONSTRAINT "profiles_avatar_path_check"
    CHECK
    (((char_length(avatar_path) >= 1) AND (char_length(avatar_path) <= 1024) AND starts_with(avatar_path, ((id)::text || '/'::text)) AND (avatar_path !~
    '(^|/)\.{0,2}(/|$)|[[:cntrl:]]'::text)));

CREATE VIEW "public"."stored_files" WITH (security_invoker=true) AS  SELECT id,
    bucket_id AS bucket,
    name AS path,
    (metadata ->> 'mimetype'::text) AS content_type,
        CASE jsonb_typeof((metadata -> 'size'::text))
            WHEN 'number'::text THEN (trunc(((metadata ->> 'size'::text))::numeric))::bigint
            ELSE (0)::bigint
        END AS size,
        CASE
            WHEN (owner_id ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'::text) THEN (owner_id)::uuid
            ELSE NULL::uuid
        END AS uploader_id,
        CASE
            WHEN ((bucket_id = 'trip-images'::text) AND (name ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/'::text)) THEN (split_part(name, '/'::text, 1))::uuid
            ELSE NULL::uuid
        END AS trip_id,
    created_at,
    updated_at
   FROM storage.objects
  WHERE (bucket_id = ANY (ARRAY['trip-images'::text, 'place-photos'::text, 'user-avatars'::text]));

CREATE OR REPLACE FUNCTION public.images (
  public .trips
)
  RETURNS SETOF public.stored_files
  LANGUAGE sql
  STABLE
  AS $function$
    select files.*
    from (select $1.id::text || '/' as first, $1.id::text || '0' as behind offset 0) as names
    join public.stored_files as files on files.bucket = 'trip-images'
        and files.path collate "C" >= names.first and files.path collate "C" < names.behind
$function$;

REVOKE ALL ON FUNCTION "public"."images"(public.trips) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.photos (
  public .saved_places
)
  RETURNS SETOF public.stored_files
  LANGUAGE sql
  STABLE
  AS $function$
    select files.*
    from (select $1.id::text || '/' as first, $1.id::text || '0' as behind offset 0) as names
    join public.stored_files as files on files.bucket = 'place-photos'
        and files.path collate "C" >= names.first and files.path collate "C" < names.behind
$function$;

REVOKE ALL ON FUNCTION "public"."photos"(public.saved_places) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.uploader (
  public .stored_files
)
  RETURNS SETOF public.profiles
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select * from public.profiles where id = $1.uploader_id
$function$;

REVOKE ALL ON FUNCTION "public"."uploader"(public.stored_files) FROM PUBLIC, "anon";

REVOKE ALL ON TABLE "public"."stored_files" FROM "anon";

CREATE TRIGGER remove_user_avatars
  AFTER DELETE ON public.profiles
  FOR EACH ROW
  EXECUTE FUNCTION private.remove_objects_of('user-avatars');

CREATE TRIGGER remove_place_photos
  AFTER DELETE ON public.saved_places
  FOR EACH ROW
  EXECUTE FUNCTION private.remove_objects_of('place-photos');

CREATE TRIGGER remove_trip_images
  AFTER DELETE ON public.trips
  FOR EACH ROW
  EXECUTE FUNCTION private.remove_objects_of('trip-images');

CREATE TRIGGER broadcast_stored_files_changes
  AFTER INSERT OR DELETE OR UPDATE OF name, bucket_id, metadata, VERSION, owner_id ON storage.objects
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_stored_file();

CREATE TRIGGER count_stored_bytes
  AFTER INSERT OR DELETE OR UPDATE OF metadata, owner_id ON storage.objects
  FOR EACH ROW
  EXECUTE FUNCTION private.count_stored_bytes();

CREATE TRIGGER remove_late_objects
  AFTER INSERT OR UPDATE OF name, bucket_id, owner_id ON storage.objects
  FOR EACH ROW
  EXECUTE FUNCTION private.remove_late_object();

CREATE POLICY "People can add pictures to what they may change while they have" ON "storage"."objects"
  FOR INSERT
  TO "authenticated"
  WITH
    CHECK
    (((owner_id = (( SELECT auth.uid() AS uid))::text) AND (((bucket_id = 'trip-images'::text) AND (split_part(name, '/'::text, 1) = ANY (ARRAY( SELECT
    (private.my_editable_trip_ids())::text AS my_editable_trip_ids)))) OR
    ((bucket_id = 'place-photos'::text) AND (split_part(name, '/'::text, 1) = ANY (ARRAY( SELECT (private.my_own_saved_place_ids())::text AS my_own_saved_place_ids)))) OR
    ((bucket_id = 'user-avatars'::text) AND (split_part(name, '/'::text, 1) = (( SELECT auth.uid() AS uid))::text))) AND
    (name ~ '^[^/]{36}/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\.(jpg|jpeg|png|webp|avif)$'::text) AND
    ( SELECT private.has_room_for_files() AS has_room_for_files)));

CREATE POLICY "People can delete their pictures, and owners all of a trip" ON "storage"."objects"
  FOR DELETE
  TO "authenticated"
  USING
    ((((bucket_id = 'trip-images'::text) AND ((split_part(name, '/'::text, 1) = ANY (ARRAY( SELECT (private.my_own_trip_ids())::text AS my_own_trip_ids))) OR ((owner_id = (( SELECT
    auth.uid() AS uid))::text) AND (split_part(name, '/'::text, 1) = ANY (ARRAY( SELECT (private.my_trip_ids())::text AS my_trip_ids)))))) OR
    ((bucket_id = 'place-photos'::text) AND (split_part(name, '/'::text, 1) = ANY (ARRAY( SELECT (private.my_own_saved_place_ids())::text AS my_own_saved_place_ids)))) OR
    ((bucket_id = 'user-avatars'::text) AND (split_part(name, '/'::text, 1) = (( SELECT auth.uid() AS uid))::text))));

CREATE POLICY "People can replace and move their pictures, and owners all of a" ON "storage"."objects"
  FOR UPDATE
  TO "authenticated"
  USING
    ((((bucket_id = 'trip-images'::text) AND ((split_part(name, '/'::text, 1) = ANY (ARRAY( SELECT (private.my_own_trip_ids())::text AS my_own_trip_ids))) OR ((owner_id = (( SELECT
    auth.uid() AS uid))::text) AND (split_part(name, '/'::text, 1) = ANY (ARRAY( SELECT (private.my_editable_trip_ids())::text AS my_editable_trip_ids)))))) OR
    ((bucket_id = 'place-photos'::text) AND (split_part(name, '/'::text, 1) = ANY (ARRAY( SELECT (private.my_own_saved_place_ids())::text AS my_own_saved_place_ids)))) OR
    ((bucket_id = 'user-avatars'::text) AND (split_part(name, '/'::text, 1) = (( SELECT auth.uid() AS uid))::text))))
  WITH
    CHECK
    (((owner_id = (( SELECT auth.uid() AS uid))::text) AND (((bucket_id = 'trip-images'::text) AND (split_part(name, '/'::text, 1) = ANY (ARRAY( SELECT
    (private.my_editable_trip_ids())::text AS my_editable_trip_ids)))) OR
    ((bucket_id = 'place-photos'::text) AND (split_part(name, '/'::text, 1) = ANY (ARRAY( SELECT (private.my_own_saved_place_ids())::text AS my_own_saved_place_ids)))) OR
    ((bucket_id = 'user-avatars'::text) AND (split_part(name, '/'::text, 1) = (( SELECT auth.uid() AS uid))::text))) AND
    (name ~ '^[^/]{36}/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\.(jpg|jpeg|png|webp|avif)$'::text) AND
    ( SELECT private.has_room_for_files() AS has_room_for_files)));

CREATE POLICY "People can view pictures where they take part, and their own" ON "storage"."objects"
  FOR SELECT
  TO "authenticated"
  USING
    ((((bucket_id = 'trip-images'::text) AND (split_part(name, '/'::text, 1) = ANY (ARRAY( SELECT (private.my_trip_ids())::text AS my_trip_ids)))) OR ((bucket_id =
    'place-photos'::text) AND (split_part(name, '/'::text, 1) = ANY (ARRAY( SELECT (private.my_own_saved_place_ids())::text AS my_own_saved_place_ids
UNION ALL
 SELECT (private.my_shown_saved_place_ids())::text AS my_shown_saved_place_ids)))) OR
   ((bucket_id = 'user-avatars'::text) AND (split_part(name, '/'::text, 1) = (( SELECT auth.uid() AS uid))::text))));

COMMENT ON COLUMN "public"."profiles"."avatar_path" IS 'Where the person''s picture lies in the bucket user-avatars: the person''s id, a slash, and what the picture is called.';

COMMENT ON CONSTRAINT "profiles_avatar_path_check" ON "public"."profiles" IS 'The path of a picture is at most 1,024 characters long, and begins with its person''s id and a slash.';

COMMENT ON FUNCTION "private"."has_room_for_files"() IS 'Whether the caller''s plan includes more bytes than they have stored.';

COMMENT ON FUNCTION "private"."my_own_saved_place_ids"() IS 'What the caller has saved.';

COMMENT ON FUNCTION "private"."my_shown_saved_place_ids"() IS 'What others have saved of places that collections show to the caller.';

COMMENT ON FUNCTION "private"."remove_folder"(text, uuid) IS 'Has all objects removed that belong to something that is gone.';

COMMENT ON FUNCTION "public"."files_to_delete"(uuid[]) IS 'Where pictures lie that the caller may delete: the id, bucket and path of each. Refused with NOT_FOUND or FORBIDDEN where one is not there or not theirs to delete.';

COMMENT ON FUNCTION "public"."images"(public.trips) IS 'The pictures of a trip.';

COMMENT ON FUNCTION "public"."offer_upload"(text, uuid, text, bigint) IS 'A path for a picture of this type and size that the caller may upload to the folder of a trip, a saved place or themselves. Refused with BAD_USER_INPUT, NOT_FOUND, FORBIDDEN or USAGE_LIMIT_EXCEEDED.';

COMMENT ON FUNCTION "public"."photos"(public.saved_places) IS 'The pictures of a saved place.';

COMMENT ON FUNCTION "public"."uploader"(public.stored_files) IS 'Who uploaded a picture.';

COMMENT ON VIEW "public"."stored_files" IS 'A picture, as an object of Storage.';

REVOKE ALL ON FUNCTION "private"."broadcast_stored_file"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."count_stored_bytes"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."folder_of_object"(storage.objects) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."has_room_for_files"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "private"."has_room_for_files"() TO "authenticated";

REVOKE ALL ON FUNCTION "private"."my_own_saved_place_ids"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "private"."my_own_saved_place_ids"() TO "authenticated";

REVOKE ALL ON FUNCTION "private"."my_shown_saved_place_ids"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "private"."my_shown_saved_place_ids"() TO "authenticated";

REVOKE ALL ON FUNCTION "private"."person_of_object"(storage.objects) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."remove_folder"(text, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."remove_late_object"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."remove_objects_of"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."size_of_object"(storage.objects) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."stored_file"(storage.objects) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."trip_of_object"(storage.objects) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."files_to_delete"(uuid[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."images"(public.trips) TO "authenticated", "service_role";

GRANT EXECUTE ON FUNCTION "public"."offer_upload"(text, uuid, text, bigint) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."photos"(public.saved_places) TO "authenticated", "service_role";

GRANT EXECUTE ON FUNCTION "public"."uploader"(public.stored_files) TO "authenticated", "service_role";

REVOKE ALL ON TABLE "public"."stored_files" FROM "authenticated";

GRANT SELECT ON TABLE "public"."stored_files" TO "authenticated";

REVOKE ALL ON TABLE "public"."stored_files" FROM "service_role";

GRANT SELECT ON TABLE "public"."stored_files" TO "service_role";

COMMENT ON COLUMN public.stored_files.bucket IS 'The bucket that it lies in.';

COMMENT ON COLUMN public.stored_files.content_type IS 'What kind of picture it is, as in image/webp.';

COMMENT ON COLUMN public.stored_files.created_at IS 'When it was uploaded.';

COMMENT ON COLUMN public.stored_files.id IS 'The picture''s id.';

COMMENT ON COLUMN public.stored_files.path IS 'What it is called there: the id of what it belongs to, a slash, and a name of its own.';

COMMENT ON COLUMN public.stored_files.size IS 'How many bytes it has.';

COMMENT ON COLUMN public.stored_files.trip_id IS 'The trip that it is a picture of; null for pictures of anything else.';

COMMENT ON COLUMN public.stored_files.updated_at IS 'When it was last replaced or moved.';

COMMENT ON COLUMN public.stored_files.uploader_id IS 'The person who uploaded it, and for whom its bytes count.';


-- From program/011_storage.sql

-- Where pictures lie, how large they may be and of which types, and who removes them. No SVG: it is a program.
-- rows of storage.buckets by id: name, public, file_size_limit, allowed_mime_types where id in ('trip-images', 'place-photos', 'user-avatars')
insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types) values
    ('trip-images', 'trip-images', false, 52428800, '{image/jpeg,image/png,image/webp,image/avif}'),
    ('place-photos', 'place-photos', false, 52428800, '{image/jpeg,image/png,image/webp,image/avif}'),
    ('user-avatars', 'user-avatars', true, 5242880, '{image/jpeg,image/png,image/webp,image/avif}')
on conflict (id) do update set
    name = excluded.name, public = excluded.public, file_size_limit = excluded.file_size_limit,
    allowed_mime_types = excluded.allowed_mime_types;
