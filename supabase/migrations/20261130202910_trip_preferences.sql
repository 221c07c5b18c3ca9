SET local check_function_bodies = off;

CREATE TABLE "public"."trip_preferences" (
  "id"            uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "trip_id"       uuid                     NOT NULL,
  "budget_min"    numeric(12,2),
  "budget_max"    numeric(12,2),
  "currency"      text                     NOT NULL DEFAULT ''::text,
  "pace"          text,
  "interests"     text[]                   NOT NULL DEFAULT '{}'::text[],
  "dietary_needs" text[]                   NOT NULL DEFAULT '{}'::text[],
  "created_at"    timestamp with time zone NOT NULL DEFAULT now(),
  "updated_at"    timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "trip_preferences_budget_max_check" CHECK (((budget_max >= (0)::numeric) AND (budget_max <> 'NaN'::numeric) AND (budget_max >= budget_min))),
  CONSTRAINT "trip_preferences_budget_min_check" CHECK (((budget_min >= (0)::numeric) AND (budget_min <> 'NaN'::numeric))),
  CONSTRAINT "trip_preferences_currency_check" CHECK ((currency ~ '^[A-Z]{3}$'::text)),
  CONSTRAINT "trip_preferences_dietary_needs_check"
    CHECK (((cardinality(dietary_needs) <= 20) AND (array_position(dietary_needs, NULL::text) IS NULL) AND (char_length(array_to_string(dietary_needs, ''::text)) <= 1000))),
  CONSTRAINT "trip_preferences_interests_check"
    CHECK (((cardinality(interests) <= 20) AND (array_position(interests, NULL::text) IS NULL) AND (char_length(array_to_string(interests, ''::text)) <= 1000))),
  CONSTRAINT "trip_preferences_pace_check" CHECK ((pace = ANY (ARRAY['relaxed'::text, 'balanced'::text, 'busy'::text]))),
  CONSTRAINT "trip_preferences_pkey" PRIMARY KEY (id),
  "user_id"       uuid                     NOT NULL DEFAULT auth.uid(),
  CONSTRAINT "trip_preferences_trip_id_user_id_key" UNIQUE (trip_id, user_id)
);

ALTER TABLE "public"."trip_preferences"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."trip_preferences" FROM "anon";

CREATE OR REPLACE FUNCTION private.set_preferences_currency()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
    select trips.currency into new.currency from public.trips where trips.id = new.trip_id;
    new.currency := coalesce(new.currency, 'EUR');
    return new;
end
$function$;

CREATE OR REPLACE FUNCTION private.withdraw_preferences()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    delete from public.trip_preferences where trip_id = old.trip_id and user_id = old.user_id;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION public.preference_summary (
  public .trips
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    trip alias for $1;
    caller uuid := auth.uid();
begin
    if not exists (
        select from private.trip_people as people where people.trip_id = trip.id and people.user_id = caller
    )
    then
        return null;
    end if;
    return (
        with said as (
            select trip_preferences.* from public.trip_preferences
            where trip_preferences.trip_id = trip.id
                and exists (
                    select from private.trip_people as people
                    where people.trip_id = trip.id and people.user_id = trip_preferences.user_id
                )
        ),
        words as (
            select distinct 'interest' as kind, lower(btrim(word)) as word, user_id from said, unnest(interests) as word
            union all
            select distinct 'need', lower(btrim(word)), user_id from said, unnest(dietary_needs) as word
        ),
        counted as (
            select kind, word, count(*) as people from words where word <> '' group by kind, word
        )
        select jsonb_build_object(
            'people', (select count(*) from said),
            'paces', (
                select coalesce(jsonb_agg(jsonb_build_object('pace', pace, 'people', people) order by people desc, pace), '[]')
                from (select pace, count(*) as people from said where pace is not null group by pace) as paces
            ),
            'interests', (
                select coalesce(
                    jsonb_agg(jsonb_build_object('interest', word, 'people', people) order by people desc, word), '[]'
                )
                from counted where kind = 'interest'
            ),
            'dietary_needs', (
                select coalesce(
                    jsonb_agg(jsonb_build_object('need', word, 'people', people) order by people desc, word), '[]'
                )
                from counted where kind = 'need'
            ),
            'budgets', (
                select coalesce(
                    jsonb_agg(
                        jsonb_build_object(
                            'currency', currency, 'people', people,
                            'shared', case
                                when lowest > highest then null
                                else jsonb_build_object('min', lowest::text, 'max', highest::text)
                            end
                        ) order by people desc, currency
                    ),
                    '[]'
                )
                from (
                    select currency, count(*) as people, max(budget_min) as lowest, min(budget_max) as highest
                    from said where budget_min is not null or budget_max is not null
                    group by currency
                ) as budgets
            )
        )
    );
end
$function$;

REVOKE ALL ON FUNCTION "public"."preference_summary"(public.trips) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.trip_preferences_by_ids (
  ids uuid[]
)
  RETURNS SETOF public.trip_preferences
  LANGUAGE sql
  STABLE
  AS $function$
    select * from public.trip_preferences where id = any (ids)
$function$;

REVOKE ALL ON FUNCTION "public"."trip_preferences_by_ids"(uuid[]) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.whole_trip_preferences (
  public .trip_preferences
)
  RETURNS SETOF public.trip_preferences
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select ($1).*
$function$;

REVOKE ALL ON FUNCTION "public"."whole_trip_preferences"(public.trip_preferences) FROM PUBLIC, "anon", "service_role";

ALTER TABLE "public"."trip_preferences"
  ADD CONSTRAINT "fk_trip_preferences_trip_id" FOREIGN KEY (trip_id) REFERENCES public.trips(id) ON DELETE CASCADE;

CREATE TRIGGER withdraw_collaborators_preferences
  AFTER DELETE ON public.collaborators
  FOR EACH ROW
  EXECUTE FUNCTION private.withdraw_preferences();

CREATE TRIGGER broadcast_trip_preferences_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.trip_preferences
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_trip_by_trip_id('id');

CREATE TRIGGER set_trip_preferences_currency
  BEFORE INSERT ON public.trip_preferences
  FOR EACH ROW
  WHEN ((new.currency = ''::text))
  EXECUTE FUNCTION private.set_preferences_currency();

CREATE TRIGGER set_trip_preferences_updated_at
  BEFORE UPDATE ON public.trip_preferences
  FOR EACH ROW
  EXECUTE FUNCTION private.set_updated_at();

CREATE POLICY "People can view what is wished for on their trips" ON "public"."trip_preferences"
  FOR SELECT
  TO "authenticated"
  USING ((trip_id = ANY (ARRAY( SELECT private.my_trip_ids() AS my_trip_ids))));

COMMENT ON COLUMN "public"."trip_preferences"."budget_max" IS 'The most that the person means to spend, never less than the least; null for any.';

COMMENT ON COLUMN "public"."trip_preferences"."budget_min" IS 'The least that the person means to spend, in the currency below; null for any.';

COMMENT ON COLUMN "public"."trip_preferences"."created_at" IS 'When the person first said what they wish for.';

COMMENT ON COLUMN "public"."trip_preferences"."currency" IS 'Currency of both amounts by its three-letter ISO 4217 code; at first the trip''s.';

COMMENT ON COLUMN "public"."trip_preferences"."dietary_needs" IS 'What the person does or does not eat, in at most 20 words or phrases.';

COMMENT ON COLUMN "public"."trip_preferences"."id" IS 'The preferences'' id.';

COMMENT ON COLUMN "public"."trip_preferences"."interests" IS 'What the person would like to see and do, in at most 20 words or phrases.';

COMMENT ON COLUMN "public"."trip_preferences"."pace" IS 'How full the days should be; null for any.';

COMMENT ON COLUMN "public"."trip_preferences"."trip_id" IS 'The trip that they are for.';

COMMENT ON COLUMN "public"."trip_preferences"."updated_at" IS 'When the preferences last changed.';

COMMENT ON CONSTRAINT "trip_preferences_budget_max_check" ON "public"."trip_preferences" IS 'The most to be spent is zero or more, and not less than the least.';

COMMENT ON CONSTRAINT "trip_preferences_budget_min_check" ON "public"."trip_preferences" IS 'The least to be spent is zero or more.';

COMMENT ON CONSTRAINT "trip_preferences_currency_check" ON "public"."trip_preferences" IS 'A currency is three capital letters, its ISO 4217 code, such as EUR.';

COMMENT ON CONSTRAINT "trip_preferences_dietary_needs_check" ON "public"."trip_preferences" IS 'A person names at most 20 dietary needs, of at most 1,000 characters together, and none of them is null.';

COMMENT ON CONSTRAINT "trip_preferences_interests_check" ON "public"."trip_preferences" IS 'A person names at most 20 interests, of at most 1,000 characters together, and none of them is null.';

COMMENT ON CONSTRAINT "trip_preferences_pace_check" ON "public"."trip_preferences" IS 'A pace is relaxed, balanced or busy.';

COMMENT ON FUNCTION "public"."preference_summary"(public.trips) IS 'What the people on the trip wish for, counted, for those who are on it.';

COMMENT ON FUNCTION "public"."trip_preferences_by_ids"(uuid[]) IS 'The rows of trip_preferences with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."whole_trip_preferences"(public.trip_preferences) IS 'The row of trip_preferences itself.';

COMMENT ON TABLE "public"."trip_preferences" IS 'What one person on a trip wishes for it; all on the trip see it.';

REVOKE ALL ON FUNCTION "private"."set_preferences_currency"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."withdraw_preferences"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."preference_summary"(public.trips) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."trip_preferences_by_ids"(uuid[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."whole_trip_preferences"(public.trip_preferences) TO "authenticated";

REVOKE ALL ON TABLE "public"."trip_preferences" FROM "authenticated";

REVOKE ALL ("budget_max") ON TABLE "public"."trip_preferences" FROM "authenticated";

GRANT INSERT ("budget_max"), UPDATE ("budget_max") ON TABLE "public"."trip_preferences" TO "authenticated";

REVOKE ALL ("budget_min") ON TABLE "public"."trip_preferences" FROM "authenticated";

GRANT INSERT ("budget_min"), UPDATE ("budget_min") ON TABLE "public"."trip_preferences" TO "authenticated";

REVOKE ALL ("currency") ON TABLE "public"."trip_preferences" FROM "authenticated";

GRANT INSERT ("currency"), UPDATE ("currency") ON TABLE "public"."trip_preferences" TO "authenticated";

REVOKE ALL ("dietary_needs") ON TABLE "public"."trip_preferences" FROM "authenticated";

GRANT INSERT ("dietary_needs"), UPDATE ("dietary_needs") ON TABLE "public"."trip_preferences" TO "authenticated";

REVOKE ALL ("id") ON TABLE "public"."trip_preferences" FROM "authenticated";

GRANT INSERT ("id") ON TABLE "public"."trip_preferences" TO "authenticated";

REVOKE ALL ("interests") ON TABLE "public"."trip_preferences" FROM "authenticated";

GRANT INSERT ("interests"), UPDATE ("interests") ON TABLE "public"."trip_preferences" TO "authenticated";

REVOKE ALL ("pace") ON TABLE "public"."trip_preferences" FROM "authenticated";

GRANT INSERT ("pace"), UPDATE ("pace") ON TABLE "public"."trip_preferences" TO "authenticated";

REVOKE ALL ("trip_id") ON TABLE "public"."trip_preferences" FROM "authenticated";

GRANT INSERT ("trip_id") ON TABLE "public"."trip_preferences" TO "authenticated";

GRANT DELETE, SELECT ON TABLE "public"."trip_preferences" TO "authenticated";

GRANT DELETE, INSERT, MAINTAIN, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE ON TABLE "public"."trip_preferences" TO "service_role";

ALTER TABLE "public"."trip_preferences"
  ADD CONSTRAINT "fk_trip_preferences_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

CREATE INDEX idx_trip_preferences_user_id ON public.trip_preferences USING btree (user_id);

CREATE POLICY "People can change what they wish for" ON "public"."trip_preferences"
  FOR UPDATE
  TO "authenticated"
  USING (((user_id = ( SELECT auth.uid() AS uid)) AND (trip_id = ANY (ARRAY( SELECT private.my_trip_ids() AS my_trip_ids)))))
  WITH CHECK (((user_id = ( SELECT auth.uid() AS uid)) AND (trip_id = ANY (ARRAY( SELECT private.my_trip_ids() AS my_trip_ids)))));

CREATE POLICY "People can say what they wish for on their trips" ON "public"."trip_preferences"
  FOR INSERT
  TO "authenticated"
  WITH CHECK (((user_id = ( SELECT auth.uid() AS uid)) AND (trip_id = ANY (ARRAY( SELECT private.my_trip_ids() AS my_trip_ids)))));

CREATE POLICY "People can take back what they wish for" ON "public"."trip_preferences"
  FOR DELETE
  TO "authenticated"
  USING (((user_id = ( SELECT auth.uid() AS uid)) AND (trip_id = ANY (ARRAY( SELECT private.my_trip_ids() AS my_trip_ids)))));

COMMENT ON COLUMN "public"."trip_preferences"."user_id" IS 'The person who wishes for it, once a trip.';

REVOKE ALL ("user_id") ON TABLE "public"."trip_preferences" FROM "authenticated";

GRANT INSERT ("user_id") ON TABLE "public"."trip_preferences" TO "authenticated";

ALTER TABLE "public"."notifications"
  ALTER COLUMN "user_id" SET DEFAULT auth.uid();
