SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.expect_rows()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
    expected text;
begin
    if pg_trigger_depth() > 1
        or coalesce(current_setting('request.path', true), '') not like '%/' || replace(tg_table_name, '_', '\_')
    then
        return null;
    end if;
    expected := nullif(current_setting('request.headers', true), '')::json ->> 'x-exactly';
    if expected is not null and expected <> (select count(*) from touched)::text then
        raise sqlstate 'PT412' using
            message = 'this would touch another number of rows than was meant',
            hint = 'Some are not there any more, have changed, or may not be written.';
    end if;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION public.insert_tree (
  tree jsonb
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
    -- The tables that to_many(…, create=True) leads to in gql/types, and those that it leads from.
    allowed constant text[] := array[
        'trips', 'trip_items', 'places', 'place_tags', 'collections', 'collection_places', 'tags'
    ];
    part jsonb;
    target text;
    named text[];
    batch jsonb;
    columns text;
    known bigint;
begin
    for part in select value from jsonb_array_elements(tree) loop
        target := part ->> 'table';
        if target is null or target <> all (allowed) then
            raise insufficient_privilege using message = 'rows of this table are not inserted in a tree';
        end if;

        for named, batch in
            select shape.named, jsonb_agg(given.value order by given.ordinality)
            from jsonb_array_elements(part -> 'rows') with ordinality as given
            cross join lateral (
                select array_agg(name order by name) from jsonb_object_keys(given.value) as name
            ) as shape (named)
            group by shape.named
            order by min(given.ordinality)
        loop
            select string_agg(quote_ident(attname), ', ' order by attnum), count(*) into columns, known
            from pg_attribute
            where attrelid = to_regclass(format('public.%I', target))
                and attnum > 0 and not attisdropped and attname = any (named);
            if known = 0 or known < cardinality(named) then
                raise undefined_column using message = 'a row names no column, or one that its table does not have';
            end if;
            execute format(
                'insert into public.%1$I (%2$s) select %2$s from jsonb_populate_recordset(null::public.%1$I, $1)',
                target, columns
            ) using batch;
        end loop;
    end loop;
end
$function$;

REVOKE ALL ON FUNCTION "public"."insert_tree"(jsonb) FROM PUBLIC, "anon", "service_role";

CREATE TRIGGER expect_collaborators_deletes
  AFTER DELETE ON public.collaborators REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

CREATE TRIGGER expect_collaborators_updates
  AFTER UPDATE ON public.collaborators REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

CREATE TRIGGER expect_collection_places_deletes
  AFTER DELETE ON public.collection_places REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

CREATE TRIGGER expect_collection_places_updates
  AFTER UPDATE ON public.collection_places REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

CREATE TRIGGER expect_collections_deletes
  AFTER DELETE ON public.collections REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

CREATE TRIGGER expect_collections_updates
  AFTER UPDATE ON public.collections REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

CREATE TRIGGER expect_place_tags_deletes
  AFTER DELETE ON public.place_tags REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

CREATE TRIGGER expect_places_deletes
  AFTER DELETE ON public.places REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

CREATE TRIGGER expect_places_updates
  AFTER UPDATE ON public.places REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

CREATE TRIGGER expect_saved_places_deletes
  AFTER DELETE ON public.saved_places REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

CREATE TRIGGER expect_saved_places_updates
  AFTER UPDATE ON public.saved_places REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

CREATE TRIGGER expect_tags_deletes
  AFTER DELETE ON public.tags REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

CREATE TRIGGER expect_tags_updates
  AFTER UPDATE ON public.tags REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

CREATE TRIGGER expect_trip_items_deletes
  AFTER DELETE ON public.trip_items REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

CREATE TRIGGER expect_trip_items_updates
  AFTER UPDATE ON public.trip_items REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

CREATE TRIGGER expect_trips_deletes
  AFTER DELETE ON public.trips REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

CREATE TRIGGER expect_trips_updates
  AFTER UPDATE ON public.trips REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

CREATE TRIGGER expect_votes_deletes
  AFTER DELETE ON public.votes REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

CREATE TRIGGER expect_votes_updates
  AFTER UPDATE ON public.votes REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

COMMENT ON FUNCTION "public"."insert_tree"(jsonb) IS 'Inserts rows of several tables, all or none: a list of {table, rows}, each table behind those that it refers to.';

REVOKE ALL ON FUNCTION "private"."expect_rows"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."insert_tree"(jsonb) TO "authenticated";
