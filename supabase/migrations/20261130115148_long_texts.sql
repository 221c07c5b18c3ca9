SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION public.address_against (
  place public.places
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select public.compare_with_texts(place.address)
$function$;

REVOKE ALL ON FUNCTION "public"."address_against"(public.places) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.avatar_path_against (
  profile public.profiles
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select public.compare_with_texts(profile.avatar_path)
$function$;

REVOKE ALL ON FUNCTION "public"."avatar_path_against"(public.profiles) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.comment_against (
  vote public.votes
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select public.compare_with_texts(vote.comment)
$function$;

REVOKE ALL ON FUNCTION "public"."comment_against"(public.votes) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.compare_with_texts (
  value text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
declare
    texts text[] := nullif(current_setting('tripgate.texts', true), '')::text[];
begin
    if texts is null then
        select coalesce(array_agg(whole order by number), '{}') into texts
        from (
            select
                split_part(header.key, '-', 3)::int as number,
                convert_from(
                    decode(string_agg(header.value, '' order by split_part(header.key, '-', 4)::int), 'base64'), 'UTF8'
                ) as whole
            from json_each_text(nullif(current_setting('request.headers', true), '')::json) as header
            where header.key ~ '^x-text-[0-9]{1,2}-[0-9]{1,3}$'
            group by 1
        ) as brought;
        perform set_config('tripgate.texts', texts::text, true);
    end if;
    return (
        select jsonb_agg(case when value > given.text then 1 when value = given.text then 0 else -1 end order by number)
        from unnest(texts) with ordinality as given (text, number)
        where value is not null
    );
end
$function$;

REVOKE ALL ON FUNCTION "public"."compare_with_texts"(text) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.description_against (
  collection public.collections
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select public.compare_with_texts(collection.description)
$function$;

REVOKE ALL ON FUNCTION "public"."description_against"(public.collections) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.description_against (
  trip public.trips
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select public.compare_with_texts(trip.description)
$function$;

REVOKE ALL ON FUNCTION "public"."description_against"(public.trips) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.notes_against (
  entry public.collection_places
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select public.compare_with_texts(entry.notes)
$function$;

REVOKE ALL ON FUNCTION "public"."notes_against"(public.collection_places) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.notes_against (
  place public.places
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select public.compare_with_texts(place.notes)
$function$;

REVOKE ALL ON FUNCTION "public"."notes_against"(public.places) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.notes_against (
  saved public.saved_places
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select public.compare_with_texts(saved.notes)
$function$;

REVOKE ALL ON FUNCTION "public"."notes_against"(public.saved_places) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.notes_against (
  item public.trip_items
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select public.compare_with_texts(item.notes)
$function$;

REVOKE ALL ON FUNCTION "public"."notes_against"(public.trip_items) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.website_against (
  place public.places
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select public.compare_with_texts(place.website)
$function$;

REVOKE ALL ON FUNCTION "public"."website_against"(public.places) FROM PUBLIC, "anon", "service_role";

COMMENT ON FUNCTION "public"."address_against"(public.places) IS 'How the column compares with each text that the request brings along.';

COMMENT ON FUNCTION "public"."avatar_path_against"(public.profiles) IS 'How the column compares with each text that the request brings along.';

COMMENT ON FUNCTION "public"."comment_against"(public.votes) IS 'How the column compares with each text that the request brings along.';

COMMENT ON FUNCTION "public"."compare_with_texts"(text) IS 'How a text compares with each text that the request brings along: 1, 0 or -1.';

COMMENT ON FUNCTION "public"."description_against"(public.collections) IS 'How the column compares with each text that the request brings along.';

COMMENT ON FUNCTION "public"."description_against"(public.trips) IS 'How the column compares with each text that the request brings along.';

COMMENT ON FUNCTION "public"."notes_against"(public.collection_places) IS 'How the column compares with each text that the request brings along.';

COMMENT ON FUNCTION "public"."notes_against"(public.places) IS 'How the column compares with each text that the request brings along.';

COMMENT ON FUNCTION "public"."notes_against"(public.saved_places) IS 'How the column compares with each text that the request brings along.';

COMMENT ON FUNCTION "public"."notes_against"(public.trip_items) IS 'How the column compares with each text that the request brings along.';

COMMENT ON FUNCTION "public"."website_against"(public.places) IS 'How the column compares with each text that the request brings along.';

GRANT EXECUTE ON FUNCTION "public"."address_against"(public.places) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."avatar_path_against"(public.profiles) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."comment_against"(public.votes) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."compare_with_texts"(text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."description_against"(public.collections) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."description_against"(public.trips) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."notes_against"(public.collection_places) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."notes_against"(public.places) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."notes_against"(public.saved_places) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."notes_against"(public.trip_items) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."website_against"(public.places) TO "authenticated";
