SET local check_function_bodies = off;

CREATE TABLE "public"."notifications" (
  "id"         uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "user_id"    uuid                     NOT NULL,
  "system"     text                     NOT NULL,
  "kind"       text                     NOT NULL,
  "title"      text                     NOT NULL,
  "body"       text,
  "link"       text,
  "read_at"    timestamp with time zone,
  "dedupe_key" text,
  "created_at" timestamp with time zone NOT NULL DEFAULT now(),
  "updated_at" timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "notifications_body_check" CHECK (((char_length(body) <= 2000) AND (body ~ '\S'::text))),
  CONSTRAINT "notifications_dedupe_key_check" CHECK (((char_length(dedupe_key) >= 1) AND (char_length(dedupe_key) <= 200))),
  CONSTRAINT "notifications_dedupe_key_user_id_key" UNIQUE (dedupe_key, user_id),
  CONSTRAINT "notifications_kind_check" CHECK ((kind ~ '^[a-z][a-z0-9_]{0,49}$'::text)),
  CONSTRAINT "notifications_link_check"
    CHECK
    (((char_length(link) <= 2048) AND (link ~
    '^(/|/[^/\\[:space:][:cntrl:]][^\\[:space:][:cntrl:]]*|https://[^/?#@\\[:space:][:cntrl:]]+([/?#][^\\[:space:][:cntrl:]]*)?)$'::text))),
  CONSTRAINT "notifications_pkey" PRIMARY KEY (id),
  CONSTRAINT "notifications_system_check" CHECK ((system ~ '^[a-z][a-z0-9_]{0,49}$'::text)),
  CONSTRAINT "notifications_title_check" CHECK (((char_length(title) <= 200) AND (title ~ '\S'::text)))
);

ALTER TABLE "public"."notifications"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."notifications" FROM "anon";

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
        delete from public.notifications
        where user_id = notify.person
            and created_at < greatest(
                moment - interval '90 days',
                (
                    select kept.created_at from public.notifications as kept
                    where kept.user_id = notify.person
                    order by kept.created_at desc offset 499 limit 1
                )
            );
    end if;
    return told;
end
$function$;

CREATE OR REPLACE FUNCTION private.one_line (
  words   text,
  longest integer
)
  RETURNS text
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
declare
    said constant text := btrim(
        regexp_replace(regexp_replace(words, '[\u202a-\u202e\u2066-\u2069]', '', 'g'), '[[:space:][:cntrl:]]+', ' ', 'g')
    );
begin
    return case when char_length(said) > longest then rtrim(left(said, longest - 1)) || '…' else said end;
end
$function$;

CREATE OR REPLACE FUNCTION private.set_notification_read_at()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
    new.read_at := coalesce(old.read_at, clock_timestamp());
    return new;
end
$function$;

CREATE OR REPLACE FUNCTION private.take_back_notifications (
  dedupe_key text,
  person     uuid DEFAULT NULL::uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
begin
    delete from public.notifications
    where dedupe_key = take_back_notifications.dedupe_key
        and (take_back_notifications.person is null or user_id = take_back_notifications.person);
end
$function$;

CREATE OR REPLACE FUNCTION public.body_against (
  entry public.notifications
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select public.compare_with_texts(entry.body)
$function$;

REVOKE ALL ON FUNCTION "public"."body_against"(public.notifications) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.link_against (
  entry public.notifications
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select public.compare_with_texts(entry.link)
$function$;

REVOKE ALL ON FUNCTION "public"."link_against"(public.notifications) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.notifications_by_ids (
  ids uuid[]
)
  RETURNS SETOF public.notifications
  LANGUAGE sql
  STABLE
  AS $function$
    select * from public.notifications where id = any (ids)
$function$;

REVOKE ALL ON FUNCTION "public"."notifications_by_ids"(uuid[]) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.unread_notifications()
  RETURNS integer
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select count(*)::integer from public.notifications where user_id = (select auth.uid()) and read_at is null;
$function$;

REVOKE ALL ON FUNCTION "public"."unread_notifications"() FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.whole_notifications (
  public .notifications
)
  RETURNS SETOF public.notifications
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select ($1).*
$function$;

REVOKE ALL ON FUNCTION "public"."whole_notifications"(public.notifications) FROM PUBLIC, "anon", "service_role";

ALTER TABLE "public"."notifications"
  ADD CONSTRAINT "fk_notifications_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

CREATE INDEX idx_notifications_created_at ON public.notifications USING btree (created_at);

CREATE INDEX idx_notifications_user_id_created_at ON public.notifications USING btree (user_id, created_at DESC);

CREATE INDEX idx_notifications_user_id_unread ON public.notifications USING btree (user_id)
  WHERE (read_at IS NULL);

CREATE TRIGGER broadcast_notifications_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.notifications
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_by_user_id('id');

CREATE TRIGGER expect_notifications_deletes
  AFTER DELETE ON public.notifications REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

CREATE TRIGGER set_notifications_read_at
  BEFORE UPDATE OF read_at ON public.notifications
  FOR EACH ROW
  WHEN ((new.read_at IS NOT NULL))
  EXECUTE FUNCTION private.set_notification_read_at();

CREATE TRIGGER set_notifications_updated_at
  BEFORE UPDATE ON public.notifications
  FOR EACH ROW
  EXECUTE FUNCTION private.set_updated_at();

CREATE POLICY "People can delete what they were told" ON "public"."notifications"
  FOR DELETE
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "People can mark what they were told as read" ON "public"."notifications"
  FOR UPDATE
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)))
  WITH CHECK ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "People can view what they were told" ON "public"."notifications"
  FOR SELECT
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)));

COMMENT ON COLUMN "public"."notifications"."body" IS 'More of it in plain text, up to 2,000 characters long.';

COMMENT ON COLUMN "public"."notifications"."created_at" IS 'When it was told.';

COMMENT ON COLUMN "public"."notifications"."dedupe_key" IS 'What is told to a person once, and taken back by the same key.';

COMMENT ON COLUMN "public"."notifications"."id" IS 'The notification''s id.';

COMMENT ON COLUMN "public"."notifications"."kind" IS 'What it is about, such as trip_invitation; for icons and filters.';

COMMENT ON COLUMN "public"."notifications"."link" IS 'Where it leads: a path within the frontend that begins with a slash, or an address that begins with https://.';

COMMENT ON COLUMN "public"."notifications"."read_at" IS 'When the person read it; null until then.';

COMMENT ON COLUMN "public"."notifications"."system" IS 'The part of the product that tells it, such as trips.';

COMMENT ON COLUMN "public"."notifications"."title" IS 'The message in one line of plain text, up to 200 characters long.';

COMMENT ON COLUMN "public"."notifications"."updated_at" IS 'When it last changed: when it was told, or read.';

COMMENT ON COLUMN "public"."notifications"."user_id" IS 'The person who is told, and who alone sees it.';

COMMENT ON CONSTRAINT "notifications_body_check" ON "public"."notifications" IS 'A notification''s text is 1 to 2,000 characters long, and not all of them are blank.';

COMMENT ON CONSTRAINT "notifications_dedupe_key_check" ON "public"."notifications" IS 'The key of what is told once is 1 to 200 characters long.';

COMMENT ON CONSTRAINT "notifications_kind_check" ON "public"."notifications" IS 'A kind is called by up to 50 small letters, digits and underscores.';

COMMENT ON CONSTRAINT "notifications_link_check" ON "public"."notifications" IS 'A link is a path that begins with one slash, or an address that begins with https://.';

COMMENT ON CONSTRAINT "notifications_system_check" ON "public"."notifications" IS 'A system is called by up to 50 small letters, digits and underscores.';

COMMENT ON CONSTRAINT "notifications_title_check" ON "public"."notifications" IS 'A notification''s title is 1 to 200 characters long, and not all of them are blank.';

COMMENT ON FUNCTION "private"."notify"(uuid, text, text, text, text, text, text) IS 'Tells a person something in the bell, once for each key; returns its id, or null where nothing was told.';

COMMENT ON FUNCTION "private"."take_back_notifications"(text, uuid) IS 'Removes what was told by a key from the bell: everybody''s, or one person''s.';

COMMENT ON FUNCTION "public"."body_against"(public.notifications) IS 'How the column compares with each text that the request brings along.';

COMMENT ON FUNCTION "public"."link_against"(public.notifications) IS 'How the column compares with each text that the request brings along.';

COMMENT ON FUNCTION "public"."notifications_by_ids"(uuid[]) IS 'The rows of notifications with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."unread_notifications"() IS 'How many notifications the caller has not read.';

COMMENT ON FUNCTION "public"."whole_notifications"(public.notifications) IS 'The row of notifications itself.';

COMMENT ON TABLE "public"."notifications" IS 'Something that a person is told, in the bell of a frontend.';

REVOKE ALL ON FUNCTION "private"."notify"(uuid, text, text, text, text, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."one_line"(text, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."set_notification_read_at"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."take_back_notifications"(text, uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."body_against"(public.notifications) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."link_against"(public.notifications) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."notifications_by_ids"(uuid[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."unread_notifications"() TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."whole_notifications"(public.notifications) TO "authenticated";

REVOKE ALL ON TABLE "public"."notifications" FROM "authenticated";

REVOKE ALL ("read_at") ON TABLE "public"."notifications" FROM "authenticated";

GRANT UPDATE ("read_at") ON TABLE "public"."notifications" TO "authenticated";

GRANT DELETE, SELECT ON TABLE "public"."notifications" TO "authenticated";

GRANT DELETE, INSERT, MAINTAIN, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE ON TABLE "public"."notifications" TO "service_role";
