SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION public.is_applicable (
  public .ai_runs
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    asked alias for $1;
begin
    return asked.status = 'succeeded' and jsonb_typeof(asked.result -> 'itinerary' -> 'items') is not distinct from 'array'
        and exists (
            select from public.ai_runs as runs
            join private.ai_run_bases as bases on bases.run_id = runs.id
            -- Whoever is on the trip no longer is not told whether it has changed since.
            join private.trip_people as people on people.trip_id = runs.trip_id and people.user_id = runs.user_id
            where runs.id = asked.id and runs.user_id = (select auth.uid()) and people.may_edit
                and bases.trip_version = private.trip_version(runs.trip_id)
        );
end
$function$;

COMMENT ON FUNCTION "public"."is_applicable"(public.ai_runs) IS 'Whether the run proposes an itinerary that the caller may apply, and its trip''s is still what it was when the agent began to think about it.';
