SET local check_function_bodies = off;

DROP FUNCTION "public"."files_to_delete"(uuid[]);

CREATE OR REPLACE FUNCTION public.files_to_delete (
  ids text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

REVOKE ALL ON FUNCTION "public"."files_to_delete"(text) FROM PUBLIC, "anon", "service_role";

COMMENT ON FUNCTION "public"."files_to_delete"(text) IS 'Where pictures lie that the caller may delete, by their ids with commas between them: the id, bucket and path of each. Refused with NOT_FOUND or FORBIDDEN where one is not there or not theirs to delete.';

GRANT EXECUTE ON FUNCTION "public"."files_to_delete"(text) TO "authenticated";


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

-- rows of private.task_kinds by kind: function where kind = 'remove_objects'
insert into private.task_kinds (kind, function) values ('remove_objects', 'clean-storage')
on conflict (kind) do update set function = excluded.function;
