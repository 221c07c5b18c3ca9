SET local check_function_bodies = off;

-- Of the last hour, each good for ten minutes: whoever is sending an invitation as this runs sends it again.
DELETE FROM private.announced_invitations;

ALTER TABLE "private"."announced_invitations"
  DROP COLUMN "trip_id";

ALTER TABLE "private"."announced_invitations"
  ADD COLUMN "scope" text NOT NULL;

ALTER TABLE "private"."announced_invitations"
  ADD COLUMN "scope_id" uuid NOT NULL;

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

CREATE OR REPLACE FUNCTION private.function_of_scope (
  form  text,
  scope text
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    name constant text := 'private.' || quote_ident(format(form, scope));
begin
    if scope is null or scope !~ '^[a-z][a-z0-9_]{0,40}$' or to_regproc(name) is null then
        perform private.refuse('BAD_USER_INPUT', 'Nobody is invited to such a scope.', '{"field": "scope"}');
    end if;
    return name;
end
$function$;

CREATE OR REPLACE FUNCTION private.limit_invitations()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    given constant jsonb := to_jsonb(new);
    to_trip constant boolean := tg_table_name = 'invitations';
    shared constant text := case when to_trip then 'trip' else given ->> 'scope' end;
    shared_id constant uuid := given ->> case when to_trip then 'trip_id' else 'scope_id' end;
    beside constant text := case
        when to_trip then 'trip_id = ($1).trip_id' else 'scope = ($1).scope and scope_id = ($1).scope_id'
    end;
    open_ones bigint;
begin
    -- Without a person it is the project's own doing.
    if auth.uid() is not null and not exists (
        select from private.announced_invitations as announced
        where announced.user_id = new.invited_by and announced.scope = shared and announced.scope_id = shared_id
            and announced.email_hash = sha256(convert_to(new.email, 'UTF8'))
            and announced.announced_at > now() - interval '10 minutes'
    ) then
        perform private.refuse('FORBIDDEN', case
            when to_trip then 'This invitation was not announced. Call announce_invitation with its trip and address.'
            else 'This invitation was not announced. Call announce_membership_invitation with its scope and address.'
        end);
    end if;

    -- One at a time, or two at once would both count the same.
    perform pg_advisory_xact_lock(hashtextextended(shared || ':' || shared_id, 0));

    execute format(
        $sql$
            update %s set status = case when expires_at <= now() then 'expired' else 'revoked' end
            where %s and status = 'pending' and id <> ($1).id and (expires_at <= now() or email = ($1).email)
        $sql$,
        tg_relid::regclass, beside
    ) using new;

    if exists (
        select from private.people_at(new.email) as person
        where private.membership_of(shared, shared_id, person) is not null
    ) then
        if to_trip then
            perform private.refuse(
                'CONFLICT',
                'This person is on the trip already. Change their role there.',
                '{"reason": "ALREADY_ON_TRIP", "field": "email"}'
            );
        end if;
        perform private.refuse(
            'CONFLICT',
            'This person takes part already. Change their role there.',
            '{"reason": "ALREADY_MEMBER", "field": "email"}'
        );
    end if;

    execute format($sql$ select count(*) from %s where %s and status = 'pending' $sql$, tg_relid::regclass, beside)
        into open_ones using new;
    if open_ones > 20 then
        perform private.refuse('RATE_LIMITED', format(
            'A %s can have 20 open invitations. Revoke one, or wait until one is answered.', replace(shared, '_', ' ')
        ));
    end if;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.membership_of (
  scope    text,
  scope_id uuid,
  person   uuid
)
  RETURNS uuid
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
declare
    key uuid;
begin
    execute format('select %s($1, $2)', private.function_of_scope('%s_membership', scope)) into key using scope_id, person;
    return key;
end
$function$;

CREATE OR REPLACE FUNCTION private.refuse_invitation()
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.refuse('NOT_FOUND', 'There is no such invitation to this account that is still open.');
end
$function$;

CREATE OR REPLACE FUNCTION private.take_invitation (
  kept  regclass,
  token text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
    taken jsonb;
begin
    execute format(
        $sql$
            update %s as open set status = 'accepted', accepted_at = now()
            where token_hash = encode(sha256(convert_to($1, 'UTF8')), 'hex') and status = 'pending'
                and expires_at > now() and email = $2
            returning to_jsonb(open)
        $sql$,
        kept
    ) into taken using token, private.my_email();
    return taken;
end
$function$;

CREATE OR REPLACE FUNCTION private.trip_membership (
  trip   uuid,
  person uuid
)
  RETURNS uuid
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select collaborators.id from public.collaborators
    where collaborators.trip_id = trip and collaborators.user_id = person
    union all
    select trips.id from public.trips where trips.id = trip and trips.user_id = person
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
    accepted constant public.invitations :=
        jsonb_populate_record(null::public.invitations, private.take_invitation('public.invitations', token));
    collaborator public.collaborators;
begin
    if accepted.id is null or accepted.trip_id = any (array(select private.my_own_trip_ids())) then
        perform private.refuse_invitation();
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
    perform private.count_invitation(me, 'trip', trip, email);
end
$function$;

REVOKE ALL ON FUNCTION "private"."count_invitation"(uuid, text, uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."function_of_scope"(text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."membership_of"(text, uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."refuse_invitation"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."take_invitation"(regclass, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."trip_membership"(uuid, uuid) FROM PUBLIC;
