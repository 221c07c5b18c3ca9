SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.count_stored_bytes()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    moved record;
    opened uuid;
    had_room boolean;
begin
    for moved in
        select change.person, sum(change.bytes) as bytes
        from (
            values
                (private.person_of_object(old), -private.size_of_object(old)),
                (private.person_of_object(new), private.size_of_object(new))
        ) as change (person, bytes)
        where change.person is not null
        group by change.person
        having sum(change.bytes) <> 0
        order by change.person
    loop
        -- Whoever is gone has no limits; what they stored is on its way out.
        perform from public.profiles where profiles.id = moved.person for no key update;
        continue when not found;
        opened := private.open_limits(moved.person, 'storage_bytes');
        update public.usage_limits as known set used_amount = greatest(known.used_amount + moved.bytes, 0)
        where known.id = opened
        returning known.used_amount - moved.bytes < known.limit_amount into had_room;
        if moved.bytes > 0 and had_room is not true then
            raise insufficient_privilege using message = 'What the plan includes of stored bytes is used up.';
        end if;
    end loop;
    return null;
end
$function$;
