SET local check_function_bodies = off;

ALTER TABLE "public"."trip_items"
  ADD COLUMN "details" jsonb NOT NULL DEFAULT '{}'::jsonb;

ALTER TABLE "public"."trips"
  ADD COLUMN "labels" text[] NOT NULL DEFAULT '{}'::text[];

CREATE OR REPLACE FUNCTION public.search (
  public .places
)
  RETURNS tsvector
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select to_tsvector('pg_catalog.english', concat_ws(' ', $1.name, $1.address, $1.city, $1.notes))
$function$;

REVOKE ALL ON FUNCTION "public"."search"(public.places) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.search (
  public .saved_places
)
  RETURNS tsvector
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select to_tsvector('pg_catalog.english', concat_ws(' ', $1.name, $1.notes))
$function$;

REVOKE ALL ON FUNCTION "public"."search"(public.saved_places) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.search (
  public .trip_items
)
  RETURNS tsvector
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select to_tsvector('pg_catalog.english', concat_ws(' ', $1.title, $1.notes))
$function$;

REVOKE ALL ON FUNCTION "public"."search"(public.trip_items) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.search (
  public .trips
)
  RETURNS tsvector
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select to_tsvector(
        'pg_catalog.english',
        concat_ws(' ', $1.title, $1.destination, $1.description, array_to_string($1.labels, ' '))
    )
$function$;

REVOKE ALL ON FUNCTION "public"."search"(public.trips) FROM PUBLIC, "anon";

ALTER TABLE "public"."trip_items"
  ADD CONSTRAINT "trip_items_details_check" CHECK (((jsonb_typeof(details) = 'object'::text) AND (octet_length((details)::text) <= 8192)));

ALTER TABLE "public"."trips"
  ADD CONSTRAINT "trips_labels_check"
    CHECK (((cardinality(labels) <= 20) AND (array_position(labels, NULL::text) IS NULL) AND (char_length(array_to_string(labels, ''::text)) <= 1000)));

COMMENT ON COLUMN "public"."trip_items"."details" IS 'What a booking says beyond that, as a JSON object of at most 8 KiB: a reference, a seat.';

COMMENT ON COLUMN "public"."trips"."labels" IS 'Words to find the trip by, at most 20.';

COMMENT ON FUNCTION "public"."search"(public.places) IS 'The words of a place: name, address, city and notes.';

COMMENT ON FUNCTION "public"."search"(public.saved_places) IS 'The words of a saved place: name and notes.';

COMMENT ON FUNCTION "public"."search"(public.trip_items) IS 'The words of an item: title and notes.';

COMMENT ON FUNCTION "public"."search"(public.trips) IS 'The words of a trip: title, destination, description and labels.';

GRANT EXECUTE ON FUNCTION "public"."search"(public.places) TO "authenticated", "service_role";

GRANT EXECUTE ON FUNCTION "public"."search"(public.saved_places) TO "authenticated", "service_role";

GRANT EXECUTE ON FUNCTION "public"."search"(public.trip_items) TO "authenticated", "service_role";

GRANT EXECUTE ON FUNCTION "public"."search"(public.trips) TO "authenticated", "service_role";

REVOKE ALL ("details") ON TABLE "public"."trip_items" FROM "authenticated";

GRANT INSERT ("details"), UPDATE ("details") ON TABLE "public"."trip_items" TO "authenticated";

REVOKE ALL ("labels") ON TABLE "public"."trips" FROM "authenticated";

GRANT INSERT ("labels"), UPDATE ("labels") ON TABLE "public"."trips" TO "authenticated";
