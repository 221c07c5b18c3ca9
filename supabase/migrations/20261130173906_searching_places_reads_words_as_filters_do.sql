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
    -- What is typed means what it means to `filter: { search }`, `or`, `-` and "…" too, but that each word also stands for
    -- those that begin with it. In the text of a query every word is quoted, so no text is taken for an operator.
    wanted constant tsquery := regexp_replace(
        websearch_to_tsquery('simple', words)::text, '''(?:[^'']|'''')*''', '\&:*', 'g'
    );
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

COMMENT ON FUNCTION "private"."my_place_ids_by_words"(text) IS 'Which of the places that the caller may see hold these words, or words that begin so.';

COMMENT ON FUNCTION "public"."search_places"(text) IS 'The places whose name, city, address or notes hold these words, or words that begin so.';
