SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.expect_rows()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
    headers json;
    expected text;
begin
    if pg_trigger_depth() > 1
        or coalesce(current_setting('request.path', true), '') not like '%/' || replace(tg_table_name, '_', '\_')
    then
        return null;
    end if;
    headers := nullif(current_setting('request.headers', true), '')::json;
    expected := headers ->> 'x-exactly';
    if expected is not null and tg_table_schema = coalesce(headers ->> 'content-profile', 'public')
        and expected <> (select count(*) from touched)::text then
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
    relation regclass;
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
        -- Of public where it says no schema.
        relation := case when target like '%.%' then target else 'public.' || target end;

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
            where attrelid = relation
                and attnum > 0 and not attisdropped and attname = any (named);
            if known = 0 or known < cardinality(named) then
                raise undefined_column using message = 'a row names no column, or one that its table does not have';
            end if;
            execute format(
                'insert into %1$s (%2$s) select %2$s from jsonb_populate_recordset(null::%1$s, $1)',
                relation, columns
            ) using batch;
        end loop;
    end loop;
end
$function$;
