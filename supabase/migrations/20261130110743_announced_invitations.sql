SET local check_function_bodies = off;

ALTER TABLE "private"."sent_invitations"
  DROP CONSTRAINT "fk_sent_invitations_user_id";

ALTER TABLE "public"."invitations"
  DROP CONSTRAINT "invitations_email_check";

DROP TABLE "private"."sent_invitations";

CREATE TABLE "private"."announced_invitations" (
  "id"           uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "user_id"      uuid                     NOT NULL,
  "trip_id"      uuid                     NOT NULL,
  "email_hash"   bytea                    NOT NULL,
  "announced_at" timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "announced_invitations_pkey" PRIMARY KEY (id)
);

ALTER TABLE "private"."announced_invitations"
  ENABLE ROW LEVEL SECURITY;

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
        raise insufficient_privilege using
            message = 'this invitation was not announced', hint = 'Call announce_invitation with its trip and address.';
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
        raise sqlstate 'PT409' using
            message = 'this person is on the trip already', hint = 'Change their role there.';
    end if;
    if (select count(*) from public.invitations where trip_id = new.trip_id and status = 'pending') > 20 then
        raise sqlstate 'PT429' using
            message = 'a trip can have 20 open invitations', hint = 'Revoke one, or wait until one is answered.';
    end if;
    return null;
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
        raise insufficient_privilege using message = 'only the owner of a trip invites to it';
    end if;
    -- One at a time, or two at once would both count the same.
    perform from public.profiles where profiles.id = me for no key update;

    delete from private.announced_invitations where user_id = me and announced_at < now() - interval '1 hour';
    -- PostgREST answers PTxyz with HTTP status xyz.
    if (select count(*) from private.announced_invitations where user_id = me) >= 30 then
        raise sqlstate 'PT429' using
            message = 'a person can send 30 invitations an hour', hint = 'Wait an hour, then invite again.';
    end if;
    insert into private.announced_invitations (user_id, trip_id, email_hash)
    values (me, trip, sha256(convert_to(lower(email), 'UTF8')));
end
$function$;

REVOKE ALL ON FUNCTION "public"."announce_invitation"(uuid, text) FROM PUBLIC, "anon", "service_role";

ALTER TABLE "private"."announced_invitations"
  ADD CONSTRAINT "fk_announced_invitations_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

ALTER TABLE "public"."invitations"
  ADD CONSTRAINT "invitations_email_check"
    CHECK
    (((char_length(email) <= 254) AND (email = lower(email)) AND (email ~ '^[^\s[:cntrl:]@<>()\[\]\\,;:"]+@[^\s[:cntrl:]@<>()\[\]\\,;:"]+\.[^\s[:cntrl:]@<>()\[\]\\,;:"]+$'::text)));

CREATE INDEX idx_announced_invitations_user_id_announced_at ON private.announced_invitations USING btree (user_id, announced_at);

CREATE POLICY "Nobody but the limits themselves may look" ON "private"."announced_invitations"
  FOR ALL
  TO PUBLIC
  USING (false);

COMMENT ON CONSTRAINT "invitations_email_check" ON "public"."invitations" IS 'An invitation goes to one e-mail address in lower case, of at most 254 characters, without a name or a comment.';

COMMENT ON FUNCTION "public"."announce_invitation"(uuid, text) IS 'Counts an invitation that the caller is about to send to this address; without it, none is taken. Good for ten minutes.';

COMMENT ON TABLE "private"."announced_invitations" IS 'One entry for each invitation of the last hour, sent or not, for limits.';

GRANT EXECUTE ON FUNCTION "public"."announce_invitation"(uuid, text) TO "authenticated";
