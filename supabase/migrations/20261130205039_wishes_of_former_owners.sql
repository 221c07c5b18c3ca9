SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.withdraw_owners_preferences()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    delete from public.trip_preferences
    where trip_id = new.id and user_id = old.user_id
        and not exists (
            select from private.trip_people as people where people.trip_id = new.id and people.user_id = old.user_id
        );
    return null;
end
$function$;

CREATE TRIGGER withdraw_trips_preferences
  AFTER UPDATE OF user_id ON public.trips
  FOR EACH ROW
  WHEN ((old.user_id <> new.user_id))
  EXECUTE FUNCTION private.withdraw_owners_preferences();

REVOKE ALL ON FUNCTION "private"."withdraw_owners_preferences"() FROM PUBLIC;
