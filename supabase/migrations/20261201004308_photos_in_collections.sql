SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.recount_stored_bytes()
  RETURNS integer
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION private.saved_place_of_entry (
  place  uuid,
  keeper uuid
)
  RETURNS uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return (select saved.id from public.saved_places as saved where saved.place_id = place and saved.user_id = keeper);
end
$function$;

CREATE OR REPLACE FUNCTION public.place_photos (
  public .collection_places
)
  RETURNS SETOF public.stored_files
  LANGUAGE sql
  STABLE
BEGIN ATOMIC
 SELECT files.id,
     files.bucket,
     files.path,
     files.content_type,
     files.size,
     files.uploader_id,
     files.trip_id,
     files.created_at,
     files.updated_at
    FROM (( SELECT ((saved.id)::text || '/'::text) AS FIRST,
             ((saved.id)::text || '0'::text) AS behind
            FROM ( SELECT private.saved_place_of_entry(($1).place_id, ($1).user_id) AS id) saved
          OFFSET 0) names
      JOIN public.stored_files files ON (((files.bucket = 'place-photos'::text) AND ((files.path COLLATE "C") >= names.first) AND ((files.path COLLATE "C") < names.behind))));
END;

REVOKE ALL ON FUNCTION "public"."place_photos"(public.collection_places) FROM PUBLIC, "anon";

COMMENT ON FUNCTION "private"."recount_stored_bytes"() IS 'Counts all bytes in Storage anew; returns for how many people something else was counted.';

COMMENT ON FUNCTION "private"."saved_place_of_entry"(uuid, uuid) IS 'What somebody has saved of a place; null where they have not.';

COMMENT ON FUNCTION "public"."place_photos"(public.collection_places) IS 'The pictures of a place in a collection, of who put it there.';

REVOKE ALL ON FUNCTION "private"."recount_stored_bytes"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."saved_place_of_entry"(uuid, uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "private"."saved_place_of_entry"(uuid, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."place_photos"(public.collection_places) TO "authenticated", "service_role";

-- Of what was in Storage before its bytes were counted.
SELECT private.recount_stored_bytes();
