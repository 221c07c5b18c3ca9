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

CREATE OR REPLACE FUNCTION private.is_anonymous (
  person uuid DEFAULT auth.uid()
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return not exists (select from auth.users where users.id = person and not users.is_anonymous)
        or (person = auth.uid() and coalesce(auth.jwt() ->> 'is_anonymous', 'false') <> 'false');
end
$function$;

COMMENT ON FUNCTION "private"."is_anonymous"(uuid) IS 'Whether a person, by default the caller, has no account with an address: then nothing that costs money is done for them.';

REVOKE ALL ON FUNCTION "private"."is_anonymous"(uuid) FROM PUBLIC;
