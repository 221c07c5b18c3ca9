SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.limit_invitations()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    -- One at a time, or two at once would both count the same.
    perform from public.profiles where profiles.id = new.invited_by for no key update;

    update public.invitations set status = case when expires_at <= now() then 'expired' else 'revoked' end
    where trip_id = new.trip_id and status = 'pending' and id <> new.id and (expires_at <= now() or email = new.email);

    delete from private.sent_invitations where user_id = new.invited_by and sent_at < now() - interval '1 hour';
    insert into private.sent_invitations (user_id) values (new.invited_by);

    -- PostgREST answers PTxyz with HTTP status xyz.
    if exists (
        select from public.collaborators join auth.users on users.id = collaborators.user_id
        where collaborators.trip_id = new.trip_id
            and lower(users.email) = new.email and users.email_confirmed_at is not null
    ) then
        raise sqlstate 'PT409' using
            message = 'this person is on the trip already', hint = 'Change their role there.';
    end if;
    if (select count(*) from public.invitations where trip_id = new.trip_id and status = 'pending') > 20 then
        raise sqlstate 'PT429' using
            message = 'a trip can have 20 open invitations', hint = 'Revoke one, or wait until one is answered.';
    end if;
    if (select count(*) from private.sent_invitations where user_id = new.invited_by) > 30 then
        raise sqlstate 'PT429' using
            message = 'a person can send 30 invitations an hour', hint = 'Wait an hour, then invite again.';
    end if;
    return null;
end
$function$;
