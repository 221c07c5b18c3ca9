SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.release_tasks (
  kinds text[] DEFAULT NULL::text[]
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    moment constant timestamptz := clock_timestamp();
begin
    with lost as materialized (
        select task.id from private.tasks as task
        where task.status = 'running' and task.lease_until <= moment and (kinds is null or task.kind = any (kinds))
        -- More of them, as after a failure of everything, are for the next.
        limit 1000
        for update skip locked
    )
    update private.tasks as task set
        status = case when task.attempts < 8 then 'waiting' else 'failed' end,
        run_at = case when task.attempts < 8 then moment else task.run_at end,
        finished_at = case when task.attempts < 8 then null else moment end,
        lease_until = null,
        last_error = 'Whoever had claimed it did not finish before its lease ran out.'
    from lost where task.id = lost.id;
end
$function$;
