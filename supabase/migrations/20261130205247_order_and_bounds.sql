SET local check_function_bodies = off;

ALTER TABLE "public"."trip_items"
  DROP CONSTRAINT "trip_items_day_number_check";

ALTER TABLE "public"."trips"
  DROP CONSTRAINT "trips_end_date_check";

ALTER TABLE "public"."collection_places"
  ALTER COLUMN "order_index" SET DEFAULT NULLIF(0, 0);

ALTER TABLE "public"."trip_items"
  ALTER COLUMN "order_index" SET DEFAULT NULLIF(0, 0);

CREATE OR REPLACE FUNCTION private.append_collection_place()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform from public.collections where collections.id = new.collection_id for no key update;
    new.order_index := (
        select least(coalesce(max(entries.order_index), -1), 2147483646) + 1 from public.collection_places as entries
        where entries.collection_id = new.collection_id
    );
    return new;
end
$function$;

CREATE OR REPLACE FUNCTION private.append_trip_item()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform from public.trips where trips.id = new.trip_id for no key update;
    new.order_index := (
        select least(coalesce(max(items.order_index), -1), 2147483646) + 1 from public.trip_items as items
        where items.trip_id = new.trip_id and items.day_number = new.day_number
    );
    return new;
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
    part jsonb;
    named_table text[];
    target regclass;
    named text[];
    batch jsonb;
    columns text;
    known bigint;
begin
    for part in select value from jsonb_array_elements(tree) loop
        -- `trips`, or `household.couples`.
        named_table := string_to_array(part ->> 'table', '.');
        if cardinality(named_table) = 1 then
            named_table := array['public'] || named_table;
        end if;
        select pg_class.oid into target
        from pg_class join pg_namespace on pg_namespace.oid = relnamespace
        where nspname = named_table[1] and relname = named_table[2] and cardinality(named_table) = 2
            and relkind in ('r', 'p') and has_any_column_privilege(pg_class.oid, 'insert')
            and relowner = (select proowner from pg_proc where pg_proc.oid = 'public.insert_tree(jsonb)'::regprocedure);
        if target is null then
            raise insufficient_privilege using message = 'rows of this table are not inserted in a tree';
        end if;

        for named, batch in
            select run.named, jsonb_agg(run.value order by run.place)
            from (
                select shape.named, given.value, given.ordinality as place,
                    given.ordinality - row_number() over (partition by shape.named order by given.ordinality) as number
                from jsonb_array_elements(part -> 'rows') with ordinality as given
                cross join lateral (
                    select array_agg(name order by name) from jsonb_object_keys(given.value) as name
                ) as shape (named)
            ) as run
            group by run.named, run.number
            order by min(run.place)
        loop
            select string_agg(quote_ident(attname), ', ' order by attnum), count(*) into columns, known
            from pg_attribute
            where attrelid = target and attnum > 0 and not attisdropped and attname = any (named);
            if known = 0 or known < cardinality(named) then
                raise undefined_column using message = 'a row names no column, or one that its table does not have';
            end if;
            execute format(
                'insert into %1$s (%2$s) select %2$s from jsonb_populate_recordset(null::%1$s, $1)',
                target, columns
            ) using batch;
        end loop;
    end loop;
end
$function$;

ALTER TABLE "public"."trip_items"
  ADD CONSTRAINT "trip_items_day_number_check" CHECK (((day_number >= 1) AND (day_number <= 1000)));

ALTER TABLE "public"."trips"
  ADD CONSTRAINT "trips_end_date_check"
    CHECK (((end_date >= '0001-01-01'::date) AND (end_date <= '9999-12-31'::date) AND (end_date >= start_date) AND ((end_date - start_date) < 1000)));

CREATE TRIGGER append_collection_places
  BEFORE INSERT ON public.collection_places
  FOR EACH ROW
  WHEN ((new.order_index IS NULL))
  EXECUTE FUNCTION private.append_collection_place();

CREATE TRIGGER append_trip_items
  BEFORE INSERT ON public.trip_items
  FOR EACH ROW
  WHEN ((new.order_index IS NULL))
  EXECUTE FUNCTION private.append_trip_item();

COMMENT ON COLUMN "public"."collection_places"."order_index" IS 'The place''s position within the collection, counted from 0; without one it comes last.';

COMMENT ON COLUMN "public"."trip_items"."day_number" IS 'The day of the trip on which the item happens, counted from 1, up to 1,000.';

COMMENT ON COLUMN "public"."trip_items"."order_index" IS 'The item''s position within its day, counted from 0; without one it comes last.';

COMMENT ON COLUMN "public"."trips"."end_date" IS 'The last day of the trip, never before the first, and at most 1,000 days in all.';

COMMENT ON CONSTRAINT "trip_items_day_number_check" ON "public"."trip_items" IS 'Days are counted from 1, up to 1,000.';

COMMENT ON CONSTRAINT "trips_end_date_check" ON "public"."trips" IS 'A trip ends by the year 9999, not before it starts, and takes at most 1,000 days.';

REVOKE ALL ON FUNCTION "private"."append_collection_place"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."append_trip_item"() FROM PUBLIC;
