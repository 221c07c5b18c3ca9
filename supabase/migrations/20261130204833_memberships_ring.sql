SET local check_function_bodies = off;

DROP TRIGGER "take_back_collaborators_joining" ON "public"."collaborators";

CREATE OR REPLACE FUNCTION private.notify_of_address()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    before constant text := case when tg_op = 'UPDATE' and old.email_confirmed_at is not null then lower(old.email) end;
    after constant text := case when new.email_confirmed_at is not null then lower(new.email) end;
begin
    if before is not distinct from after then
        return null;
    end if;
    delete from public.notifications
    where user_id = new.id and dedupe_key in (
        select 'invitation:' || invitations.id from public.invitations where invitations.email = before
        union all
        select 'invitation:' || invitations.id from public.membership_invitations as invitations
        where invitations.email = before
    );
    perform private.notify_of_invitation(invitation, new.id)
    from (
        select invitations as invitation, created_at from public.invitations
        where email = after and status = 'pending' and expires_at > now()
        order by created_at desc limit 100
    ) as found
    order by created_at;
    perform private.notify_of_invitation(invitation, new.id)
    from (
        select invitations as invitation, created_at from public.membership_invitations as invitations
        where email = after and status = 'pending' and expires_at > now()
        order by created_at desc limit 100
    ) as found
    order by created_at;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.notify_of_invitation (
  invitation public.invitations,
  person     uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.ring_invitation(
        person, 'trips', 'trip', to_jsonb(invitation), '%s invites you to plan “%s” together', trips.title, '/invitations'
    )
    from public.trips
    where trips.id = invitation.trip_id and trips.user_id <> person;
end
$function$;

CREATE OR REPLACE FUNCTION private.notify_of_invitation (
  invitation public.membership_invitations,
  person     uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    -- Nobody's address waits for a system that is not deployed any more.
    if to_regproc(format('private.%I', invitation.scope || '_offer')) is null then
        return;
    end if;
    perform private.ring_invitation(
        person, 'memberships', invitation.scope, to_jsonb(invitation),
        '%s invites you to share the ' || replace(invitation.scope, '_', ' ') || ' “%s”', offer.name,
        '/invitations/' || invitation.scope
    )
    from private.offer_of(invitation.scope, invitation.scope_id, invitation.invited_by) as offer
    where invitation.scope_id is distinct from private.membership_of(invitation.scope, invitation.scope_id, person);
end
$function$;

CREATE OR REPLACE FUNCTION private.notify_of_invitations()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    if tg_op <> 'INSERT' then
        perform private.take_back_notifications('invitation:' || old.id);
    end if;
    if tg_op <> 'DELETE' then
        perform private.notify_of_invitation(new, person) from private.people_at(new.email) as person;
    end if;
    if tg_op = 'UPDATE' and old.status <> 'accepted' and new.status = 'accepted' then
        perform private.notify_of_joining(new);
    end if;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.notify_of_joining (
  invitation public.invitations
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.ring_joining(
        invitation.invited_by, 'trips', 'trip', trips.id, trips.title, '/trips/' || trips.id
    )
    from public.trips
    where trips.id = invitation.trip_id;
end
$function$;

CREATE OR REPLACE FUNCTION private.notify_of_joining (
  invitation public.membership_invitations
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.ring_joining(
        invitation.invited_by, 'memberships', invitation.scope, invitation.scope_id, offer.name,
        format('/%ss/%s', invitation.scope, invitation.scope_id)
    )
    from private.offer_of(invitation.scope, invitation.scope_id, invitation.invited_by) as offer;
end
$function$;

CREATE OR REPLACE FUNCTION private.prune_notifications()
  RETURNS bigint
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    pruned bigint;
begin
    delete from public.notifications
    where id in (
        select old.id from public.notifications as old
        where old.created_at < now() - interval '90 days'
            or (
                old.dedupe_key like 'invitation:%'
                and not exists (
                    select from public.invitations
                    where 'invitation:' || invitations.id = old.dedupe_key
                        and invitations.status = 'pending' and invitations.expires_at > now()
                )
                and not exists (
                    select from public.membership_invitations as invitations
                    where 'invitation:' || invitations.id = old.dedupe_key
                        and invitations.status = 'pending' and invitations.expires_at > now()
                )
            )
        for update skip locked
    );
    get diagnostics pruned = row_count;
    return pruned;
end
$function$;

CREATE OR REPLACE FUNCTION private.ring_invitation (
  person     uuid,
  system     text,
  scope      text,
  invitation jsonb,
  words      text,
  name       text,
  link       text
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    ends constant timestamptz := invitation ->> 'expires_at';
    as_role constant text := replace(invitation ->> 'role', '_', ' ');
begin
    if invitation ->> 'status' <> 'pending' or ends <= now() then
        return;
    end if;
    perform private.notify(
        person, system, scope || '_invitation',
        format(words, private.one_line(profiles.display_name, 80), private.one_line(name, 80)),
        format(
            'As %s %s. The link to join was mailed to you, and works until %s.',
            case when as_role ~ '^[aeiou]' then 'an' else 'a' end, as_role,
            to_char(ends at time zone 'UTC', 'FMDD FMMonth YYYY')
        ),
        link, 'invitation:' || (invitation ->> 'id')
    )
    from public.profiles
    where profiles.id = (invitation ->> 'invited_by')::uuid;
end
$function$;

CREATE OR REPLACE FUNCTION private.ring_joining (
  inviter  uuid,
  system   text,
  scope    text,
  scope_id uuid,
  name     text,
  link     text
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.notify(
        inviter, system, scope || '_joined',
        format('%s joined “%s”', private.one_line(profiles.display_name, 80), private.one_line(name, 80)),
        null, link, format('%s_joined:%s:%s', scope, scope_id, profiles.id)
    )
    from public.profiles
    where profiles.id = auth.uid();
end
$function$;

CREATE OR REPLACE FUNCTION private.take_back_joining()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.take_back_notifications(
        format('%s_joined:%s:%s', tg_argv[0], to_jsonb(old) ->> tg_argv[1], old.user_id)
    );
    return null;
end
$function$;

CREATE TRIGGER take_back_collaborators_joining
  AFTER DELETE ON public.collaborators
  FOR EACH ROW
  EXECUTE FUNCTION private.take_back_joining('trip', 'trip_id');

CREATE TRIGGER take_back_collection_members_joining
  AFTER DELETE ON public.collection_members
  FOR EACH ROW
  EXECUTE FUNCTION private.take_back_joining('collection', 'collection_id');

CREATE TRIGGER notify_of_membership_invitations_changes
  AFTER UPDATE ON public.membership_invitations
  FOR EACH ROW
  WHEN (((old.email <> new.email) OR (old.role <> new.role) OR (old.status <> new.status) OR (old.expires_at <> new.expires_at)))
  EXECUTE FUNCTION private.notify_of_invitations();

CREATE TRIGGER notify_of_membership_invitations
  AFTER INSERT OR DELETE ON public.membership_invitations
  FOR EACH ROW
  EXECUTE FUNCTION private.notify_of_invitations();

REVOKE ALL ON FUNCTION "private"."notify_of_invitation"(public.membership_invitations, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."notify_of_joining"(public.invitations) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."notify_of_joining"(public.membership_invitations) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."ring_invitation"(uuid, text, text, jsonb, text, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."ring_joining"(uuid, text, text, uuid, text, text) FROM PUBLIC;
