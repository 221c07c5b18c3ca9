SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.carry_votes()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    delete from public.votes
    where trip_item_id = new.id
        and not exists (
            select from private.trip_people as people
            where people.trip_id = new.trip_id and people.user_id = votes.user_id
        );
    update public.votes set trip_id = new.trip_id where trip_item_id = new.id;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.my_companion_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        -- Of the caller's own trips the owner is known.
        select people.user_id from private.trip_people as people
        join private.trip_people as joined on joined.trip_id = people.trip_id
        where joined.user_id = (select auth.uid()) and not joined.is_owner and people.is_owner
        union
        select people.user_id from private.trip_people as people
        where people.trip_id = any (array(select private.my_trip_ids())) and not people.is_owner
        order by 1;
end
$function$;

CREATE OR REPLACE FUNCTION private.my_editable_trip_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        select people.trip_id from private.trip_people as people
        where people.user_id = (select auth.uid()) and people.may_edit
        order by 1;
end
$function$;

CREATE OR REPLACE FUNCTION private.my_own_trip_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        select people.trip_id from private.trip_people as people
        where people.user_id = (select auth.uid()) and people.is_owner
        order by 1;
end
$function$;

CREATE OR REPLACE FUNCTION private.my_shared_trip_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        select people.trip_id from private.trip_people as people
        where people.user_id = (select auth.uid()) and not people.is_owner
        order by 1;
end
$function$;

CREATE OR REPLACE FUNCTION private.my_trip_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        select people.trip_id from private.trip_people as people where people.user_id = (select auth.uid()) order by 1;
end
$function$;

CREATE OR REPLACE FUNCTION public.cost_total (
  public .trips
)
  RETURNS numeric
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    trip alias for $1;
    caller uuid := auth.uid();
begin
    return (
        select coalesce(sum(trip_items.cost), 0.00) from public.trip_items
        where trip_items.trip_id = trip.id
            and exists (
                select from private.trip_people as people where people.trip_id = trip.id and people.user_id = caller
            )
    );
end
$function$;

CREATE OR REPLACE FUNCTION public.vote_summary (
  public .trip_items
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    item alias for $1;
    caller uuid := auth.uid();
begin
    if not exists (
        select from private.trip_people as people where people.trip_id = item.trip_id and people.user_id = caller
    )
    then
        return null;
    end if;
    return (
        select jsonb_build_object(
            'up', count(*) filter (where value = 1),
            'neutral', count(*) filter (where value = 0),
            'down', count(*) filter (where value = -1),
            'score', coalesce(sum(value), 0),
            'mine', max(value) filter (where user_id = caller)
        )
        from public.votes
        where votes.trip_item_id = item.id and votes.trip_id = item.trip_id
    );
end
$function$;

CREATE VIEW "private"."trip_people" WITH (security_invoker=true) AS  SELECT trips.id AS trip_id,
    trips.user_id,
    true AS is_owner,
    true AS may_edit
   FROM public.trips
UNION ALL
 SELECT collaborators.trip_id,
    collaborators.user_id,
    false AS is_owner,
    (collaborators.role = 'editor'::text) AS may_edit
   FROM public.collaborators;

COMMENT ON VIEW "private"."trip_people" IS 'Who is on which trip, and what they may do there: once a person and trip.';
