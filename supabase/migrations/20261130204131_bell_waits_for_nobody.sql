SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.notify (
  person     uuid,
  system     text,
  kind       text,
  title      text,
  body       text,
  link       text,
  dedupe_key text DEFAULT NULL::text
)
  RETURNS uuid
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
    moment constant timestamptz := clock_timestamp();
    told uuid;
begin
    insert into public.notifications (user_id, system, kind, title, body, link, dedupe_key, created_at, updated_at)
    select
        profiles.id, notify.system, notify.kind, private.one_line(notify.title, 200),
        case when char_length(notify.body) > 2000 then left(notify.body, 1999) || '…' else notify.body end,
        notify.link, notify.dedupe_key, moment, moment
    from public.profiles
    where profiles.id = notify.person
    on conflict on constraint notifications_dedupe_key_user_id_key do nothing
    returning id into told;

    if told is not null then
        -- What another transaction has in hand is left to it, so that no two that tell several people wait for each other.
        delete from public.notifications
        where id in (
            select old.id from public.notifications as old
            where old.user_id = notify.person
                and old.created_at < greatest(
                    moment - interval '90 days',
                    (
                        select kept.created_at from public.notifications as kept
                        where kept.user_id = notify.person
                        order by kept.created_at desc offset 499 limit 1
                    )
                )
            for update skip locked
        );
    end if;
    return told;
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
                old.kind = 'trip_invitation'
                and not exists (
                    select from public.invitations
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
