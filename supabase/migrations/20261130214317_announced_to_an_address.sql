SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.count_invitation (
  person   uuid,
  scope    text,
  scope_id uuid,
  email    text
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    if private.is_anonymous(person) then
        perform private.refuse(
            'FORBIDDEN', 'Invitations are mailed, which takes an account with an e-mail address. Give yours one first.'
        );
    end if;
    if email is null then
        perform private.refuse('BAD_USER_INPUT', 'Say to which address.', '{"field": "email"}');
    end if;
    -- One at a time, or two at once would both count the same.
    perform from public.profiles where profiles.id = person for no key update;

    delete from private.announced_invitations where user_id = person and announced_at < now() - interval '1 hour';
    if (select count(*) from private.announced_invitations where user_id = person) >= 30 then
        perform private.refuse(
            'RATE_LIMITED', 'A person can send 30 invitations an hour. Wait an hour, then invite again.'
        );
    end if;
    insert into private.announced_invitations (user_id, scope, scope_id, email_hash)
    values (person, scope, scope_id, sha256(convert_to(lower(email), 'UTF8')));
end
$function$;
