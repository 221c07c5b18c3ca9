SET local check_function_bodies = off;

DROP INDEX "private"."idx_tasks_status_finished_at";

CREATE OR REPLACE FUNCTION private.retry_tasks (
  ids   uuid[],
  kinds text[]
)
  RETURNS SETOF private.tasks
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        update private.tasks set status = 'waiting', attempts = 0, run_at = clock_timestamp(), finished_at = null
        where (ids is null or tasks.id = any (ids)) and (kinds is null or tasks.kind = any (kinds))
            and (tasks.status = 'failed' or ids is not null and tasks.status = 'waiting')
        returning tasks.*;
end
$function$;

CREATE OR REPLACE FUNCTION private.ring_tasks (
  kinds text[] DEFAULT NULL::text[]
)
  RETURNS TABLE (
    function text,
    request  bigint
  )
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    moment constant timestamptz := clock_timestamp();
begin
    for function in
        select distinct known.function from private.task_kinds as known
        where (ring_tasks.kinds is null or known.kind = any (ring_tasks.kinds))
            and (
                exists (
                    select from private.tasks
                    where tasks.kind = known.kind and tasks.status = 'waiting' and tasks.run_at <= moment
                )
                or exists (
                    select from private.tasks
                    where tasks.kind = known.kind and tasks.status = 'running' and tasks.lease_until <= moment
                )
            )
        order by 1
    loop
        request := private.invoke_function(function);
        return next;
    end loop;
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
                    'oldest_due_seconds', greatest(0, round(extract(epoch from moment - min(due)), 3))
                ) as counted
            from (
                -- Each by an index of its own, which holds all that is asked.
                select kind, count(*) as waiting, 0 as running, 0 as failed, min(run_at) as due
                from private.tasks where status = 'waiting' group by kind
                union all
                select kind, 0, count(*), 0, min(lease_until) from private.tasks where status = 'running' group by kind
                union all
                select kind, 0, 0, count(*), null from private.tasks where status = 'failed' group by kind
            ) as parts
            group by kind
        ) as kinds
    );
end
$function$;

REVOKE ALL ON FUNCTION "public"."task_metrics"(text) FROM PUBLIC, "authenticated", "service_role";

CREATE INDEX idx_tasks_finished_at ON private.tasks USING btree (finished_at)
  WHERE (finished_at IS NOT NULL);

CREATE INDEX idx_tasks_kind_failed ON private.tasks USING btree (kind)
  WHERE (status = 'failed'::text);

COMMENT ON FUNCTION "private"."retry_tasks"(uuid[], text[]) IS 'Tries failed tasks again, all attempts anew; of those that are named, those that wait as well.';

COMMENT ON FUNCTION "private"."ring_tasks"(text[]) IS 'Calls each Edge Function that has tasks to do now; the requests'' answers are in net._http_response.';

COMMENT ON FUNCTION "public"."task_metrics"(text) IS 'How many tasks of each kind wait, run and have failed, and for how many seconds the oldest has been due; for whoever has the token.';

REVOKE ALL ON FUNCTION "private"."retry_tasks"(uuid[], text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."ring_tasks"(text[]) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."task_metrics"(text) TO "anon";
