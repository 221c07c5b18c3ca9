SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.my_place_ids_by_words (
  words text
)
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    -- Every word must be there, or begin one that is. Lexemes are quoted, so no text is taken for an operator.
    wanted tsquery := (
        select string_agg('''' || replace(replace(found.lexeme, '\', '\\'), '''', '''''') || ''':*', ' & ')
        from unnest(to_tsvector('simple', words)) as found
    )::tsquery;
begin
    return query
        select places.id from public.places
        where (
                places.user_id = (select auth.uid())
                or places.id = any (array(select shown.place_id from private.my_trip_places() as shown))
            )
            and to_tsvector('simple', places.name || ' ' || coalesce(places.city, '') || ' ' || coalesce(places.address, '') || ' ' || coalesce(places.notes, ''))
                @@ wanted;
end
$function$;

CREATE OR REPLACE FUNCTION public.cost_total (
  public .trips
)
  RETURNS numeric
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
declare
    trip alias for $1;
begin
    return (
        select coalesce(sum(trip_items.cost), 0.00) from public.trip_items where trip_items.trip_id = trip.id
    );
end
$function$;

REVOKE ALL ON FUNCTION "public"."cost_total"(public.trips) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.distance_in_metres (
  from_place uuid,
  to_place   uuid
)
  RETURNS integer
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select round(
        2 * 6371008.8 * asin(
            sqrt(
                least(
                    1.0,
                    sin(radians(b.latitude::float8 - a.latitude::float8) / 2) ^ 2
                    + cos(radians(a.latitude::float8)) * cos(radians(b.latitude::float8))
                    * sin(radians(b.longitude::float8 - a.longitude::float8) / 2) ^ 2
                )
            )
        )
    )::integer
    from public.places as a, public.places as b
    -- No row and thus null, where least() would pass over one.
    where a.id = from_place and b.id = to_place and a.latitude is not null and b.latitude is not null;
$function$;

REVOKE ALL ON FUNCTION "public"."distance_in_metres"(uuid, uuid) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.duration_days (
  public .trips
)
  RETURNS integer
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select ($1).end_date - ($1).start_date + 1;
$function$;

REVOKE ALL ON FUNCTION "public"."duration_days"(public.trips) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.search_places (
  words text
)
  RETURNS SETOF public.places
  LANGUAGE sql
  STABLE
  SET search_path TO ''
BEGIN ATOMIC
 SELECT places.*::public.places
  AS places
    FROM public.places
   WHERE (places.id = ANY (ARRAY( SELECT private.my_place_ids_by_words(search_places.words) AS my_place_ids_by_words)));
END;

REVOKE ALL ON FUNCTION "public"."search_places"(text) FROM PUBLIC, "anon", "service_role";

CREATE INDEX idx_places_words ON public.places
  USING gin
  (to_tsvector('simple'::regconfig, ((((((name || ' '::text) || COALESCE(city, ''::text)) || ' '::text) || COALESCE(address, ''::text)) || ' '::text) || COALESCE(notes,
  ''::text))));

COMMENT ON FUNCTION "private"."my_place_ids_by_words"(text) IS 'Which of the places that the caller may see hold all these words, or words that begin so.';

COMMENT ON FUNCTION "public"."cost_total"(public.trips) IS 'What the trip''s items cost together, in the trip''s currency; counts the items that the caller may see.';

COMMENT ON FUNCTION "public"."distance_in_metres"(uuid, uuid) IS 'How far it is between two places in metres, as the crow flies; null when a position is not known.';

COMMENT ON FUNCTION "public"."duration_days"(public.trips) IS 'How many days the trip takes, its first and last included; null without both.';

COMMENT ON FUNCTION "public"."search_places"(text) IS 'The places whose name, city, address or notes hold all these words, or words that begin so.';

REVOKE ALL ON FUNCTION "private"."my_place_ids_by_words"(text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "private"."my_place_ids_by_words"(text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."cost_total"(public.trips) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."distance_in_metres"(uuid, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."duration_days"(public.trips) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."search_places"(text) TO "authenticated";
