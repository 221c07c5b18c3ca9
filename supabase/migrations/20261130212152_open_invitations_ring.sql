SET local check_function_bodies = off;

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
            'There can be 20 open invitations to one %s. Revoke one, or wait until one is answered.', replace(shared, '_', ' ')
        ));
    end if;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.refuse_owner_as_member()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    owned boolean;
begin
    execute format(
        'select exists (select from public.%I as shared where shared.id = ($1).%I and shared.user_id = ($1).user_id)',
        tg_argv[0], tg_argv[1]
    ) into owned using new;
    if owned then
        raise check_violation using
            message = format(
                'new row for relation "%1$s" violates check constraint "%1$s_user_id_check"', tg_table_name
            ),
            hint = 'Whoever owns it takes part already.',
            schema = 'public', table = tg_table_name, constraint = tg_table_name || '_user_id_check';
    end if;
    return new;
end
$function$;

-- Written by hand: invitations that were open before there was a bell stand in it from now on, as those of whoever
-- confirms an address do, of a hundred at most. Whoever was told already is not told again.
SELECT private.notify_of_invitation(open.invitation, person)
FROM (
  SELECT
    invitations AS invitation, invitations.email, invitations.created_at,
    row_number() OVER (PARTITION BY invitations.email ORDER BY invitations.created_at DESC) AS place
  FROM public.invitations
  WHERE invitations.status = 'pending' AND invitations.expires_at > now()
) AS open, private.people_at(open.email) AS person
WHERE open.place <= 100
ORDER BY open.created_at;

SELECT private.notify_of_invitation(open.invitation, person)
FROM (
  SELECT
    invitations AS invitation, invitations.email, invitations.created_at,
    row_number() OVER (PARTITION BY invitations.email ORDER BY invitations.created_at DESC) AS place
  FROM public.membership_invitations AS invitations
  WHERE invitations.status = 'pending' AND invitations.expires_at > now()
) AS open, private.people_at(open.email) AS person
WHERE open.place <= 100
ORDER BY open.created_at;
