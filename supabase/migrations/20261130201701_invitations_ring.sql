SET local check_function_bodies = off;

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
    );
    perform private.notify_of_invitation(invitation, new.id)
    from (
        select invitations as invitation, created_at from public.invitations
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
    if invitation.status <> 'pending' or invitation.expires_at <= now() then
        return;
    end if;
    perform private.notify(
        person, 'trips', 'trip_invitation',
        format(
            '%s invites you to plan “%s” together', private.one_line(profiles.display_name, 80),
            private.one_line(trips.title, 80)
        ),
        format(
            'As %s. The link to join was mailed to you, and works until %s.',
            case invitation.role when 'editor' then 'an editor' else 'a viewer' end,
            to_char(invitation.expires_at at time zone 'UTC', 'FMDD FMMonth YYYY')
        ),
        '/invitations', 'invitation:' || invitation.id
    )
    from public.trips, public.profiles
    where trips.id = invitation.trip_id and profiles.id = invitation.invited_by and trips.user_id <> person;
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
        perform private.notify(
            new.invited_by, 'trips', 'trip_joined',
            format(
                '%s joined “%s”', private.one_line(profiles.display_name, 80), private.one_line(trips.title, 80)
            ),
            null, '/trips/' || new.trip_id, 'trip_joined:' || new.trip_id || ':' || profiles.id
        )
        from public.trips, public.profiles
        where trips.id = new.trip_id and profiles.id = auth.uid();
    end if;
    return null;
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
    where created_at < now() - interval '90 days'
        or (
            kind = 'trip_invitation'
            and not exists (
                select from public.invitations
                where 'invitation:' || invitations.id = notifications.dedupe_key
                    and invitations.status = 'pending' and invitations.expires_at > now()
            )
        );
    get diagnostics pruned = row_count;
    return pruned;
end
$function$;

CREATE OR REPLACE FUNCTION private.take_back_joining()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.take_back_notifications('trip_joined:' || old.trip_id || ':' || old.user_id);
    return null;
end
$function$;

CREATE TRIGGER tell_users_their_invitations
  AFTER INSERT OR UPDATE OF email, email_confirmed_at ON auth.users
  FOR EACH ROW
  EXECUTE FUNCTION private.notify_of_address();

CREATE TRIGGER take_back_collaborators_joining
  AFTER DELETE ON public.collaborators
  FOR EACH ROW
  EXECUTE FUNCTION private.take_back_joining();

CREATE TRIGGER notify_of_invitations_changes
  AFTER UPDATE ON public.invitations
  FOR EACH ROW
  WHEN (((old.email <> new.email) OR (old.role <> new.role) OR (old.status <> new.status) OR (old.expires_at <> new.expires_at)))
  EXECUTE FUNCTION private.notify_of_invitations();

CREATE TRIGGER notify_of_invitations
  AFTER INSERT OR DELETE ON public.invitations
  FOR EACH ROW
  EXECUTE FUNCTION private.notify_of_invitations();

COMMENT ON FUNCTION "private"."prune_notifications"() IS 'Removes notifications of more than 90 days, and those of invitations whose time is over; returns how many.';

REVOKE ALL ON FUNCTION "private"."notify_of_address"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."notify_of_invitation"(public.invitations, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."notify_of_invitations"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."prune_notifications"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."take_back_joining"() FROM PUBLIC;
