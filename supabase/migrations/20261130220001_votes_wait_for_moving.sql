SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.carry_votes()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    -- Who leaves that trip meanwhile takes their votes along: one waits for the other.
    perform from public.collaborators
    where collaborators.trip_id = new.trip_id
        and collaborators.user_id in (select votes.user_id from public.votes where votes.trip_item_id = new.id)
    order by collaborators.id for key share;
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

CREATE OR REPLACE FUNCTION private.wait_for_moving()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    if (
        select trip_items.trip_id from public.trip_items where trip_items.id = new.trip_item_id for share
    ) is distinct from new.trip_id then
        raise serialization_failure using message = 'could not serialize access due to concurrent update';
    end if;
    return new;
end
$function$;

CREATE TRIGGER wait_for_moving_votes
  BEFORE INSERT ON public.votes
  FOR EACH ROW
  EXECUTE FUNCTION private.wait_for_moving();

REVOKE ALL ON FUNCTION "private"."wait_for_moving"() FROM PUBLIC;
