-- What inserts rows and what belongs to them, as the product has it, of these tables.

create function public.insert_tree(tree jsonb) returns void language plpgsql set search_path = '' as $$
declare
    allowed constant text[] := array['text_samples', 'marks'];
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
$$;
