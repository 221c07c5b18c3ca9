SET local check_function_bodies = off;

DROP TRIGGER "broadcast_collaborators_changes" ON "public"."collaborators";

DROP TRIGGER "broadcast_collaborators_membership" ON "public"."collaborators";

DROP TRIGGER "broadcast_trip_items_changes" ON "public"."trip_items";

DROP TRIGGER "broadcast_trips_changes" ON "public"."trips";

DROP TRIGGER "broadcast_votes_changes" ON "public"."votes";

DROP FUNCTION "private"."broadcast_change"(text, text, name, record, record);

DROP FUNCTION "private"."broadcast_membership"();

DROP FUNCTION "private"."broadcast_trip_part"();

CREATE OR REPLACE FUNCTION private.broadcast (
  topic         text,
  operation     text,
  source_schema name,
  source        name,
  new_row       jsonb,
  old_row       jsonb
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform realtime.send(
        jsonb_build_object(
            'schema', source_schema, 'table', source, 'operation', operation, 'record', new_row, 'old_record', old_row
        ),
        operation, topic, true
    );
end
$function$;

CREATE OR REPLACE FUNCTION private.broadcast_change (
  scope         text,
  before        text,
  after         text,
  key           text,
  shown         text[],
  source_schema name,
  source        name,
  new_row       jsonb,
  old_row       jsonb
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    gone constant jsonb := jsonb_build_object(key, old_row -> key);
begin
    if cardinality(shown) > 0 then
        new_row := (
            select jsonb_object_agg(name, value) from jsonb_each(new_row) as part (name, value) where name = any (shown)
        );
        old_row := (
            select jsonb_object_agg(name, value) from jsonb_each(old_row) as part (name, value) where name = any (shown)
        );
    end if;
    if before = after then
        perform private.broadcast(scope || ':' || after, 'UPDATE', source_schema, source, new_row, old_row);
        return;
    end if;
    if before is not null then
        perform private.broadcast(scope || ':' || before, 'DELETE', source_schema, source, null, gone);
    end if;
    if after is not null then
        perform private.broadcast(scope || ':' || after, 'INSERT', source_schema, source, new_row, null);
    end if;
end
$function$;

CREATE OR REPLACE FUNCTION private.broadcast_invitation()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    invited uuid := (
        select users.id from auth.users where users.email = new.email and users.email_confirmed_at is not null
    );
begin
    if invited is not null then
        perform private.broadcast(
            'user:' || invited, tg_op, tg_table_schema, tg_table_name, to_jsonb(new) - 'token_hash', null
        );
    end if;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.broadcast_trip()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.broadcast_change(
        'trip', old.id::text, new.id::text, tg_argv[0], tg_argv[1:],
        tg_table_schema, tg_table_name, to_jsonb(new), to_jsonb(old)
    );
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.broadcast_trip_by_trip_id()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    -- What goes with its trip is not told.
    if tg_op = 'DELETE'
        and not exists (select from public.trips where id = old.trip_id)
    then
        return null;
    end if;
    perform private.broadcast_change(
        'trip', old.trip_id::text, new.trip_id::text, tg_argv[0], tg_argv[1:],
        tg_table_schema, tg_table_name, to_jsonb(new), to_jsonb(old)
    );
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.broadcast_user_by_user_id()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.broadcast_change(
        'user', old.user_id::text, new.user_id::text, tg_argv[0], tg_argv[1:],
        tg_table_schema, tg_table_name, to_jsonb(new), to_jsonb(old)
    );
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.my_topics()
  RETURNS SETOF text
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        select 'user:' || auth.uid()
        union all
        select 'trip:' || key from private.my_trip_ids() as key;
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

CREATE TRIGGER broadcast_collaborators_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.collaborators
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_trip_by_trip_id('id');

CREATE TRIGGER broadcast_collaborators_membership
  AFTER INSERT OR DELETE ON public.collaborators
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_by_user_id('id');

CREATE TRIGGER broadcast_trip_items_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.trip_items
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_trip_by_trip_id('id');

CREATE TRIGGER broadcast_trips_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.trips
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_trip('id');

CREATE TRIGGER broadcast_votes_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.votes
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_trip_by_trip_id('id');

ALTER POLICY "People can be seen on their trips" ON "realtime"."messages"
  RENAME TO "People can be seen where they take part";

ALTER POLICY "People can be seen where they take part" ON "realtime"."messages"
  WITH CHECK (extension = 'presence'::text AND (SELECT realtime.topic()) = ANY (ARRAY(SELECT private.my_topics()))
    AND (SELECT realtime.topic()) <> 'user:'::text || (SELECT auth.uid()));

ALTER POLICY "People can listen to their trips and to what concerns them" ON "realtime"."messages"
  RENAME TO "People can listen to what they take part in";

ALTER POLICY "People can listen to what they take part in" ON "realtime"."messages"
  USING (extension = ANY (ARRAY['broadcast'::text, 'presence'::text])
    AND (SELECT realtime.topic()) = ANY (ARRAY(SELECT private.my_topics())));

COMMENT ON FUNCTION "private"."my_topics"() IS 'The topics that the caller may listen to: their own, and those of all that they take part in.';

REVOKE ALL ON FUNCTION "private"."broadcast"(text, text, name, name, jsonb, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."broadcast_change"(text, text, text, text, text[], name, name, jsonb, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."broadcast_trip_by_trip_id"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."broadcast_user_by_user_id"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."my_topics"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "private"."my_topics"() TO "authenticated";
