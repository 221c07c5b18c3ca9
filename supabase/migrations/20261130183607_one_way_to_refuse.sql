SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.limit_invitations()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    -- Without a person it is the project's own doing.
    if auth.uid() is not null and not exists (
        select from private.announced_invitations
        where user_id = new.invited_by and trip_id = new.trip_id
            and email_hash = sha256(convert_to(new.email, 'UTF8')) and announced_at > now() - interval '10 minutes'
    ) then
        perform private.refuse(
            'FORBIDDEN',
            'This invitation was not announced. Call announce_invitation with its trip and address.'
        );
    end if;

    -- One at a time, or two at once would both count the same.
    perform from public.profiles where profiles.id = new.invited_by for no key update;

    update public.invitations set status = case when expires_at <= now() then 'expired' else 'revoked' end
    where trip_id = new.trip_id and status = 'pending' and id <> new.id and (expires_at <= now() or email = new.email);

    if exists (
        select from public.collaborators join auth.users on users.id = collaborators.user_id
        where collaborators.trip_id = new.trip_id
            and lower(users.email) = new.email and users.email_confirmed_at is not null
    ) then
        perform private.refuse(
            'CONFLICT',
            'This person is on the trip already. Change their role there.',
            '{"reason": "ALREADY_ON_TRIP", "field": "email"}'
        );
    end if;
    if (select count(*) from public.invitations where trip_id = new.trip_id and status = 'pending') > 20 then
        perform private.refuse(
            'RATE_LIMITED', 'A trip can have 20 open invitations. Revoke one, or wait until one is answered.'
        );
    end if;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.refuse (
  code       text,
  message    text,
  extensions jsonb DEFAULT '{}'::jsonb
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
    raise sqlstate 'PGRST' using
        message = json_build_object('code', code, 'message', message, 'hint', coalesce(extensions, '{}')::text)::text,
        detail = json_build_object(
            'status', case
                when code = 'BAD_USER_INPUT' then 400
                when code = 'UNAUTHENTICATED' then 401
                when code in ('USAGE_LIMIT_EXCEEDED', 'INSUFFICIENT_CREDITS') then 402
                when code = 'FORBIDDEN' then 403
                when code = 'NOT_FOUND' then 404
                when code in (
                    'CONFLICT', 'PLAN_FULL', 'MEETING_FULL', 'RECIPIENT_OPTED_OUT', 'TEMPLATE_REQUIRED'
                ) then 409
                when code in ('RATE_LIMITED', 'AI_RATE_LIMITED') then 429
                when code = 'AI_PROVIDER_ERROR' then 502
                when code = 'UPSTREAM_UNAVAILABLE' then 503
                when code = 'TIMEOUT' then 504
                else 500
            end,
            'headers', '{}'::json
        )::text;
end
$function$;

CREATE OR REPLACE FUNCTION public.accept_invitation (
  token text
)
  RETURNS public.collaborators
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    accepted public.invitations;
    collaborator public.collaborators;
begin
    update public.invitations set status = 'accepted', accepted_at = now()
    where token_hash = encode(sha256(convert_to(token, 'UTF8')), 'hex')
        and status = 'pending'
        and expires_at > now()
        and email = (select private.my_email())
        and trip_id <> all (array(select private.my_own_trip_ids()))
    returning * into accepted;
    if not found then
        perform private.refuse(
            'NOT_FOUND', 'There is no such invitation to this account that is still open.'
        );
    end if;

    insert into public.collaborators (trip_id, user_id, role) values (accepted.trip_id, auth.uid(), accepted.role)
    on conflict (trip_id, user_id) do update set role = excluded.role
    returning * into collaborator;
    return collaborator;
end
$function$;

CREATE OR REPLACE FUNCTION public.announce_invitation (
  trip  uuid,
  email text
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    me constant uuid := auth.uid();
begin
    if not exists (select from public.trips where trips.id = trip and trips.user_id = me) then
        perform private.refuse('FORBIDDEN', 'Only the owner of a trip invites to it.');
    end if;
    -- One at a time, or two at once would both count the same.
    perform from public.profiles where profiles.id = me for no key update;

    delete from private.announced_invitations where user_id = me and announced_at < now() - interval '1 hour';
    if (select count(*) from private.announced_invitations where user_id = me) >= 30 then
        perform private.refuse(
            'RATE_LIMITED', 'A person can send 30 invitations an hour. Wait an hour, then invite again.'
        );
    end if;
    insert into private.announced_invitations (user_id, trip_id, email_hash)
    values (me, trip, sha256(convert_to(lower(email), 'UTF8')));
end
$function$;

CREATE OR REPLACE FUNCTION public.delete_my_account()
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    me constant uuid := auth.uid();
    methods constant jsonb := auth.jwt() -> 'amr';
    proof text := 'otp';
begin
    if exists (select from auth.users where users.id = me and users.encrypted_password <> '') then
        proof := 'password';
    end if;
    if not exists (
        select from jsonb_array_elements(case jsonb_typeof(methods) when 'array' then methods else '[]' end) as entry
        where entry ->> 'method' = proof
            and case jsonb_typeof(entry -> 'timestamp')
                when 'number' then to_timestamp((entry ->> 'timestamp')::double precision) > now() - interval '5 minutes'
            end
    ) then
        perform private.refuse(
            'FORBIDDEN',
            'This takes a sign-in of the last five minutes. Sign in again: with the password, or with a mailed code where there is none.'
        );
    end if;
    delete from auth.users where users.id = me;
end
$function$;

CREATE OR REPLACE FUNCTION public.move_trip_item (
  item         uuid,
  day          integer,
  new_position integer
)
  RETURNS public.trip_items
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
    moved public.trip_items;
    trip uuid;
begin
    if day is null or new_position is null or new_position < 0 then
        perform requests.refuse('BAD_USER_INPUT', 'A day is counted from 1, a position from 0.');
    end if;

    -- Movers on one trip take turns: each waits here, then sees what the one before has done.
    loop
        select trip_items.trip_id into trip from public.trip_items where trip_items.id = item;
        if not found then
            perform requests.refuse('NOT_FOUND', 'There is no such item, or you may not see it.');
        end if;
        perform from public.trips where trips.id = trip for no key update;
        if not found then
            perform requests.refuse('FORBIDDEN', 'You may not change this trip.');
        end if;
        select * into moved from public.trip_items where trip_items.id = item and trip_items.trip_id = trip;
        exit when found;
    end loop;

    with others as (
        select
            id,
            day_number,
            row_number() over (partition by day_number order by order_index, created_at, id) - 1 as place
        from public.trip_items
        where trip_id = trip and day_number in (moved.day_number, day) and id <> item
    ),
    wanted as (
        select id, day_number, place + case when day_number = day and place >= new_position then 1 else 0 end as place
        from others
        union all
        select item, day, least(new_position, (select count(*) from others where day_number = day))
    )
    update public.trip_items
    set day_number = wanted.day_number, order_index = wanted.place
    from wanted
    where trip_items.id = wanted.id
        and (trip_items.day_number, trip_items.order_index) <> (wanted.day_number, wanted.place);

    select * into moved from public.trip_items where trip_items.id = item;
    return moved;
end
$function$;

CREATE OR REPLACE FUNCTION requests.check_account()
  RETURNS void
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    me constant uuid := auth.uid();
begin
    if me is not null and current_setting('request.method', true) not in ('GET', 'HEAD')
        and not exists (select from auth.users where users.id = me and users.deleted_at is null)
    then
        perform private.refuse('UNAUTHENTICATED', 'This account does not exist any more.');
    end if;
end
$function$;

CREATE OR REPLACE FUNCTION requests.refuse (
  code       text,
  message    text,
  extensions jsonb DEFAULT '{}'::jsonb
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.refuse(code, message, extensions);
end
$function$;

COMMENT ON FUNCTION "private"."refuse"(text, text, jsonb) IS 'Ends a statement with a public code of the API, a sentence for people and more for programs.';

COMMENT ON FUNCTION "requests"."refuse"(text, text, jsonb) IS 'Ends a statement as private.refuse does, for functions that run as their caller.';

REVOKE ALL ON FUNCTION "private"."refuse"(text, text, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "requests"."refuse"(text, text, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "requests"."refuse"(text, text, jsonb) TO "anon", "authenticated", "service_role";
