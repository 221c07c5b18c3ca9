SET local check_function_bodies = off;

DROP POLICY "People can view their own places and those on their trips" ON "public"."places";

DROP POLICY "People can view trips they take part in" ON "public"."trips";

CREATE OR REPLACE FUNCTION private.my_companion_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    shared uuid[] := array(select private.my_trip_ids());
begin
    return query
        select trips.user_id from public.collaborators as mine join public.trips on trips.id = mine.trip_id
        where mine.user_id = (select auth.uid())
        union
        select collaborators.user_id from public.collaborators where collaborators.trip_id = any (shared)
        order by 1;
end
$function$;

CREATE OR REPLACE FUNCTION private.my_editable_trip_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        select trips.id from public.trips where trips.user_id = (select auth.uid())
        union all
        select collaborators.trip_id from public.collaborators
        where collaborators.user_id = (select auth.uid()) and collaborators.role = 'editor'
        order by 1;
end
$function$;

CREATE OR REPLACE FUNCTION private.my_own_trip_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query select trips.id from public.trips where trips.user_id = (select auth.uid()) order by 1;
end
$function$;

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
                or places.id = any (array(select private.my_trip_place_ids()))
            )
            and to_tsvector('simple', places.name || ' ' || coalesce(places.city, '') || ' ' || coalesce(places.address, '') || ' ' || coalesce(places.notes, ''))
                @@ wanted;
end
$function$;

CREATE OR REPLACE FUNCTION private.my_shared_trip_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        select collaborators.trip_id from public.collaborators where collaborators.user_id = (select auth.uid())
        order by 1;
end
$function$;

CREATE OR REPLACE FUNCTION private.my_trip_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        select trips.id from public.trips where trips.user_id = (select auth.uid())
        union all
        select collaborators.trip_id from public.collaborators where collaborators.user_id = (select auth.uid())
        order by 1;
end
$function$;

CREATE OR REPLACE FUNCTION private.my_trip_place_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        select distinct trip_items.place_id from public.trip_items
        where trip_items.trip_id = any (array(select private.my_trip_ids())) and trip_items.place_id is not null
        order by 1;
end
$function$;

CREATE OR REPLACE FUNCTION public.cost_total (
  public .trips
)
  RETURNS numeric
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    trip alias for $1;
    caller uuid := auth.uid();
begin
    return (
        select coalesce(sum(trip_items.cost), 0.00) from public.trip_items
        where trip_items.trip_id = trip.id
            and (
                exists (select from public.trips where trips.id = trip.id and trips.user_id = caller)
                or exists (
                    select from public.collaborators
                    where collaborators.trip_id = trip.id and collaborators.user_id = caller
                )
            )
    );
end
$function$;

CREATE VIEW "public"."collections_by_created_at_desc_reversed" WITH (security_invoker=true) AS  SELECT id,
    user_id,
    name,
    description,
    created_at,
    updated_at
   FROM public.collections
  ORDER BY created_at, id DESC;

REVOKE ALL ON TABLE "public"."collections_by_created_at_desc_reversed" FROM "anon", "service_role";

CREATE VIEW "public"."collections_by_created_at_desc" WITH (security_invoker=true) AS  SELECT id,
    user_id,
    name,
    description,
    created_at,
    updated_at
   FROM public.collections
  ORDER BY created_at DESC, id;

REVOKE ALL ON TABLE "public"."collections_by_created_at_desc" FROM "anon", "service_role";

CREATE VIEW "public"."places_by_created_at_desc_reversed" WITH (security_invoker=true) AS  SELECT id,
    user_id,
    name,
    category,
    address,
    city,
    country_code,
    latitude,
    longitude,
    website,
    notes,
    created_at,
    updated_at
   FROM public.places
  ORDER BY created_at, id DESC;

REVOKE ALL ON TABLE "public"."places_by_created_at_desc_reversed" FROM "anon", "service_role";

CREATE VIEW "public"."places_by_created_at_desc" WITH (security_invoker=true) AS  SELECT id,
    user_id,
    name,
    category,
    address,
    city,
    country_code,
    latitude,
    longitude,
    website,
    notes,
    created_at,
    updated_at
   FROM public.places
  ORDER BY created_at DESC, id;

REVOKE ALL ON TABLE "public"."places_by_created_at_desc" FROM "anon", "service_role";

CREATE VIEW "public"."profiles_by_display_name_reversed" WITH (security_invoker=true) AS  SELECT id,
    display_name,
    avatar_path,
    created_at,
    updated_at
   FROM public.profiles
  ORDER BY display_name DESC, id DESC;

REVOKE ALL ON TABLE "public"."profiles_by_display_name_reversed" FROM "anon", "service_role";

CREATE VIEW "public"."profiles_by_display_name" WITH (security_invoker=true) AS  SELECT id,
    display_name,
    avatar_path,
    created_at,
    updated_at
   FROM public.profiles
  ORDER BY display_name, id;

REVOKE ALL ON TABLE "public"."profiles_by_display_name" FROM "anon", "service_role";

CREATE VIEW "public"."tags_by_name_reversed" WITH (security_invoker=true) AS  SELECT id,
    user_id,
    name,
    colour,
    created_at,
    updated_at
   FROM public.tags
  ORDER BY name DESC, id DESC;

REVOKE ALL ON TABLE "public"."tags_by_name_reversed" FROM "anon", "service_role";

CREATE VIEW "public"."tags_by_name" WITH (security_invoker=true) AS  SELECT id,
    user_id,
    name,
    colour,
    created_at,
    updated_at
   FROM public.tags
  ORDER BY name, id;

REVOKE ALL ON TABLE "public"."tags_by_name" FROM "anon", "service_role";

CREATE VIEW "public"."trip_items_by_day_number_order_index_reversed" WITH (security_invoker=true) AS  SELECT id,
    trip_id,
    place_id,
    title,
    notes,
    kind,
    day_number,
    order_index,
    starts_at,
    ends_at,
    cost,
    created_at,
    updated_at,
    details
   FROM public.trip_items
  ORDER BY day_number DESC, order_index DESC, id DESC;

REVOKE ALL ON TABLE "public"."trip_items_by_day_number_order_index_reversed" FROM "anon", "service_role";

CREATE VIEW "public"."trip_items_by_day_number_order_index" WITH (security_invoker=true) AS  SELECT id,
    trip_id,
    place_id,
    title,
    notes,
    kind,
    day_number,
    order_index,
    starts_at,
    ends_at,
    cost,
    created_at,
    updated_at,
    details
   FROM public.trip_items
  ORDER BY day_number, order_index, id;

REVOKE ALL ON TABLE "public"."trip_items_by_day_number_order_index" FROM "anon", "service_role";

CREATE VIEW "public"."trips_by_created_at_desc_reversed" WITH (security_invoker=true) AS  SELECT id,
    user_id,
    title,
    description,
    destination,
    status,
    start_date,
    end_date,
    budget,
    currency,
    created_at,
    updated_at,
    labels
   FROM public.trips
  ORDER BY created_at, id DESC;

REVOKE ALL ON TABLE "public"."trips_by_created_at_desc_reversed" FROM "anon", "service_role";

CREATE VIEW "public"."trips_by_created_at_desc" WITH (security_invoker=true) AS  SELECT id,
    user_id,
    title,
    description,
    destination,
    status,
    start_date,
    end_date,
    budget,
    currency,
    created_at,
    updated_at,
    labels
   FROM public.trips
  ORDER BY created_at DESC, id;

REVOKE ALL ON TABLE "public"."trips_by_created_at_desc" FROM "anon", "service_role";

CREATE VIEW "public"."trips_by_start_date_desc_reversed" WITH (security_invoker=true) AS  SELECT id,
    user_id,
    title,
    description,
    destination,
    status,
    start_date,
    end_date,
    budget,
    currency,
    created_at,
    updated_at,
    labels
   FROM public.trips
  ORDER BY start_date, id DESC;

REVOKE ALL ON TABLE "public"."trips_by_start_date_desc_reversed" FROM "anon", "service_role";

CREATE VIEW "public"."trips_by_start_date_desc" WITH (security_invoker=true) AS  SELECT id,
    user_id,
    title,
    description,
    destination,
    status,
    start_date,
    end_date,
    budget,
    currency,
    created_at,
    updated_at,
    labels
   FROM public.trips
  ORDER BY start_date DESC, id;

REVOKE ALL ON TABLE "public"."trips_by_start_date_desc" FROM "anon", "service_role";

CREATE VIEW "public"."trips_by_start_date_reversed" WITH (security_invoker=true) AS  SELECT id,
    user_id,
    title,
    description,
    destination,
    status,
    start_date,
    end_date,
    budget,
    currency,
    created_at,
    updated_at,
    labels
   FROM public.trips
  ORDER BY start_date DESC, id DESC;

REVOKE ALL ON TABLE "public"."trips_by_start_date_reversed" FROM "anon", "service_role";

CREATE VIEW "public"."trips_by_start_date" WITH (security_invoker=true) AS  SELECT id,
    user_id,
    title,
    description,
    destination,
    status,
    start_date,
    end_date,
    budget,
    currency,
    created_at,
    updated_at,
    labels
   FROM public.trips
  ORDER BY start_date, id;

REVOKE ALL ON TABLE "public"."trips_by_start_date" FROM "anon", "service_role";

CREATE INDEX idx_trip_items_trip_id_place_id ON public.trip_items USING btree (trip_id, place_id)
  WHERE (place_id IS NOT NULL);

CREATE POLICY "Nobody but the limits themselves may look" ON "private"."sent_invitations"
  FOR ALL
  TO PUBLIC
  USING (false);

CREATE POLICY "People can view their own places and those on their trips" ON "public"."places"
  FOR SELECT
  TO "authenticated"
  USING (((user_id = ( SELECT auth.uid() AS uid)) OR (id = ANY (ARRAY( SELECT private.my_trip_place_ids() AS my_trip_place_ids)))));

CREATE POLICY "People can view trips they take part in" ON "public"."trips"
  FOR SELECT
  TO "authenticated"
  USING (((user_id = ( SELECT auth.uid() AS uid)) OR (id = ANY (ARRAY( SELECT private.my_shared_trip_ids() AS my_shared_trip_ids)))));

COMMENT ON FUNCTION "private"."my_companion_ids"() IS 'The other people on the trips that the caller may see.';

COMMENT ON FUNCTION "private"."my_shared_trip_ids"() IS 'The trips of others that the caller may see.';

COMMENT ON FUNCTION "private"."my_trip_place_ids"() IS 'The places that items of the trips name that the caller may see.';

COMMENT ON VIEW "public"."collections_by_created_at_desc" IS 'Collections, the newest first.';

COMMENT ON VIEW "public"."collections_by_created_at_desc_reversed" IS 'The same as collections_by_created_at_desc, from its end.';

COMMENT ON VIEW "public"."places_by_created_at_desc" IS 'Places, the newest first.';

COMMENT ON VIEW "public"."places_by_created_at_desc_reversed" IS 'The same as places_by_created_at_desc, from its end.';

COMMENT ON VIEW "public"."profiles_by_display_name" IS 'Profiles, by name.';

COMMENT ON VIEW "public"."profiles_by_display_name_reversed" IS 'The same as profiles_by_display_name, from its end.';

COMMENT ON VIEW "public"."tags_by_name" IS 'Tags, by name.';

COMMENT ON VIEW "public"."tags_by_name_reversed" IS 'The same as tags_by_name, from its end.';

COMMENT ON VIEW "public"."trip_items_by_day_number_order_index" IS 'Items, by day and position.';

COMMENT ON VIEW "public"."trip_items_by_day_number_order_index_reversed" IS 'The same as trip_items_by_day_number_order_index, from its end.';

COMMENT ON VIEW "public"."trips_by_created_at_desc" IS 'Trips, the newest first.';

COMMENT ON VIEW "public"."trips_by_created_at_desc_reversed" IS 'The same as trips_by_created_at_desc, from its end.';

COMMENT ON VIEW "public"."trips_by_start_date" IS 'Trips, the first to begin first.';

COMMENT ON VIEW "public"."trips_by_start_date_desc" IS 'Trips, the last to begin first.';

COMMENT ON VIEW "public"."trips_by_start_date_desc_reversed" IS 'The same as trips_by_start_date_desc, from its end.';

COMMENT ON VIEW "public"."trips_by_start_date_reversed" IS 'The same as trips_by_start_date, from its end.';

REVOKE ALL ON FUNCTION "private"."my_shared_trip_ids"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "private"."my_shared_trip_ids"() TO "authenticated";

REVOKE ALL ON FUNCTION "private"."my_trip_place_ids"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "private"."my_trip_place_ids"() TO "authenticated";

REVOKE ALL ON TABLE "public"."collections_by_created_at_desc" FROM "authenticated";

GRANT SELECT ON TABLE "public"."collections_by_created_at_desc" TO "authenticated";

REVOKE ALL ON TABLE "public"."collections_by_created_at_desc_reversed" FROM "authenticated";

GRANT SELECT ON TABLE "public"."collections_by_created_at_desc_reversed" TO "authenticated";

REVOKE ALL ON TABLE "public"."places_by_created_at_desc" FROM "authenticated";

GRANT SELECT ON TABLE "public"."places_by_created_at_desc" TO "authenticated";

REVOKE ALL ON TABLE "public"."places_by_created_at_desc_reversed" FROM "authenticated";

GRANT SELECT ON TABLE "public"."places_by_created_at_desc_reversed" TO "authenticated";

REVOKE ALL ON TABLE "public"."profiles_by_display_name" FROM "authenticated";

GRANT SELECT ON TABLE "public"."profiles_by_display_name" TO "authenticated";

REVOKE ALL ON TABLE "public"."profiles_by_display_name_reversed" FROM "authenticated";

GRANT SELECT ON TABLE "public"."profiles_by_display_name_reversed" TO "authenticated";

REVOKE ALL ON TABLE "public"."tags_by_name" FROM "authenticated";

GRANT SELECT ON TABLE "public"."tags_by_name" TO "authenticated";

REVOKE ALL ON TABLE "public"."tags_by_name_reversed" FROM "authenticated";

GRANT SELECT ON TABLE "public"."tags_by_name_reversed" TO "authenticated";

REVOKE ALL ON TABLE "public"."trip_items_by_day_number_order_index" FROM "authenticated";

GRANT SELECT ON TABLE "public"."trip_items_by_day_number_order_index" TO "authenticated";

REVOKE ALL ON TABLE "public"."trip_items_by_day_number_order_index_reversed" FROM "authenticated";

GRANT SELECT ON TABLE "public"."trip_items_by_day_number_order_index_reversed" TO "authenticated";

REVOKE ALL ON TABLE "public"."trips_by_created_at_desc" FROM "authenticated";

GRANT SELECT ON TABLE "public"."trips_by_created_at_desc" TO "authenticated";

REVOKE ALL ON TABLE "public"."trips_by_created_at_desc_reversed" FROM "authenticated";

GRANT SELECT ON TABLE "public"."trips_by_created_at_desc_reversed" TO "authenticated";

REVOKE ALL ON TABLE "public"."trips_by_start_date" FROM "authenticated";

GRANT SELECT ON TABLE "public"."trips_by_start_date" TO "authenticated";

REVOKE ALL ON TABLE "public"."trips_by_start_date_desc" FROM "authenticated";

GRANT SELECT ON TABLE "public"."trips_by_start_date_desc" TO "authenticated";

REVOKE ALL ON TABLE "public"."trips_by_start_date_desc_reversed" FROM "authenticated";

GRANT SELECT ON TABLE "public"."trips_by_start_date_desc_reversed" TO "authenticated";

REVOKE ALL ON TABLE "public"."trips_by_start_date_reversed" FROM "authenticated";

GRANT SELECT ON TABLE "public"."trips_by_start_date_reversed" TO "authenticated";
