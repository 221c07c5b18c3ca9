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
-- came before it: nothing can be written here that could not be written row by row. A row names its own columns, and the
-- others get their defaults: rows that follow each other and name the same are inserted together, so that rows are made in
-- their order, in which some are numbered. Names are taken from the catalog, never from the caller. Of tables, whoever may insert a row may do so here, but into no table of the platform's: to those lead
-- other ways than the API of tables.
create function public.insert_tree(tree jsonb) returns void language plpgsql set search_path = '' as $$
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
$$;
comment on function public.insert_tree(jsonb) is 'Inserts rows of several tables, all or none: a list of {table, rows}, each table behind those that it refers to.';
-- Older projects grant new functions to every role of the API.
revoke execute on function public.insert_tree(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.insert_tree(jsonb) to authenticated;
