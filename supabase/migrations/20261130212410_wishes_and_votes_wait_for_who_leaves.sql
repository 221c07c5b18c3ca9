SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.wait_for_leaving()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform from public.profiles where profiles.id = new.user_id for key share;
    perform from public.trips where trips.id = new.trip_id for key share;
    perform from public.collaborators
    where collaborators.trip_id = new.trip_id and collaborators.user_id = new.user_id for key share;
    if auth.uid() is not null and not exists (
        select from private.trip_people as people
        where people.trip_id = new.trip_id and people.user_id = new.user_id
    ) then
        -- As the policies say it.
        raise insufficient_privilege using
            message = format('new row violates row-level security policy for table "%s"', tg_table_name);
    end if;
    return new;
end
$function$;

CREATE TRIGGER wait_for_leaving_trip_preferences
  BEFORE INSERT ON public.trip_preferences
  FOR EACH ROW
  EXECUTE FUNCTION private.wait_for_leaving();

CREATE TRIGGER wait_for_leaving_votes
  BEFORE INSERT ON public.votes
  FOR EACH ROW
  EXECUTE FUNCTION private.wait_for_leaving();

REVOKE ALL ON FUNCTION "private"."wait_for_leaving"() FROM PUBLIC;
