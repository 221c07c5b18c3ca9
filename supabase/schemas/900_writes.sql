-- What the API's writes need beyond one statement on one table: to be held to the rows that were meant, and to make rows
-- of several tables at once.


-- Exactly so many rows ------------------------------------------------------------------------------------------------

-- PATCH and DELETE pass over rows that no policy lets the caller write. Whoever sends `X-Exactly: n` means n rows or none:
-- should the statement touch more or fewer, it is undone. Only the request's own statement is counted: what a trigger does
-- behind it is deeper, what cascades is on another table, which may be called alike in another schema: requests name that
-- in a header, unless it is public. PostgREST answers PTxyz with HTTP status xyz.
create function private.expect_rows() returns trigger language plpgsql set search_path = '' as $$
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
$$;
revoke execute on function private.expect_rows() from public;

-- Each table that the API writes by filter has one trigger an event, since a transition table serves one alone: generated.


-- Rows and what belongs to them ---------------------------------------------------------------------------------------

-- Under the caller's own grants and policies, one statement after the other, so that the policies of a row see those that
-- came before it. A row names its own columns, and the others get their defaults: rows that name the same are inserted
-- together. Names are taken from the catalog, never from the caller.
create function public.insert_tree(tree jsonb) returns void language plpgsql set search_path = '' as $$
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
$$;
comment on function public.insert_tree(jsonb) is 'Inserts rows of several tables, all or none: a list of {table, rows}, each table behind those that it refers to.';
-- Older projects grant new functions to every role of the API.
revoke execute on function public.insert_tree(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.insert_tree(jsonb) to authenticated;
