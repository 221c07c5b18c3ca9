SET local check_function_bodies = off;

CREATE SEQUENCE "private"."billing_tokens" AS bigint INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1 NO CYCLE;

CREATE TABLE "private"."billing_leases" (
  "subject"     text                     NOT NULL,
  "token"       bigint                   NOT NULL,
  "lease_until" timestamp with time zone NOT NULL,
  CONSTRAINT "billing_leases_pkey" PRIMARY KEY (subject),
  CONSTRAINT "billing_leases_subject_check" CHECK (((char_length(subject) >= 1) AND (char_length(subject) <= 255)))
);

ALTER TABLE "private"."billing_leases"
  ENABLE ROW LEVEL SECURITY;

CREATE TABLE "private"."checkout_sessions" (
  "stripe_session_id" text                     NOT NULL,
  "user_id"           uuid                     NOT NULL,
  "plan_key"          text                     NOT NULL,
  "url"               text,
  "status"            text                     NOT NULL DEFAULT 'open'::text,
  "payment_status"    text                     NOT NULL DEFAULT 'unpaid'::text,
  "expires_at"        timestamp with time zone NOT NULL,
  "created_at"        timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "checkout_sessions_payment_status_check" CHECK ((payment_status = ANY (ARRAY['paid'::text, 'unpaid'::text, 'no_payment_required'::text]))),
  CONSTRAINT "checkout_sessions_pkey" PRIMARY KEY (stripe_session_id),
  CONSTRAINT "checkout_sessions_status_check" CHECK ((status = ANY (ARRAY['open'::text, 'complete'::text, 'expired'::text])))
);

ALTER TABLE "private"."checkout_sessions"
  ENABLE ROW LEVEL SECURITY;

CREATE TABLE "private"."held_plans" (
  "user_id"  uuid                     NOT NULL,
  "plan_key" text                     NOT NULL,
  "until"    timestamp with time zone NOT NULL,
  CONSTRAINT "held_plans_pkey" PRIMARY KEY (user_id, plan_key)
);

ALTER TABLE "private"."held_plans"
  ENABLE ROW LEVEL SECURITY;

CREATE TABLE "private"."plan_limits" (
  "plan_key" text    NOT NULL,
  "metric"   text    NOT NULL,
  "amount"   numeric NOT NULL,
  CONSTRAINT "plan_limits_amount_check" CHECK (((amount >= (0)::numeric) AND (amount < 'Infinity'::numeric))),
  CONSTRAINT "plan_limits_pkey" PRIMARY KEY (plan_key, metric)
);

ALTER TABLE "private"."plan_limits"
  ENABLE ROW LEVEL SECURITY;

CREATE TABLE "private"."plans" (
  "key"              text    NOT NULL,
  "name"             text    NOT NULL,
  "price"            numeric NOT NULL,
  "currency"         text    NOT NULL,
  "interval"         text,
  "rank"             integer NOT NULL,
  "price_lookup_key" text,
  CONSTRAINT "plans_currency_check" CHECK ((currency ~ '^[A-Z]{3}$'::text)),
  CONSTRAINT "plans_interval_check" CHECK (("interval" = ANY (ARRAY['month'::text, 'year'::text]))),
  CONSTRAINT "plans_key_check" CHECK ((key ~ '^[a-z][a-z0-9_]{0,40}$'::text)),
  CONSTRAINT "plans_pkey" PRIMARY KEY (key),
  CONSTRAINT "plans_price_check" CHECK (((price >= (0)::numeric) AND (price < 'Infinity'::numeric))),
  CONSTRAINT "plans_price_lookup_key_check" CHECK ((((price_lookup_key IS NOT NULL) = ("interval" IS NOT NULL)) AND ((price > (0)::numeric) = ("interval" IS NOT NULL)))),
  CONSTRAINT "plans_price_lookup_key_key" UNIQUE (price_lookup_key),
  CONSTRAINT "plans_rank_key" UNIQUE (rank)
);

ALTER TABLE "private"."plans"
  ENABLE ROW LEVEL SECURITY;

CREATE TABLE "private"."usage_metrics" (
  "metric"   text    NOT NULL,
  "is_level" boolean NOT NULL,
  CONSTRAINT "usage_metrics_pkey" PRIMARY KEY (metric)
);

ALTER TABLE "private"."usage_metrics"
  ENABLE ROW LEVEL SECURITY;

CREATE TABLE "private"."usage_reservations" (
  "key"            text                     NOT NULL,
  "usage_limit_id" uuid                     NOT NULL,
  "user_id"        uuid                     NOT NULL,
  "metric"         text                     NOT NULL,
  "amount"         numeric                  NOT NULL,
  "actual"         numeric,
  "status"         text                     NOT NULL DEFAULT 'open'::text,
  "expires_at"     timestamp with time zone NOT NULL,
  "created_at"     timestamp with time zone NOT NULL DEFAULT now(),
  "finished_at"    timestamp with time zone,
  CONSTRAINT "usage_reservations_actual_check" CHECK (((actual >= (0)::numeric) AND (actual < 'Infinity'::numeric) AND ((actual IS NOT NULL) = (status = 'settled'::text)))),
  CONSTRAINT "usage_reservations_amount_check" CHECK (((amount > (0)::numeric) AND (amount < 'Infinity'::numeric))),
  CONSTRAINT "usage_reservations_finished_at_check" CHECK (((finished_at IS NULL) = (status = 'open'::text))),
  CONSTRAINT "usage_reservations_key_check" CHECK (((char_length(key) >= 1) AND (char_length(key) <= 200))),
  CONSTRAINT "usage_reservations_pkey" PRIMARY KEY (key),
  CONSTRAINT "usage_reservations_status_check" CHECK ((status = ANY (ARRAY['open'::text, 'settled'::text, 'released'::text, 'expired'::text])))
);

ALTER TABLE "private"."usage_reservations"
  ENABLE ROW LEVEL SECURITY;

CREATE TABLE "public"."billing_events" (
  "id"              uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "stripe_event_id" text                     NOT NULL,
  "type"            text                     NOT NULL,
  "livemode"        boolean                  NOT NULL,
  "object_id"       text,
  "user_id"         uuid,
  "status"          text                     NOT NULL DEFAULT 'received'::text,
  "attempts"        integer                  NOT NULL DEFAULT 1,
  "payload"         jsonb                    NOT NULL DEFAULT '{}'::jsonb,
  "created_at"      timestamp with time zone NOT NULL DEFAULT now(),
  "updated_at"      timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "billing_events_attempts_check" CHECK ((attempts >= 1)),
  CONSTRAINT "billing_events_object_id_check" CHECK ((char_length(object_id) <= 255)),
  CONSTRAINT "billing_events_payload_check" CHECK ((jsonb_typeof(payload) = 'object'::text)),
  CONSTRAINT "billing_events_pkey" PRIMARY KEY (id),
  CONSTRAINT "billing_events_status_check" CHECK ((status = ANY (ARRAY['received'::text, 'done'::text, 'ignored'::text]))),
  CONSTRAINT "billing_events_stripe_event_id_check" CHECK (((char_length(stripe_event_id) >= 1) AND (char_length(stripe_event_id) <= 255))),
  CONSTRAINT "billing_events_stripe_event_id_key" UNIQUE (stripe_event_id),
  CONSTRAINT "billing_events_type_check" CHECK (((char_length(type) >= 1) AND (char_length(type) <= 255)))
);

ALTER TABLE "public"."billing_events"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."billing_events" FROM "anon";

CREATE TABLE "public"."invoices" (
  "id"                     uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "stripe_invoice_id"      text                     NOT NULL,
  "user_id"                uuid,
  "stripe_subscription_id" text,
  "number"                 text,
  "status"                 text                     NOT NULL,
  "currency"               text                     NOT NULL,
  "amount_due"             numeric                  NOT NULL,
  "amount_paid"            numeric                  NOT NULL DEFAULT 0,
  "amount_refunded"        numeric                  NOT NULL DEFAULT 0,
  "hosted_invoice_url"     text,
  "issued_at"              timestamp with time zone NOT NULL DEFAULT now(),
  "created_at"             timestamp with time zone NOT NULL DEFAULT now(),
  "updated_at"             timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "invoices_amount_due_check" CHECK (((amount_due > '-Infinity'::numeric) AND (amount_due < 'Infinity'::numeric))),
  CONSTRAINT "invoices_amount_paid_check" CHECK (((amount_paid >= (0)::numeric) AND (amount_paid < 'Infinity'::numeric))),
  CONSTRAINT "invoices_amount_refunded_check" CHECK (((amount_refunded >= (0)::numeric) AND (amount_refunded < 'Infinity'::numeric))),
  CONSTRAINT "invoices_currency_check" CHECK ((currency ~ '^[A-Z]{3}$'::text)),
  CONSTRAINT "invoices_hosted_invoice_url_check" CHECK (((char_length(hosted_invoice_url) <= 2048) AND (hosted_invoice_url ~ '^https?://\S+$'::text))),
  CONSTRAINT "invoices_number_check" CHECK ((char_length(number) <= 255)),
  CONSTRAINT "invoices_pkey" PRIMARY KEY (id),
  CONSTRAINT "invoices_status_check" CHECK ((status = ANY (ARRAY['draft'::text, 'open'::text, 'paid'::text, 'uncollectible'::text, 'void'::text]))),
  CONSTRAINT "invoices_stripe_invoice_id_check" CHECK (((char_length(stripe_invoice_id) >= 1) AND (char_length(stripe_invoice_id) <= 255))),
  CONSTRAINT "invoices_stripe_invoice_id_key" UNIQUE (stripe_invoice_id),
  CONSTRAINT "invoices_stripe_subscription_id_check" CHECK (((char_length(stripe_subscription_id) >= 1) AND (char_length(stripe_subscription_id) <= 255)))
);

ALTER TABLE "public"."invoices"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."invoices" FROM "anon";

CREATE TABLE "public"."stripe_customers" (
  "id"                 uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "user_id"            uuid                     NOT NULL,
  "stripe_customer_id" text                     NOT NULL,
  "created_at"         timestamp with time zone NOT NULL DEFAULT now(),
  "updated_at"         timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "stripe_customers_pkey" PRIMARY KEY (id),
  CONSTRAINT "stripe_customers_stripe_customer_id_check" CHECK (((char_length(stripe_customer_id) >= 1) AND (char_length(stripe_customer_id) <= 255))),
  CONSTRAINT "stripe_customers_stripe_customer_id_key" UNIQUE (stripe_customer_id),
  CONSTRAINT "stripe_customers_user_id_key" UNIQUE (user_id)
);

ALTER TABLE "public"."stripe_customers"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."stripe_customers" FROM "anon";

CREATE TABLE "public"."subscriptions" (
  "id"                     uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "user_id"                uuid                     NOT NULL,
  "stripe_subscription_id" text                     NOT NULL,
  "plan_key"               text                     NOT NULL,
  "status"                 text                     NOT NULL,
  "current_period_start"   timestamp with time zone NOT NULL,
  "current_period_end"     timestamp with time zone NOT NULL,
  "cancel_at_period_end"   boolean                  NOT NULL DEFAULT false,
  "past_due_at"            timestamp with time zone,
  "created_at"             timestamp with time zone NOT NULL DEFAULT now(),
  "updated_at"             timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "subscriptions_current_period_end_check" CHECK ((current_period_end > current_period_start)),
  CONSTRAINT "subscriptions_past_due_at_check" CHECK (((past_due_at IS NOT NULL) = (status = 'past_due'::text))),
  CONSTRAINT "subscriptions_pkey" PRIMARY KEY (id),
  CONSTRAINT "subscriptions_plan_key_check" CHECK ((plan_key = ANY (ARRAY['free'::text, 'pro'::text, 'enterprise'::text]))),
  CONSTRAINT "subscriptions_status_check"
    CHECK
    ((status = ANY (ARRAY['incomplete'::text, 'incomplete_expired'::text, 'trialing'::text, 'active'::text, 'past_due'::text, 'canceled'::text, 'unpaid'::text, 'paused'::text]))),
  CONSTRAINT "subscriptions_stripe_subscription_id_check" CHECK (((char_length(stripe_subscription_id) >= 1) AND (char_length(stripe_subscription_id) <= 255))),
  CONSTRAINT "subscriptions_stripe_subscription_id_key" UNIQUE (stripe_subscription_id)
);

ALTER TABLE "public"."subscriptions"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."subscriptions" FROM "anon";

CREATE TABLE "public"."usage_limits" (
  "id"               uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "user_id"          uuid                     NOT NULL,
  "metric"           text                     NOT NULL,
  "period_start"     timestamp with time zone,
  "period_end"       timestamp with time zone,
  "limit_amount"     numeric                  NOT NULL,
  "used_amount"      numeric                  NOT NULL DEFAULT 0,
  "reserved_amount"  numeric                  NOT NULL DEFAULT 0,
  "remaining_amount" numeric                  GENERATED ALWAYS AS (GREATEST(((limit_amount - used_amount) - reserved_amount), (0)::numeric)) STORED NOT NULL,
  "created_at"       timestamp with time zone NOT NULL DEFAULT now(),
  "updated_at"       timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "usage_limits_limit_amount_check" CHECK (((limit_amount >= (0)::numeric) AND (limit_amount < 'Infinity'::numeric))),
  CONSTRAINT "usage_limits_metric_check" CHECK ((metric = ANY (ARRAY['ai_cost'::text, 'whatsapp_messages'::text, 'storage_bytes'::text]))),
  CONSTRAINT "usage_limits_period_end_check" CHECK ((((period_start IS NULL) = (period_end IS NULL)) AND (period_end > period_start))),
  CONSTRAINT "usage_limits_pkey" PRIMARY KEY (id),
  CONSTRAINT "usage_limits_reserved_amount_check" CHECK (((reserved_amount >= (0)::numeric) AND (reserved_amount < 'Infinity'::numeric))),
  CONSTRAINT "usage_limits_used_amount_check" CHECK (((used_amount >= (0)::numeric) AND (used_amount < 'Infinity'::numeric))),
  CONSTRAINT "usage_limits_user_id_metric_period_start_key" UNIQUE NULLS NOT DISTINCT (user_id, metric, period_start)
);

ALTER TABLE "public"."usage_limits"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."usage_limits" FROM "anon";

CREATE OR REPLACE FUNCTION private.forget_billing_payload()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
    new.payload := '{}';
    return new;
end
$function$;

CREATE OR REPLACE FUNCTION public.hosted_invoice_url_against (
  entry public.invoices
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select public.compare_with_texts(entry.hosted_invoice_url)
$function$;

REVOKE ALL ON FUNCTION "public"."hosted_invoice_url_against"(public.invoices) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.invoices_by_ids (
  ids uuid[]
)
  RETURNS SETOF public.invoices
  LANGUAGE sql
  STABLE
  AS $function$
    select * from public.invoices where id = any (ids)
$function$;

REVOKE ALL ON FUNCTION "public"."invoices_by_ids"(uuid[]) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.stripe_customers_by_ids (
  ids uuid[]
)
  RETURNS SETOF public.stripe_customers
  LANGUAGE sql
  STABLE
  AS $function$
    select * from public.stripe_customers where id = any (ids)
$function$;

REVOKE ALL ON FUNCTION "public"."stripe_customers_by_ids"(uuid[]) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.subscriptions_by_ids (
  ids uuid[]
)
  RETURNS SETOF public.subscriptions
  LANGUAGE sql
  STABLE
  AS $function$
    select * from public.subscriptions where id = any (ids)
$function$;

REVOKE ALL ON FUNCTION "public"."subscriptions_by_ids"(uuid[]) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.usage_limits_by_ids (
  ids uuid[]
)
  RETURNS SETOF public.usage_limits
  LANGUAGE sql
  STABLE
  AS $function$
    select * from public.usage_limits where id = any (ids)
$function$;

REVOKE ALL ON FUNCTION "public"."usage_limits_by_ids"(uuid[]) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.whole_invoices (
  public .invoices
)
  RETURNS SETOF public.invoices
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select ($1).*
$function$;

REVOKE ALL ON FUNCTION "public"."whole_invoices"(public.invoices) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.whole_stripe_customers (
  public .stripe_customers
)
  RETURNS SETOF public.stripe_customers
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select ($1).*
$function$;

REVOKE ALL ON FUNCTION "public"."whole_stripe_customers"(public.stripe_customers) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.whole_subscriptions (
  public .subscriptions
)
  RETURNS SETOF public.subscriptions
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select ($1).*
$function$;

REVOKE ALL ON FUNCTION "public"."whole_subscriptions"(public.subscriptions) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.whole_usage_limits (
  public .usage_limits
)
  RETURNS SETOF public.usage_limits
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select ($1).*
$function$;

REVOKE ALL ON FUNCTION "public"."whole_usage_limits"(public.usage_limits) FROM PUBLIC, "anon", "service_role";

ALTER TABLE "private"."checkout_sessions"
  ADD CONSTRAINT "fk_checkout_sessions_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

ALTER TABLE "private"."held_plans"
  ADD CONSTRAINT "fk_held_plans_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

ALTER TABLE "private"."checkout_sessions"
  ADD CONSTRAINT "fk_checkout_sessions_plan_key" FOREIGN KEY (plan_key) REFERENCES private.plans(key);

ALTER TABLE "private"."held_plans"
  ADD CONSTRAINT "fk_held_plans_plan_key" FOREIGN KEY (plan_key) REFERENCES private.plans(key);

ALTER TABLE "private"."plan_limits"
  ADD CONSTRAINT "fk_plan_limits_plan_key" FOREIGN KEY (plan_key) REFERENCES private.plans(key);

ALTER TABLE "private"."plan_limits"
  ADD CONSTRAINT "fk_plan_limits_metric" FOREIGN KEY (metric) REFERENCES private.usage_metrics(metric);

ALTER TABLE "private"."usage_reservations"
  ADD CONSTRAINT "fk_usage_reservations_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

ALTER TABLE "public"."billing_events"
  ADD CONSTRAINT "fk_billing_events_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE SET NULL;

ALTER TABLE "public"."invoices"
  ADD CONSTRAINT "fk_invoices_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE SET NULL;

ALTER TABLE "public"."stripe_customers"
  ADD CONSTRAINT "fk_stripe_customers_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

ALTER TABLE "public"."subscriptions"
  ADD CONSTRAINT "fk_subscriptions_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

ALTER TABLE "public"."usage_limits"
  ADD CONSTRAINT "fk_usage_limits_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

ALTER TABLE "private"."usage_reservations"
  ADD CONSTRAINT "fk_usage_reservations_usage_limit_id" FOREIGN KEY (usage_limit_id) REFERENCES public.usage_limits(id) ON DELETE CASCADE;

CREATE VIEW "private"."leaving_payments" AS  SELECT relation,
    person,
    does,
    kind,
    columns,
    why
   FROM ( VALUES ('public.stripe_customers'::text,'user_id'::text,'task'::text,'delete_external_customer'::text,ARRAY['stripe_customer_id'::text],NULL::text), ('public.invoices'::text,'user_id'::text,'anonymise'::text,NULL::text,NULL::text[],'Books are kept, as the law asks.'::text), ('public.billing_events'::text,'user_id'::text,'anonymise'::text,NULL::text,NULL::text[],'An event that comes again is known by its id; what it said is emptied.'::text), ('private.billing_leases'::text,'subject'::text,'delete'::text,NULL::text,NULL::text[],NULL::text)) declared(relation, person, does, kind, columns, why);

CREATE UNIQUE INDEX idx_checkout_sessions_open ON private.checkout_sessions USING btree (user_id)
  WHERE (status = 'open'::text);

CREATE INDEX idx_checkout_sessions_plan_key ON private.checkout_sessions USING btree (plan_key);

CREATE INDEX idx_checkout_sessions_user_id ON private.checkout_sessions USING btree (user_id);

CREATE INDEX idx_held_plans_plan_key ON private.held_plans USING btree (plan_key);

CREATE INDEX idx_plan_limits_metric ON private.plan_limits USING btree (metric);

CREATE INDEX idx_usage_reservations_expires_at ON private.usage_reservations USING btree (expires_at)
  WHERE (status = 'open'::text);

CREATE INDEX idx_usage_reservations_finished_at ON private.usage_reservations USING btree (finished_at)
  WHERE (status <> 'open'::text);

CREATE INDEX idx_usage_reservations_open ON private.usage_reservations USING btree (usage_limit_id, expires_at)
  WHERE (status = 'open'::text);

CREATE INDEX idx_usage_reservations_usage_limit_id ON private.usage_reservations USING btree (usage_limit_id);

CREATE INDEX idx_usage_reservations_user_id ON private.usage_reservations USING btree (user_id);

CREATE INDEX idx_billing_events_received ON public.billing_events USING btree (created_at)
  WHERE (status = 'received'::text);

CREATE INDEX idx_billing_events_user_id_created_at ON public.billing_events USING btree (user_id, created_at DESC);

CREATE INDEX idx_invoices_user_id_issued_at ON public.invoices USING btree (user_id, issued_at DESC);

CREATE INDEX idx_subscriptions_status ON public.subscriptions USING btree (status);

CREATE INDEX idx_subscriptions_user_id_created_at ON public.subscriptions USING btree (user_id, created_at DESC);

CREATE TRIGGER broadcast_billing_events_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.billing_events
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_by_user_id('id', 'id', 'stripe_event_id', 'type', 'livemode', 'object_id', 'user_id', 'status', 'attempts', 'created_at', 'updated_at');

CREATE TRIGGER forget_billing_events_payload
  BEFORE UPDATE OF user_id ON public.billing_events
  FOR EACH ROW
  WHEN (((old.user_id IS NOT NULL) AND (new.user_id IS NULL)))
  EXECUTE FUNCTION private.forget_billing_payload();

CREATE TRIGGER set_billing_events_updated_at
  BEFORE UPDATE ON public.billing_events
  FOR EACH ROW
  EXECUTE FUNCTION private.set_updated_at();

CREATE TRIGGER broadcast_invoices_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.invoices
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_by_user_id('id');

CREATE TRIGGER set_invoices_updated_at
  BEFORE UPDATE ON public.invoices
  FOR EACH ROW
  EXECUTE FUNCTION private.set_updated_at();

CREATE TRIGGER broadcast_stripe_customers_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.stripe_customers
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_by_user_id('id');

CREATE TRIGGER set_stripe_customers_updated_at
  BEFORE UPDATE ON public.stripe_customers
  FOR EACH ROW
  EXECUTE FUNCTION private.set_updated_at();

CREATE TRIGGER broadcast_subscriptions_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.subscriptions
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_by_user_id('id');

CREATE TRIGGER set_subscriptions_updated_at
  BEFORE UPDATE ON public.subscriptions
  FOR EACH ROW
  EXECUTE FUNCTION private.set_updated_at();

CREATE TRIGGER broadcast_usage_limits_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.usage_limits
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_by_user_id('id');

CREATE TRIGGER set_usage_limits_updated_at
  BEFORE UPDATE ON public.usage_limits
  FOR EACH ROW
  EXECUTE FUNCTION private.set_updated_at();

CREATE POLICY "Nobody but the functions of payments may look" ON "private"."billing_leases"
  FOR ALL
  TO PUBLIC
  USING (false);

CREATE POLICY "Nobody but the functions of payments may look" ON "private"."checkout_sessions"
  FOR ALL
  TO PUBLIC
  USING (false);

CREATE POLICY "Nobody but the functions of payments may look" ON "private"."held_plans"
  FOR ALL
  TO PUBLIC
  USING (false);

CREATE POLICY "Nobody but the functions of payments may look" ON "private"."plan_limits"
  FOR ALL
  TO PUBLIC
  USING (false);

CREATE POLICY "Nobody but the functions of payments may look" ON "private"."plans"
  FOR ALL
  TO PUBLIC
  USING (false);

CREATE POLICY "Nobody but the functions of payments may look" ON "private"."usage_metrics"
  FOR ALL
  TO PUBLIC
  USING (false);

CREATE POLICY "Nobody but the functions of payments may look" ON "private"."usage_reservations"
  FOR ALL
  TO PUBLIC
  USING (false);

CREATE POLICY "People can view what Stripe told of them" ON "public"."billing_events"
  FOR SELECT
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "People can view their own invoices" ON "public"."invoices"
  FOR SELECT
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "People can view whom Stripe knows them as" ON "public"."stripe_customers"
  FOR SELECT
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "People can view their own subscriptions" ON "public"."subscriptions"
  FOR SELECT
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "People can view their own limits" ON "public"."usage_limits"
  FOR SELECT
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)));

COMMENT ON COLUMN "private"."billing_leases"."lease_until" IS 'Until when nobody else gets one.';

COMMENT ON COLUMN "private"."billing_leases"."subject" IS 'The customer''s id at Stripe, or the person''s.';

COMMENT ON COLUMN "private"."billing_leases"."token" IS 'The fencing number of the last turn.';

COMMENT ON COLUMN "private"."plans"."currency" IS 'The price''s currency, by its ISO 4217 code.';

COMMENT ON COLUMN "private"."plans"."interval" IS 'How often it is paid: each month or each year; null where it is free.';

COMMENT ON COLUMN "private"."plans"."key" IS 'What the plan is known by.';

COMMENT ON COLUMN "private"."plans"."name" IS 'What it is called.';

COMMENT ON COLUMN "private"."plans"."price" IS 'What it costs an interval.';

COMMENT ON COLUMN "private"."plans"."price_lookup_key" IS 'The lookup_key of its price at Stripe.';

COMMENT ON COLUMN "private"."plans"."rank" IS 'Which of two plans is the larger.';

COMMENT ON COLUMN "private"."usage_metrics"."is_level" IS 'Whether it is a level, which no period ends.';

COMMENT ON COLUMN "private"."usage_metrics"."metric" IS 'What the metric is known by.';

COMMENT ON COLUMN "private"."usage_reservations"."actual" IS 'How much it took.';

COMMENT ON COLUMN "private"."usage_reservations"."amount" IS 'How much it is thought to take.';

COMMENT ON COLUMN "private"."usage_reservations"."expires_at" IS 'When it frees itself, unless it is settled or released before.';

COMMENT ON COLUMN "private"."usage_reservations"."key" IS 'What is done: the same again is the same reservation.';

COMMENT ON COLUMN "private"."usage_reservations"."usage_limit_id" IS 'The limit of the period in which it was begun.';

COMMENT ON COLUMN "public"."billing_events"."attempts" IS 'How often it was told.';

COMMENT ON COLUMN "public"."billing_events"."created_at" IS 'When it was told first.';

COMMENT ON COLUMN "public"."billing_events"."id" IS 'What the event is known by here.';

COMMENT ON COLUMN "public"."billing_events"."livemode" IS 'Whether it is about money, and not about a test.';

COMMENT ON COLUMN "public"."billing_events"."object_id" IS 'The id of what it happened to, at Stripe.';

COMMENT ON COLUMN "public"."billing_events"."payload" IS 'The event as it came; emptied when its person leaves.';

COMMENT ON COLUMN "public"."billing_events"."status" IS 'What has become of it.';

COMMENT ON COLUMN "public"."billing_events"."stripe_event_id" IS 'The event''s id at Stripe.';

COMMENT ON COLUMN "public"."billing_events"."type" IS 'What happened, as Stripe calls it, for example invoice.paid.';

COMMENT ON COLUMN "public"."billing_events"."updated_at" IS 'When this last changed.';

COMMENT ON COLUMN "public"."billing_events"."user_id" IS 'The person whom it is about; null where nobody is known, and after they have left.';

COMMENT ON COLUMN "public"."invoices"."amount_due" IS 'How much is asked for.';

COMMENT ON COLUMN "public"."invoices"."amount_paid" IS 'How much was paid.';

COMMENT ON COLUMN "public"."invoices"."amount_refunded" IS 'How much of that was paid back.';

COMMENT ON COLUMN "public"."invoices"."created_at" IS 'When it was told first.';

COMMENT ON COLUMN "public"."invoices"."currency" IS 'The currency of its amounts, by its ISO 4217 code.';

COMMENT ON COLUMN "public"."invoices"."hosted_invoice_url" IS 'The page at Stripe that shows it.';

COMMENT ON COLUMN "public"."invoices"."id" IS 'The invoice''s id.';

COMMENT ON COLUMN "public"."invoices"."issued_at" IS 'When Stripe made it.';

COMMENT ON COLUMN "public"."invoices"."number" IS 'The invoice''s number; null while it is a draft.';

COMMENT ON COLUMN "public"."invoices"."status" IS 'How it stands, as Stripe says.';

COMMENT ON COLUMN "public"."invoices"."stripe_invoice_id" IS 'The id of the invoice at Stripe.';

COMMENT ON COLUMN "public"."invoices"."stripe_subscription_id" IS 'The id at Stripe of the subscription that it is for.';

COMMENT ON COLUMN "public"."invoices"."updated_at" IS 'When this last changed.';

COMMENT ON COLUMN "public"."invoices"."user_id" IS 'The person who was asked; null after they have left.';

COMMENT ON COLUMN "public"."stripe_customers"."created_at" IS 'When the customer was made.';

COMMENT ON COLUMN "public"."stripe_customers"."id" IS 'What the customer is known by here.';

COMMENT ON COLUMN "public"."stripe_customers"."stripe_customer_id" IS 'The id of the customer at Stripe.';

COMMENT ON COLUMN "public"."stripe_customers"."updated_at" IS 'When this last changed.';

COMMENT ON COLUMN "public"."stripe_customers"."user_id" IS 'The person.';

COMMENT ON COLUMN "public"."subscriptions"."cancel_at_period_end" IS 'Whether it ends then, and is not renewed.';

COMMENT ON COLUMN "public"."subscriptions"."created_at" IS 'When it began.';

COMMENT ON COLUMN "public"."subscriptions"."current_period_end" IS 'When it ends.';

COMMENT ON COLUMN "public"."subscriptions"."current_period_start" IS 'When the time began that is paid for now.';

COMMENT ON COLUMN "public"."subscriptions"."id" IS 'The subscription''s id.';

COMMENT ON COLUMN "public"."subscriptions"."past_due_at" IS 'Since when a payment has been missing; the plan is kept for seven days.';

COMMENT ON COLUMN "public"."subscriptions"."plan_key" IS 'The plan that is paid for.';

COMMENT ON COLUMN "public"."subscriptions"."status" IS 'How it stands, as Stripe says.';

COMMENT ON COLUMN "public"."subscriptions"."stripe_subscription_id" IS 'The id of the subscription at Stripe.';

COMMENT ON COLUMN "public"."subscriptions"."updated_at" IS 'When it last changed.';

COMMENT ON COLUMN "public"."subscriptions"."user_id" IS 'The person who pays.';

COMMENT ON COLUMN "public"."usage_limits"."created_at" IS 'When something was counted first.';

COMMENT ON COLUMN "public"."usage_limits"."id" IS 'The limit''s id.';

COMMENT ON COLUMN "public"."usage_limits"."limit_amount" IS 'How much there may be.';

COMMENT ON COLUMN "public"."usage_limits"."metric" IS 'What is counted.';

COMMENT ON COLUMN "public"."usage_limits"."period_end" IS 'When what is used is counted anew; null for a level.';

COMMENT ON COLUMN "public"."usage_limits"."period_start" IS 'When the period began; null for a level, which has none.';

COMMENT ON COLUMN "public"."usage_limits"."remaining_amount" IS 'How much is left.';

COMMENT ON COLUMN "public"."usage_limits"."reserved_amount" IS 'How much is held by what has begun and is not done.';

COMMENT ON COLUMN "public"."usage_limits"."updated_at" IS 'When it last changed.';

COMMENT ON COLUMN "public"."usage_limits"."used_amount" IS 'How much was used; it may be more than the limit, where something took more than was thought.';

COMMENT ON COLUMN "public"."usage_limits"."user_id" IS 'The person.';

COMMENT ON CONSTRAINT "billing_events_attempts_check" ON "public"."billing_events" IS 'An event that is known was told once at least.';

COMMENT ON CONSTRAINT "billing_events_object_id_check" ON "public"."billing_events" IS 'The id of what an event is about is at most 255 characters long.';

COMMENT ON CONSTRAINT "billing_events_payload_check" ON "public"."billing_events" IS 'An event is a JSON object.';

COMMENT ON CONSTRAINT "billing_events_status_check" ON "public"."billing_events" IS 'There is no such status of events.';

COMMENT ON CONSTRAINT "billing_events_stripe_event_id_check" ON "public"."billing_events" IS 'The id of an event is 1 to 255 characters long.';

COMMENT ON CONSTRAINT "billing_events_type_check" ON "public"."billing_events" IS 'The type of an event is 1 to 255 characters long.';

COMMENT ON CONSTRAINT "invoices_amount_due_check" ON "public"."invoices" IS 'What is due is an amount.';

COMMENT ON CONSTRAINT "invoices_amount_paid_check" ON "public"."invoices" IS 'What was paid is zero or more.';

COMMENT ON CONSTRAINT "invoices_amount_refunded_check" ON "public"."invoices" IS 'What was paid back is zero or more.';

COMMENT ON CONSTRAINT "invoices_currency_check" ON "public"."invoices" IS 'A currency is three capital letters, its ISO 4217 code, such as EUR.';

COMMENT ON CONSTRAINT "invoices_hosted_invoice_url_check" ON "public"."invoices" IS 'A page begins with http:// or https://, has no blanks, and is at most 2,048 characters long.';

COMMENT ON CONSTRAINT "invoices_number_check" ON "public"."invoices" IS 'The number of an invoice is at most 255 characters long.';

COMMENT ON CONSTRAINT "invoices_status_check" ON "public"."invoices" IS 'There is no such status of invoices.';

COMMENT ON CONSTRAINT "invoices_stripe_invoice_id_check" ON "public"."invoices" IS 'The id of an invoice is 1 to 255 characters long.';

COMMENT ON CONSTRAINT "invoices_stripe_subscription_id_check" ON "public"."invoices" IS 'The id of a subscription is 1 to 255 characters long.';

COMMENT ON CONSTRAINT "stripe_customers_stripe_customer_id_check" ON "public"."stripe_customers" IS 'The id of a customer is 1 to 255 characters long.';

COMMENT ON CONSTRAINT "subscriptions_current_period_end_check" ON "public"."subscriptions" IS 'A period ends after it has begun.';

COMMENT ON CONSTRAINT "subscriptions_past_due_at_check" ON "public"."subscriptions" IS 'It is said of what is past due, and of nothing else, since when it is.';

COMMENT ON CONSTRAINT "subscriptions_plan_key_check" ON "public"."subscriptions" IS 'There is no such plan.';

COMMENT ON CONSTRAINT "subscriptions_status_check" ON "public"."subscriptions" IS 'There is no such status of subscriptions.';

COMMENT ON CONSTRAINT "subscriptions_stripe_subscription_id_check" ON "public"."subscriptions" IS 'The id of a subscription is 1 to 255 characters long.';

COMMENT ON CONSTRAINT "usage_limits_limit_amount_check" ON "public"."usage_limits" IS 'A limit is zero or more.';

COMMENT ON CONSTRAINT "usage_limits_metric_check" ON "public"."usage_limits" IS 'There is no such metric.';

COMMENT ON CONSTRAINT "usage_limits_period_end_check" ON "public"."usage_limits" IS 'A period ends after it has begun; a level has none.';

COMMENT ON CONSTRAINT "usage_limits_reserved_amount_check" ON "public"."usage_limits" IS 'What is held is zero or more.';

COMMENT ON CONSTRAINT "usage_limits_used_amount_check" ON "public"."usage_limits" IS 'What was used is zero or more.';

COMMENT ON FUNCTION "public"."hosted_invoice_url_against"(public.invoices) IS 'How the column compares with each text that the request brings along.';

COMMENT ON FUNCTION "public"."invoices_by_ids"(uuid[]) IS 'The rows of invoices with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."stripe_customers_by_ids"(uuid[]) IS 'The rows of stripe_customers with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."subscriptions_by_ids"(uuid[]) IS 'The rows of subscriptions with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."usage_limits_by_ids"(uuid[]) IS 'The rows of usage_limits with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."whole_invoices"(public.invoices) IS 'The row of invoices itself.';

COMMENT ON FUNCTION "public"."whole_stripe_customers"(public.stripe_customers) IS 'The row of stripe_customers itself.';

COMMENT ON FUNCTION "public"."whole_subscriptions"(public.subscriptions) IS 'The row of subscriptions itself.';

COMMENT ON FUNCTION "public"."whole_usage_limits"(public.usage_limits) IS 'The row of usage_limits itself.';

COMMENT ON SEQUENCE "private"."billing_tokens" IS 'The fencing numbers of turns.';

COMMENT ON TABLE "private"."billing_leases" IS 'Whose turn it is to write of a customer, or of a person who is none yet.';

COMMENT ON TABLE "private"."checkout_sessions" IS 'Pages at Stripe on which people subscribe, of which each has one that is open.';

COMMENT ON TABLE "private"."held_plans" IS 'Plans that were paid for until a moment, though a smaller one has been chosen since.';

COMMENT ON TABLE "private"."plan_limits" IS 'How much of each metric a plan includes.';

COMMENT ON TABLE "private"."plans" IS 'What people may have, and at what price.';

COMMENT ON TABLE "private"."usage_metrics" IS 'What is counted.';

COMMENT ON TABLE "private"."usage_reservations" IS 'What is held of a limit while something is done, by the key of what is done.';

COMMENT ON TABLE "public"."billing_events" IS 'Something that Stripe told, once for each of its events.';

COMMENT ON TABLE "public"."invoices" IS 'What a person was asked to pay.';

COMMENT ON TABLE "public"."stripe_customers" IS 'Whom Stripe knows a person as.';

COMMENT ON TABLE "public"."subscriptions" IS 'A plan that a person pays for, as Stripe was last seen to have it.';

COMMENT ON TABLE "public"."usage_limits" IS 'How much of something a person''s plan includes for a period, and how much of that is used.';

COMMENT ON VIEW "private"."leaving_payments" IS 'What becomes of references to a person who leaves, beside foreign keys, of payments.';

REVOKE ALL ON FUNCTION "private"."forget_billing_payload"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."hosted_invoice_url_against"(public.invoices) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."invoices_by_ids"(uuid[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."stripe_customers_by_ids"(uuid[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."subscriptions_by_ids"(uuid[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."usage_limits_by_ids"(uuid[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."whole_invoices"(public.invoices) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."whole_stripe_customers"(public.stripe_customers) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."whole_subscriptions"(public.subscriptions) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."whole_usage_limits"(public.usage_limits) TO "authenticated";

REVOKE ALL ON TABLE "public"."billing_events" FROM "authenticated";

REVOKE ALL ("attempts") ON TABLE "public"."billing_events" FROM "authenticated";

GRANT SELECT ("attempts") ON TABLE "public"."billing_events" TO "authenticated";

REVOKE ALL ("created_at") ON TABLE "public"."billing_events" FROM "authenticated";

GRANT SELECT ("created_at") ON TABLE "public"."billing_events" TO "authenticated";

REVOKE ALL ("id") ON TABLE "public"."billing_events" FROM "authenticated";

GRANT SELECT ("id") ON TABLE "public"."billing_events" TO "authenticated";

REVOKE ALL ("livemode") ON TABLE "public"."billing_events" FROM "authenticated";

GRANT SELECT ("livemode") ON TABLE "public"."billing_events" TO "authenticated";

REVOKE ALL ("object_id") ON TABLE "public"."billing_events" FROM "authenticated";

GRANT SELECT ("object_id") ON TABLE "public"."billing_events" TO "authenticated";

REVOKE ALL ("status") ON TABLE "public"."billing_events" FROM "authenticated";

GRANT SELECT ("status") ON TABLE "public"."billing_events" TO "authenticated";

REVOKE ALL ("stripe_event_id") ON TABLE "public"."billing_events" FROM "authenticated";

GRANT SELECT ("stripe_event_id") ON TABLE "public"."billing_events" TO "authenticated";

REVOKE ALL ("type") ON TABLE "public"."billing_events" FROM "authenticated";

GRANT SELECT ("type") ON TABLE "public"."billing_events" TO "authenticated";

REVOKE ALL ("updated_at") ON TABLE "public"."billing_events" FROM "authenticated";

GRANT SELECT ("updated_at") ON TABLE "public"."billing_events" TO "authenticated";

REVOKE ALL ("user_id") ON TABLE "public"."billing_events" FROM "authenticated";

GRANT SELECT ("user_id") ON TABLE "public"."billing_events" TO "authenticated";

REVOKE ALL ON TABLE "public"."billing_events" FROM "service_role";

REVOKE ALL ("attempts") ON TABLE "public"."billing_events" FROM "service_role";

GRANT SELECT ("attempts") ON TABLE "public"."billing_events" TO "service_role";

REVOKE ALL ("created_at") ON TABLE "public"."billing_events" FROM "service_role";

GRANT SELECT ("created_at") ON TABLE "public"."billing_events" TO "service_role";

REVOKE ALL ("id") ON TABLE "public"."billing_events" FROM "service_role";

GRANT SELECT ("id") ON TABLE "public"."billing_events" TO "service_role";

REVOKE ALL ("livemode") ON TABLE "public"."billing_events" FROM "service_role";

GRANT SELECT ("livemode") ON TABLE "public"."billing_events" TO "service_role";

REVOKE ALL ("object_id") ON TABLE "public"."billing_events" FROM "service_role";

GRANT SELECT ("object_id") ON TABLE "public"."billing_events" TO "service_role";

REVOKE ALL ("status") ON TABLE "public"."billing_events" FROM "service_role";

GRANT SELECT ("status") ON TABLE "public"."billing_events" TO "service_role";

REVOKE ALL ("stripe_event_id") ON TABLE "public"."billing_events" FROM "service_role";

GRANT SELECT ("stripe_event_id") ON TABLE "public"."billing_events" TO "service_role";

REVOKE ALL ("type") ON TABLE "public"."billing_events" FROM "service_role";

GRANT SELECT ("type") ON TABLE "public"."billing_events" TO "service_role";

REVOKE ALL ("updated_at") ON TABLE "public"."billing_events" FROM "service_role";

GRANT SELECT ("updated_at") ON TABLE "public"."billing_events" TO "service_role";

REVOKE ALL ("user_id") ON TABLE "public"."billing_events" FROM "service_role";

GRANT SELECT ("user_id") ON TABLE "public"."billing_events" TO "service_role";

GRANT DELETE, INSERT, REFERENCES, TRIGGER, TRUNCATE, UPDATE ON TABLE "public"."billing_events" TO "service_role";

REVOKE ALL ON TABLE "public"."invoices" FROM "authenticated";

GRANT SELECT ON TABLE "public"."invoices" TO "authenticated";

GRANT DELETE, INSERT, MAINTAIN, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE ON TABLE "public"."invoices" TO "service_role";

REVOKE ALL ON TABLE "public"."stripe_customers" FROM "authenticated";

GRANT SELECT ON TABLE "public"."stripe_customers" TO "authenticated";

GRANT DELETE, INSERT, MAINTAIN, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE ON TABLE "public"."stripe_customers" TO "service_role";

REVOKE ALL ON TABLE "public"."subscriptions" FROM "authenticated";

GRANT SELECT ON TABLE "public"."subscriptions" TO "authenticated";

GRANT DELETE, INSERT, MAINTAIN, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE ON TABLE "public"."subscriptions" TO "service_role";

REVOKE ALL ON TABLE "public"."usage_limits" FROM "authenticated";

GRANT SELECT ON TABLE "public"."usage_limits" TO "authenticated";

GRANT DELETE, INSERT, MAINTAIN, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE ON TABLE "public"."usage_limits" TO "service_role";


-- From program/007_payments.sql

-- What people may have, and how much of everything that includes: AI in US dollars, messages, and bytes.
-- rows of private.plans by key: name, price, currency, interval, rank, price_lookup_key
-- rows of private.usage_metrics by metric: is_level
-- rows of private.plan_limits by plan_key, metric: amount
insert into private.plans (key, name, price, currency, "interval", rank, price_lookup_key) values
    ('free', 'Free', 0, 'EUR', null, 0, null),
    ('pro', 'Pro', 9.00, 'EUR', 'month', 1, 'tripgate_pro'),
    ('enterprise', 'Enterprise', 49.00, 'EUR', 'month', 2, 'tripgate_enterprise')
on conflict (key) do update set
    name = excluded.name, price = excluded.price, currency = excluded.currency, "interval" = excluded."interval",
    rank = excluded.rank, price_lookup_key = excluded.price_lookup_key;

insert into private.usage_metrics (metric, is_level) values
    ('ai_cost', false), ('whatsapp_messages', false), ('storage_bytes', true)
on conflict (metric) do update set is_level = excluded.is_level;

insert into private.plan_limits (plan_key, metric, amount) values
    ('free', 'ai_cost', 0.50), ('free', 'whatsapp_messages', 20), ('free', 'storage_bytes', 104857600),
    ('pro', 'ai_cost', 5), ('pro', 'whatsapp_messages', 500), ('pro', 'storage_bytes', 10737418240),
    ('enterprise', 'ai_cost', 50), ('enterprise', 'whatsapp_messages', 5000),
    ('enterprise', 'storage_bytes', 107374182400)
on conflict (plan_key, metric) do update set amount = excluded.amount;
