SET local check_function_bodies = off;

CREATE TABLE "public"."notification_preferences" (
  "id"          uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "topic"       text                     NOT NULL,
  "channel"     text                     NOT NULL,
  "is_enabled"  boolean                  NOT NULL DEFAULT true,
  "quiet_from"  time without time zone,
  "quiet_until" time without time zone,
  "created_at"  timestamp with time zone NOT NULL DEFAULT now(),
  "updated_at"  timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "notification_preferences_channel_check" CHECK ((channel = ANY (ARRAY['whatsapp'::text, 'email'::text, 'push'::text, 'bell'::text]))),
  CONSTRAINT "notification_preferences_pkey" PRIMARY KEY (id),
  CONSTRAINT "notification_preferences_quiet_from_check" CHECK (((quiet_from < '24:00:00'::time without time zone) AND ((quiet_from IS NULL) OR (channel <> 'bell'::text)))),
  CONSTRAINT "notification_preferences_quiet_until_check"
    CHECK (((quiet_until < '24:00:00'::time without time zone) AND ((quiet_until IS NULL) = (quiet_from IS NULL)) AND (quiet_until <> quiet_from))),
  CONSTRAINT "notification_preferences_topic_check" CHECK ((topic = ANY (ARRAY['reminder'::text, 'trip_changes'::text, 'message'::text, 'marketing'::text, 'all'::text]))),
  "user_id"     uuid                     NOT NULL DEFAULT auth.uid(),
  CONSTRAINT "notification_preferences_user_id_topic_channel_key" UNIQUE (user_id, topic, channel)
);

ALTER TABLE "public"."notification_preferences"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."notification_preferences" FROM "anon";

CREATE OR REPLACE FUNCTION private.is_quiet (
  local_time  time without time zone,
  quiet_from  time without time zone,
  quiet_until time without time zone
)
  RETURNS boolean
  LANGUAGE sql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
    select coalesce(
        case
            when quiet_from < quiet_until then local_time >= quiet_from and local_time < quiet_until
            else local_time >= quiet_from or local_time < quiet_until
        end,
        false
    )
$function$;

CREATE OR REPLACE FUNCTION private.local_instant (
  local timestamp without time zone,
  zone  text
)
  RETURNS timestamp WITH time zone
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select least(instant.later, (
        select min(found.earlier)
        from unnest(array['1 hour', '3 hours', '26 hours']::interval[]) as before
        cross join lateral (
            -- By the clocks of some time before. In UTC, whose days are all of one length.
            select (
                (instant.later at time zone 'UTC')
                - ((instant.later - before) at time zone zone - instant.later at time zone zone + before)
            ) at time zone 'UTC' as earlier
        ) as found
        where found.earlier < instant.later and found.earlier at time zone zone = "local"
    ))
    from (select "local" at time zone zone as later) as instant
$function$;

CREATE OR REPLACE FUNCTION private.may_notify (
  person  uuid,
  topic   text,
  channel text,
  at      timestamp with time zone DEFAULT now()
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    said public.notification_preferences;
    is_on boolean;
begin
    select preferences.* into said from public.notification_preferences as preferences
    where preferences.user_id = may_notify.person and preferences.channel = may_notify.channel
        and preferences.topic in (may_notify.topic, 'all')
    order by preferences.topic = 'all'
    limit 1;
    is_on := coalesce(said.is_enabled, true)
        and (may_notify.topic <> 'marketing' or said.topic is not distinct from 'marketing')
        and exists (
            select from public.user_preferences as own
            where own.user_id = may_notify.person
                and case may_notify.channel
                    when 'email' then own.email_notifications
                    when 'push' then own.push_notifications
                    else true
                end
        );
    return jsonb_build_object(
        'allowed', is_on,
        'defer_until', case
            when is_on then private.quiet_hours_end(
                may_notify.at, private.zone_of(may_notify.person), said.quiet_from, said.quiet_until
            )
        end
    );
end
$function$;

CREATE OR REPLACE FUNCTION private.quiet_hours_end (
  moment      timestamp with time zone,
  zone        text,
  quiet_from  time without time zone,
  quiet_until time without time zone
)
  RETURNS timestamp WITH time zone
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
declare
    clock constant timestamp := moment at time zone zone;
    ends timestamptz;
begin
    if not private.is_quiet(clock::time, quiet_from, quiet_until) then
        return null;
    end if;
    for day in -1 .. 3 loop
        -- The first of two, or the second where the first is over.
        ends := private.local_instant((clock::date + day) + quiet_until, zone);
        if ends <= moment then
            ends := ((clock::date + day) + quiet_until) at time zone zone;
        end if;
        if ends > moment and not private.is_quiet((ends at time zone zone)::time, quiet_from, quiet_until) then
            return ends;
        end if;
    end loop;
    return moment + interval '1 day';
end
$function$;

CREATE OR REPLACE FUNCTION private.stop_marketing (
  person  uuid,
  channel text
)
  RETURNS void
  LANGUAGE sql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
    insert into public.notification_preferences as preferences (user_id, topic, channel, is_enabled)
    values (person, 'marketing', stop_marketing.channel, false)
    on conflict on constraint notification_preferences_user_id_topic_channel_key do update set is_enabled = false
    where preferences.is_enabled
$function$;

CREATE OR REPLACE FUNCTION private.zone_of (
  person uuid
)
  RETURNS text
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select coalesce((select timezone from public.user_preferences where user_id = person), 'UTC')
$function$;

CREATE OR REPLACE FUNCTION public.notification_preferences_by_ids (
  ids uuid[]
)
  RETURNS SETOF public.notification_preferences
  LANGUAGE sql
  STABLE
  AS $function$
    select * from public.notification_preferences where id = any (ids)
$function$;

REVOKE ALL ON FUNCTION "public"."notification_preferences_by_ids"(uuid[]) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.whole_notification_preferences (
  public .notification_preferences
)
  RETURNS SETOF public.notification_preferences
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select ($1).*
$function$;

REVOKE ALL ON FUNCTION "public"."whole_notification_preferences"(public.notification_preferences) FROM PUBLIC, "anon", "service_role";

CREATE TRIGGER broadcast_notification_preferences_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.notification_preferences
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_by_user_id('id');

CREATE TRIGGER expect_notification_preferences_deletes
  AFTER DELETE ON public.notification_preferences REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

CREATE TRIGGER expect_notification_preferences_updates
  AFTER UPDATE ON public.notification_preferences REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

CREATE TRIGGER set_notification_preferences_updated_at
  BEFORE UPDATE ON public.notification_preferences
  FOR EACH ROW
  EXECUTE FUNCTION private.set_updated_at();

COMMENT ON COLUMN "public"."notification_preferences"."channel" IS 'How the person would be told.';

COMMENT ON COLUMN "public"."notification_preferences"."created_at" IS 'When it was first said.';

COMMENT ON COLUMN "public"."notification_preferences"."id" IS 'The preference''s id.';

COMMENT ON COLUMN "public"."notification_preferences"."is_enabled" IS 'Whether they want to be.';

COMMENT ON COLUMN "public"."notification_preferences"."quiet_from" IS 'When hours begin in which nothing is sent, in the person''s time zone; null for none.';

COMMENT ON COLUMN "public"."notification_preferences"."quiet_until" IS 'When these hours end, and what waited is sent; on the next day where it is earlier than they begin.';

COMMENT ON COLUMN "public"."notification_preferences"."topic" IS 'What it is about; all is whatever has no preference of its own, but for marketing, which takes one.';

COMMENT ON COLUMN "public"."notification_preferences"."updated_at" IS 'When it last changed.';

COMMENT ON CONSTRAINT "notification_preferences_channel_check" ON "public"."notification_preferences" IS 'There is no such channel.';

COMMENT ON CONSTRAINT "notification_preferences_quiet_from_check" ON "public"."notification_preferences" IS 'Quiet hours begin at a time of day before 24:00, and the bell, which makes no sound, has none.';

COMMENT ON CONSTRAINT "notification_preferences_quiet_until_check" ON "public"."notification_preferences" IS 'Quiet hours have a beginning and an end, which is another time of day before 24:00.';

COMMENT ON CONSTRAINT "notification_preferences_topic_check" ON "public"."notification_preferences" IS 'There is no such topic.';

COMMENT ON FUNCTION "private"."local_instant"(timestamp without time zone, text) IS 'The moment at which clocks of a zone show a time: the first of two, and of none the one that they would show had they not moved.';

COMMENT ON FUNCTION "private"."may_notify"(uuid, text, text, timestamp with time zone) IS 'Whether a person wants to be told of a topic on a channel, as {"allowed", "defer_until"}: until then it waits, where it would come in their quiet hours.';

COMMENT ON FUNCTION "private"."quiet_hours_end"(timestamp with time zone, text, time without time zone, time without time zone) IS 'When the quiet hours end in which a moment lies; null where it lies in none.';

COMMENT ON FUNCTION "private"."stop_marketing"(uuid, text) IS 'Writes down that a person wants no marketing on a channel any more.';

COMMENT ON FUNCTION "private"."zone_of"(uuid) IS 'The time zone of a person, by its IANA name.';

COMMENT ON FUNCTION "public"."notification_preferences_by_ids"(uuid[]) IS 'The rows of notification_preferences with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."whole_notification_preferences"(public.notification_preferences) IS 'The row of notification_preferences itself.';

COMMENT ON TABLE "public"."notification_preferences" IS 'Whether a person wants to be told of a topic on a channel, and when not.';

REVOKE ALL ON FUNCTION "private"."is_quiet"(time WITHOUT time zone, time WITHOUT time zone, time WITHOUT time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."local_instant"(timestamp WITHOUT time zone, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."may_notify"(uuid, text, text, timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."quiet_hours_end"(timestamp WITH time zone, text, time WITHOUT time zone, time WITHOUT time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."stop_marketing"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."zone_of"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."notification_preferences_by_ids"(uuid[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."whole_notification_preferences"(public.notification_preferences) TO "authenticated";

REVOKE ALL ON TABLE "public"."notification_preferences" FROM "authenticated";

REVOKE ALL ("channel") ON TABLE "public"."notification_preferences" FROM "authenticated";

GRANT INSERT ("channel") ON TABLE "public"."notification_preferences" TO "authenticated";

REVOKE ALL ("id") ON TABLE "public"."notification_preferences" FROM "authenticated";

GRANT INSERT ("id") ON TABLE "public"."notification_preferences" TO "authenticated";

REVOKE ALL ("is_enabled") ON TABLE "public"."notification_preferences" FROM "authenticated";

GRANT INSERT ("is_enabled"), UPDATE ("is_enabled") ON TABLE "public"."notification_preferences" TO "authenticated";

REVOKE ALL ("quiet_from") ON TABLE "public"."notification_preferences" FROM "authenticated";

GRANT INSERT ("quiet_from"), UPDATE ("quiet_from") ON TABLE "public"."notification_preferences" TO "authenticated";

REVOKE ALL ("quiet_until") ON TABLE "public"."notification_preferences" FROM "authenticated";

GRANT INSERT ("quiet_until"), UPDATE ("quiet_until") ON TABLE "public"."notification_preferences" TO "authenticated";

REVOKE ALL ("topic") ON TABLE "public"."notification_preferences" FROM "authenticated";

GRANT INSERT ("topic") ON TABLE "public"."notification_preferences" TO "authenticated";

GRANT DELETE, SELECT ON TABLE "public"."notification_preferences" TO "authenticated";

GRANT DELETE, INSERT, MAINTAIN, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE ON TABLE "public"."notification_preferences" TO "service_role";

ALTER TABLE "public"."notification_preferences"
  ADD CONSTRAINT "fk_notification_preferences_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

CREATE POLICY "People can change what they want to be told" ON "public"."notification_preferences"
  FOR UPDATE
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)))
  WITH CHECK ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "People can say what they want to be told" ON "public"."notification_preferences"
  FOR INSERT
  TO "authenticated"
  WITH CHECK ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "People can take back what they want to be told" ON "public"."notification_preferences"
  FOR DELETE
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "People can view what they want to be told" ON "public"."notification_preferences"
  FOR SELECT
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)));

COMMENT ON COLUMN "public"."notification_preferences"."user_id" IS 'The person whose preference it is, and who alone sees it.';

REVOKE ALL ("user_id") ON TABLE "public"."notification_preferences" FROM "authenticated";

GRANT INSERT ("user_id") ON TABLE "public"."notification_preferences" TO "authenticated";
