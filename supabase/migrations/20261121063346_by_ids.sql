SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION public.collaborators_by_ids (
  ids uuid[]
)
  RETURNS SETOF public.collaborators
  LANGUAGE sql
  STABLE
  AS $function$
    select * from public.collaborators where id = any (ids)
$function$;

REVOKE ALL ON FUNCTION "public"."collaborators_by_ids"(uuid[]) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.collection_places_by_ids (
  ids uuid[]
)
  RETURNS SETOF public.collection_places
  LANGUAGE sql
  STABLE
  AS $function$
    select * from public.collection_places where id = any (ids)
$function$;

REVOKE ALL ON FUNCTION "public"."collection_places_by_ids"(uuid[]) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.collections_by_ids (
  ids uuid[]
)
  RETURNS SETOF public.collections
  LANGUAGE sql
  STABLE
  AS $function$
    select * from public.collections where id = any (ids)
$function$;

REVOKE ALL ON FUNCTION "public"."collections_by_ids"(uuid[]) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.place_tags_by_ids (
  ids uuid[]
)
  RETURNS SETOF public.place_tags
  LANGUAGE sql
  STABLE
  AS $function$
    select * from public.place_tags where id = any (ids)
$function$;

REVOKE ALL ON FUNCTION "public"."place_tags_by_ids"(uuid[]) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.places_by_ids (
  ids uuid[]
)
  RETURNS SETOF public.places
  LANGUAGE sql
  STABLE
  AS $function$
    select * from public.places where id = any (ids)
$function$;

REVOKE ALL ON FUNCTION "public"."places_by_ids"(uuid[]) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.profiles_by_ids (
  ids uuid[]
)
  RETURNS SETOF public.profiles
  LANGUAGE sql
  STABLE
  AS $function$
    select * from public.profiles where id = any (ids)
$function$;

REVOKE ALL ON FUNCTION "public"."profiles_by_ids"(uuid[]) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.saved_places_by_ids (
  ids uuid[]
)
  RETURNS SETOF public.saved_places
  LANGUAGE sql
  STABLE
  AS $function$
    select * from public.saved_places where id = any (ids)
$function$;

REVOKE ALL ON FUNCTION "public"."saved_places_by_ids"(uuid[]) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.tags_by_ids (
  ids uuid[]
)
  RETURNS SETOF public.tags
  LANGUAGE sql
  STABLE
  AS $function$
    select * from public.tags where id = any (ids)
$function$;

REVOKE ALL ON FUNCTION "public"."tags_by_ids"(uuid[]) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.trip_items_by_ids (
  ids uuid[]
)
  RETURNS SETOF public.trip_items
  LANGUAGE sql
  STABLE
  AS $function$
    select * from public.trip_items where id = any (ids)
$function$;

REVOKE ALL ON FUNCTION "public"."trip_items_by_ids"(uuid[]) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.trips_by_ids (
  ids uuid[]
)
  RETURNS SETOF public.trips
  LANGUAGE sql
  STABLE
  AS $function$
    select * from public.trips where id = any (ids)
$function$;

REVOKE ALL ON FUNCTION "public"."trips_by_ids"(uuid[]) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.user_preferences_by_ids (
  ids uuid[]
)
  RETURNS SETOF public.user_preferences
  LANGUAGE sql
  STABLE
  AS $function$
    select * from public.user_preferences where id = any (ids)
$function$;

REVOKE ALL ON FUNCTION "public"."user_preferences_by_ids"(uuid[]) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.votes_by_ids (
  ids uuid[]
)
  RETURNS SETOF public.votes
  LANGUAGE sql
  STABLE
  AS $function$
    select * from public.votes where id = any (ids)
$function$;

REVOKE ALL ON FUNCTION "public"."votes_by_ids"(uuid[]) FROM PUBLIC, "anon", "service_role";

COMMENT ON FUNCTION "public"."collaborators_by_ids"(uuid[]) IS 'The collaborators with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."collection_places_by_ids"(uuid[]) IS 'The places of collections with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."collections_by_ids"(uuid[]) IS 'The collections with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."place_tags_by_ids"(uuid[]) IS 'The tags on places with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."places_by_ids"(uuid[]) IS 'The places with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."profiles_by_ids"(uuid[]) IS 'The profiles with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."saved_places_by_ids"(uuid[]) IS 'The saved places with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."tags_by_ids"(uuid[]) IS 'The tags with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."trip_items_by_ids"(uuid[]) IS 'The items with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."trips_by_ids"(uuid[]) IS 'The trips with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."user_preferences_by_ids"(uuid[]) IS 'The preferences with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."votes_by_ids"(uuid[]) IS 'The votes with these ids, of those that the caller may see.';

GRANT EXECUTE ON FUNCTION "public"."collaborators_by_ids"(uuid[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."collection_places_by_ids"(uuid[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."collections_by_ids"(uuid[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."place_tags_by_ids"(uuid[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."places_by_ids"(uuid[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."profiles_by_ids"(uuid[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."saved_places_by_ids"(uuid[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."tags_by_ids"(uuid[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."trip_items_by_ids"(uuid[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."trips_by_ids"(uuid[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."user_preferences_by_ids"(uuid[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."votes_by_ids"(uuid[]) TO "authenticated";
