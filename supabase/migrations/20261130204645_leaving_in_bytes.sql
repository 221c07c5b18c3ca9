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
                'select private.enqueue($1, $2, jsonb_build_object(''rows'', jsonb_agg(owned.part)))
                from (
                    select part, sum(octet_length(part::text) + 2) over (rows unbounded preceding) / 32768 as batch
                    from (
                        select to_jsonb(found) as part from (select %s from %s where %I = $3::text::%s) as found
                    ) as parts
                ) as owned
                group by owned.batch',
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

CREATE OR REPLACE FUNCTION public.task_metrics (
  token text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    moment constant timestamptz := clock_timestamp();
begin
    if not exists (
        select from vault.decrypted_secrets as secrets
        where secrets.name = 'metrics_token_digest'
            and lower(btrim(secrets.decrypted_secret, e' \t\r\n'))
                = encode(sha256(convert_to(task_metrics.token, 'UTF8')), 'hex')
    ) then
        perform private.refuse('FORBIDDEN', 'This is not the token of the metrics, or there is none.');
    end if;
    return (
        select coalesce(jsonb_object_agg(kind, counted), '{}')
        from (
            select
                kind,
                jsonb_build_object(
                    'waiting', sum(waiting), 'running', sum(running), 'failed', sum(failed),
                    'oldest_due_seconds', greatest(0, coalesce(round(extract(epoch from moment - min(due)), 3), 0))
                ) as counted
            from (
                -- Each by an index of its own, which holds all that is asked.
                select kind, count(*) as waiting, 0 as running, 0 as failed, min(run_at) as due
                from private.tasks where status = 'waiting' group by kind
                union all
                select kind, 0, count(*), 0, min(lease_until) from private.tasks where status = 'running' group by kind
                union all
                select kind, 0, 0, count(*), null from private.tasks where status = 'failed' group by kind
                union all
                -- None is a number too: else whoever asks would go on with the last one.
                select kind, 0, 0, 0, null from private.task_kinds
            ) as parts
            group by kind
        ) as kinds
    );
end
$function$;
