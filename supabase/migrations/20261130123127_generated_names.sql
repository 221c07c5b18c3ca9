SET local check_function_bodies = off;

DROP FUNCTION "public"."address_against"(public.places);

DROP FUNCTION "public"."avatar_path_against"(public.profiles);

DROP FUNCTION "public"."comment_against"(public.votes);

DROP FUNCTION "public"."description_against"(public.collections);

DROP FUNCTION "public"."description_against"(public.trips);

DROP FUNCTION "public"."notes_against"(public.places);

DROP FUNCTION "public"."notes_against"(public.saved_places);

DROP FUNCTION "public"."notes_against"(public.trip_items);

DROP FUNCTION "public"."website_against"(public.places);

CREATE OR REPLACE FUNCTION public.address_against (
  entry public.places
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select public.compare_with_texts(entry.address)
$function$;

REVOKE ALL ON FUNCTION "public"."address_against"(public.places) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.avatar_path_against (
  entry public.profiles
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select public.compare_with_texts(entry.avatar_path)
$function$;

REVOKE ALL ON FUNCTION "public"."avatar_path_against"(public.profiles) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.comment_against (
  entry public.votes
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select public.compare_with_texts(entry.comment)
$function$;

REVOKE ALL ON FUNCTION "public"."comment_against"(public.votes) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.description_against (
  entry public.collections
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select public.compare_with_texts(entry.description)
$function$;

REVOKE ALL ON FUNCTION "public"."description_against"(public.collections) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.description_against (
  entry public.trips
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select public.compare_with_texts(entry.description)
$function$;

REVOKE ALL ON FUNCTION "public"."description_against"(public.trips) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.notes_against (
  entry public.places
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select public.compare_with_texts(entry.notes)
$function$;

REVOKE ALL ON FUNCTION "public"."notes_against"(public.places) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.notes_against (
  entry public.saved_places
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select public.compare_with_texts(entry.notes)
$function$;

REVOKE ALL ON FUNCTION "public"."notes_against"(public.saved_places) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.notes_against (
  entry public.trip_items
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select public.compare_with_texts(entry.notes)
$function$;

REVOKE ALL ON FUNCTION "public"."notes_against"(public.trip_items) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.website_against (
  entry public.places
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select public.compare_with_texts(entry.website)
$function$;

REVOKE ALL ON FUNCTION "public"."website_against"(public.places) FROM PUBLIC, "anon", "service_role";

COMMENT ON FUNCTION "public"."address_against"(public.places) IS 'How the column compares with each text that the request brings along.';

COMMENT ON FUNCTION "public"."avatar_path_against"(public.profiles) IS 'How the column compares with each text that the request brings along.';

COMMENT ON FUNCTION "public"."collaborators_by_ids"(uuid[]) IS 'The rows of collaborators with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."collection_places_by_ids"(uuid[]) IS 'The rows of collection_places with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."collections_by_ids"(uuid[]) IS 'The rows of collections with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."comment_against"(public.votes) IS 'How the column compares with each text that the request brings along.';

COMMENT ON FUNCTION "public"."description_against"(public.collections) IS 'How the column compares with each text that the request brings along.';

COMMENT ON FUNCTION "public"."description_against"(public.trips) IS 'How the column compares with each text that the request brings along.';

COMMENT ON FUNCTION "public"."notes_against"(public.places) IS 'How the column compares with each text that the request brings along.';

COMMENT ON FUNCTION "public"."notes_against"(public.saved_places) IS 'How the column compares with each text that the request brings along.';

COMMENT ON FUNCTION "public"."notes_against"(public.trip_items) IS 'How the column compares with each text that the request brings along.';

COMMENT ON FUNCTION "public"."place_tags_by_ids"(uuid[]) IS 'The rows of place_tags with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."places_by_ids"(uuid[]) IS 'The rows of places with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."profiles_by_ids"(uuid[]) IS 'The rows of profiles with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."saved_places_by_ids"(uuid[]) IS 'The rows of saved_places with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."tags_by_ids"(uuid[]) IS 'The rows of tags with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."trip_items_by_ids"(uuid[]) IS 'The rows of trip_items with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."trips_by_ids"(uuid[]) IS 'The rows of trips with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."user_preferences_by_ids"(uuid[]) IS 'The rows of user_preferences with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."votes_by_ids"(uuid[]) IS 'The rows of votes with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."website_against"(public.places) IS 'How the column compares with each text that the request brings along.';

COMMENT ON FUNCTION "public"."whole_collaborators"(public.collaborators) IS 'The row of collaborators itself.';

COMMENT ON FUNCTION "public"."whole_collection_places"(public.collection_places) IS 'The row of collection_places itself.';

COMMENT ON FUNCTION "public"."whole_collections"(public.collections) IS 'The row of collections itself.';

COMMENT ON FUNCTION "public"."whole_place_tags"(public.place_tags) IS 'The row of place_tags itself.';

COMMENT ON FUNCTION "public"."whole_places"(public.places) IS 'The row of places itself.';

COMMENT ON FUNCTION "public"."whole_profiles"(public.profiles) IS 'The row of profiles itself.';

COMMENT ON FUNCTION "public"."whole_saved_places"(public.saved_places) IS 'The row of saved_places itself.';

COMMENT ON FUNCTION "public"."whole_tags"(public.tags) IS 'The row of tags itself.';

COMMENT ON FUNCTION "public"."whole_trip_items"(public.trip_items) IS 'The row of trip_items itself.';

COMMENT ON FUNCTION "public"."whole_trips"(public.trips) IS 'The row of trips itself.';

COMMENT ON FUNCTION "public"."whole_user_preferences"(public.user_preferences) IS 'The row of user_preferences itself.';

COMMENT ON FUNCTION "public"."whole_votes"(public.votes) IS 'The row of votes itself.';

COMMENT ON VIEW "public"."collections_by_created_at_desc" IS 'The rows of collections, ordered by created_at desc, id.';

COMMENT ON VIEW "public"."places_by_created_at_desc" IS 'The rows of places, ordered by created_at desc, id.';

COMMENT ON VIEW "public"."profiles_by_display_name" IS 'The rows of profiles, ordered by display_name, id.';

COMMENT ON VIEW "public"."tags_by_name" IS 'The rows of tags, ordered by name, id.';

COMMENT ON VIEW "public"."trip_items_by_day_number_order_index" IS 'The rows of trip_items, ordered by day_number, order_index, id.';

COMMENT ON VIEW "public"."trips_by_created_at_desc" IS 'The rows of trips, ordered by created_at desc, id.';

COMMENT ON VIEW "public"."trips_by_start_date" IS 'The rows of trips, ordered by start_date, id.';

COMMENT ON VIEW "public"."trips_by_start_date_desc" IS 'The rows of trips, ordered by start_date desc, id.';

GRANT EXECUTE ON FUNCTION "public"."address_against"(public.places) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."avatar_path_against"(public.profiles) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."comment_against"(public.votes) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."description_against"(public.collections) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."description_against"(public.trips) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."notes_against"(public.places) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."notes_against"(public.saved_places) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."notes_against"(public.trip_items) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."website_against"(public.places) TO "authenticated";
