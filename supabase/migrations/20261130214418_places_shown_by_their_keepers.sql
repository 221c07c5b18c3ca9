SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.adopt_collection_place()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
    before record;
begin
    delete from public.collection_places as entries
    where entries.collection_id = new.collection_id and entries.place_id = new.place_id
        and entries.user_id <> new.user_id
        and exists (select from public.places where places.id = new.place_id and places.user_id = new.user_id)
    returning entries.order_index, entries.notes into before;
    if found then
        new.order_index := coalesce(new.order_index, before.order_index);
        new.notes := coalesce(new.notes, before.notes);
    end if;
    return new;
end
$function$;

CREATE TRIGGER adopt_collection_places
  BEFORE INSERT ON public.collection_places
  FOR EACH ROW
  EXECUTE FUNCTION private.adopt_collection_place();

REVOKE ALL ON FUNCTION "private"."adopt_collection_place"() FROM PUBLIC;
