SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION public.whole_collaborators (
  public .collaborators
)
  RETURNS SETOF public.collaborators
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select ($1).*
$function$;

REVOKE ALL ON FUNCTION "public"."whole_collaborators"(public.collaborators) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.whole_collection_places (
  public .collection_places
)
  RETURNS SETOF public.collection_places
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select ($1).*
$function$;

REVOKE ALL ON FUNCTION "public"."whole_collection_places"(public.collection_places) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.whole_collections (
  public .collections
)
  RETURNS SETOF public.collections
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select ($1).*
$function$;

REVOKE ALL ON FUNCTION "public"."whole_collections"(public.collections) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.whole_place_tags (
  public .place_tags
)
  RETURNS SETOF public.place_tags
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select ($1).*
$function$;

REVOKE ALL ON FUNCTION "public"."whole_place_tags"(public.place_tags) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.whole_places (
  public .places
)
  RETURNS SETOF public.places
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select ($1).*
$function$;

REVOKE ALL ON FUNCTION "public"."whole_places"(public.places) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.whole_profiles (
  public .profiles
)
  RETURNS SETOF public.profiles
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select ($1).*
$function$;

REVOKE ALL ON FUNCTION "public"."whole_profiles"(public.profiles) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.whole_saved_places (
  public .saved_places
)
  RETURNS SETOF public.saved_places
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select ($1).*
$function$;

REVOKE ALL ON FUNCTION "public"."whole_saved_places"(public.saved_places) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.whole_tags (
  public .tags
)
  RETURNS SETOF public.tags
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select ($1).*
$function$;

REVOKE ALL ON FUNCTION "public"."whole_tags"(public.tags) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.whole_trip_items (
  public .trip_items
)
  RETURNS SETOF public.trip_items
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select ($1).*
$function$;

REVOKE ALL ON FUNCTION "public"."whole_trip_items"(public.trip_items) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.whole_trips (
  public .trips
)
  RETURNS SETOF public.trips
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select ($1).*
$function$;

REVOKE ALL ON FUNCTION "public"."whole_trips"(public.trips) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.whole_user_preferences (
  public .user_preferences
)
  RETURNS SETOF public.user_preferences
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select ($1).*
$function$;

REVOKE ALL ON FUNCTION "public"."whole_user_preferences"(public.user_preferences) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.whole_votes (
  public .votes
)
  RETURNS SETOF public.votes
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select ($1).*
$function$;

REVOKE ALL ON FUNCTION "public"."whole_votes"(public.votes) FROM PUBLIC, "anon", "service_role";

COMMENT ON FUNCTION "public"."whole_collaborators"(public.collaborators) IS 'The collaborator itself.';

COMMENT ON FUNCTION "public"."whole_collection_places"(public.collection_places) IS 'The place of a collection itself.';

COMMENT ON FUNCTION "public"."whole_collections"(public.collections) IS 'The collection itself.';

COMMENT ON FUNCTION "public"."whole_place_tags"(public.place_tags) IS 'The tag on a place itself.';

COMMENT ON FUNCTION "public"."whole_places"(public.places) IS 'The place itself.';

COMMENT ON FUNCTION "public"."whole_profiles"(public.profiles) IS 'The profile itself.';

COMMENT ON FUNCTION "public"."whole_saved_places"(public.saved_places) IS 'The saved place itself.';

COMMENT ON FUNCTION "public"."whole_tags"(public.tags) IS 'The tag itself.';

COMMENT ON FUNCTION "public"."whole_trip_items"(public.trip_items) IS 'The item itself.';

COMMENT ON FUNCTION "public"."whole_trips"(public.trips) IS 'The trip itself.';

COMMENT ON FUNCTION "public"."whole_user_preferences"(public.user_preferences) IS 'The preferences itself.';

COMMENT ON FUNCTION "public"."whole_votes"(public.votes) IS 'The vote itself.';

GRANT EXECUTE ON FUNCTION "public"."whole_collaborators"(public.collaborators) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."whole_collection_places"(public.collection_places) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."whole_collections"(public.collections) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."whole_place_tags"(public.place_tags) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."whole_places"(public.places) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."whole_profiles"(public.profiles) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."whole_saved_places"(public.saved_places) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."whole_tags"(public.tags) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."whole_trip_items"(public.trip_items) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."whole_trips"(public.trips) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."whole_user_preferences"(public.user_preferences) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."whole_votes"(public.votes) TO "authenticated";
