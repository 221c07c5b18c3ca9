SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.leave()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    declared private.leaving_common;
    there record;
begin
    -- What a task is to know is read before anything goes.
    for declared in select * from private.leaving() as said order by said.does <> 'task' loop
        select pg_attribute.attrelid::regclass as relation, format_type(atttypid, atttypmod) as type, exists (
            select from pg_catalog.pg_constraint where contype = 'f' and conrelid = attrelid and conkey = array[attnum]
        ) as has_key
        into there
        from pg_catalog.pg_attribute
        where attrelid = to_regclass(declared.relation) and attname = declared.person and not attisdropped;
        -- A system that is not deployed has nothing of anybody.
        continue when not found;
        if declared.does = 'task' then
            execute format(
                'select private.enqueue($1, $2, jsonb_build_object(''rows'', jsonb_agg(to_jsonb(owned) - ''batch'')))
                from (
                    select %s, (row_number() over () - 1) / 20 as batch from %s where %I = $3::text::%s
                ) as owned
                group by batch',
                (select string_agg(quote_ident(name), ', ') from unnest(declared.columns) as name),
                there.relation, declared.person, there.type
            ) using declared.kind, 'user:' || old.id, old.id;
        elsif declared.does = 'delete' and not there.has_key then
            execute format('delete from %s where %I = $1::text::%s', there.relation, declared.person, there.type)
            using old.id;
        elsif declared.does = 'anonymise' and not there.has_key then
            execute format(
                'update %s set %2$I = null where %2$I = $1::text::%3$s', there.relation, declared.person, there.type
            ) using old.id;
        end if;
    end loop;
    return old;
end
$function$;

CREATE VIEW "private"."leaving_common" AS  SELECT relation,
    person,
    does,
    kind,
    columns,
    why
   FROM ( VALUES ('storage.objects'::text,'owner_id'::text,'task'::text,'remove_objects'::text,ARRAY['bucket_id'::text, 'name'::text],'No longer than until the task is done.'::text), ('public.invitations'::text,'email'::text,'retain'::text,NULL::text,NULL::text[],'It is the inviter''s, who wrote the address down.'::text), ('private.tasks'::text,'subject'::text,'retain'::text,NULL::text,NULL::text[],'It names whom something is still to be done for.'::text), ('realtime.messages'::text,'payload'::text,'retain'::text,NULL::text,NULL::text[],'What was told; Realtime drops it after three days.'::text)) declared(relation, person, does, kind, columns, why);

CREATE OR REPLACE FUNCTION private.leaving()
  RETURNS SETOF private.leaving_common
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    of_domain regclass;
begin
    for of_domain in
        select pg_class.oid from pg_catalog.pg_class
        where relnamespace = 'private'::regnamespace and relkind = 'v' and relname like 'leaving\_%'
        order by relname
    loop
        return query execute format('select * from %s', of_domain);
    end loop;
end
$function$;

CREATE TRIGGER leave
  BEFORE DELETE ON public.profiles
  FOR EACH ROW
  EXECUTE FUNCTION private.leave();

COMMENT ON FUNCTION "private"."leave"() IS 'Does what every domain says of people who leave, and no foreign key does.';

COMMENT ON FUNCTION "private"."leaving"() IS 'What every domain says of people who leave.';

COMMENT ON VIEW "private"."leaving_common" IS 'What becomes of references to a person who leaves, beside foreign keys, of what all systems share.';

REVOKE ALL ON FUNCTION "private"."leave"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."leaving"() FROM PUBLIC;
