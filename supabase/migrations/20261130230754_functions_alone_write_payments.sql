SET local check_function_bodies = off;

REVOKE ALL ON TABLE "public"."billing_events" FROM "service_role";

ALTER TABLE "public"."billing_events"
  DROP CONSTRAINT "billing_events_status_check";

CREATE TABLE "private"."former_stripe_customers" (
  "stripe_customer_id" text                     NOT NULL,
  "user_id"            uuid                     NOT NULL,
  "created_at"         timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "former_stripe_customers_pkey" PRIMARY KEY (stripe_customer_id)
);

ALTER TABLE "private"."former_stripe_customers"
  ENABLE ROW LEVEL SECURITY;

CREATE OR REPLACE FUNCTION private.finish_event (
  event  text,
  status text,
  person uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    update public.billing_events as known set
        status = finish_event.status, user_id = coalesce(known.user_id, finish_event.person),
        -- Of nobody, or of somebody who has left, nothing is kept.
        payload = case when coalesce(known.user_id, finish_event.person) is null then '{}' else known.payload end
    where known.stripe_event_id = finish_event.event and known.status in ('received', 'waiting');
    if not found and event is not null and not exists (
        select from public.billing_events as known where known.stripe_event_id = finish_event.event
    ) then
        perform private.refuse('NOT_FOUND', 'This event was not written down.', '{"field": "event"}');
    end if;
end
$function$;

CREATE OR REPLACE FUNCTION private.person_of_customer (
  customer text
)
  RETURNS uuid
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select known.user_id from public.stripe_customers as known where known.stripe_customer_id = customer
    union all
    select former.user_id from private.former_stripe_customers as former where former.stripe_customer_id = customer
    limit 1
$function$;

CREATE OR REPLACE FUNCTION public.finish_stripe_event (
  event  text,
  status text DEFAULT 'done'::text
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
begin
    if coalesce(finish_stripe_event.status, '') not in ('done', 'ignored', 'waiting') then
        perform private.refuse('BAD_USER_INPUT', 'An event is done, ignored or waiting.', '{"field": "status"}');
    end if;
    perform private.finish_event(
        event,
        case
            when finish_stripe_event.status = 'waiting' and exists (
                select from public.billing_events as known
                where known.stripe_event_id = finish_stripe_event.event and known.user_id is null
            ) then 'ignored'
            else finish_stripe_event.status
        end,
        null
    );
end
$function$;

CREATE OR REPLACE FUNCTION public.release_billing_lease (
  subject text,
  token   bigint
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    -- The next turn has a higher number than any before, whether there is a row of this one or not.
    delete from private.billing_leases as lease
    where lease.subject = release_billing_lease.subject and lease.token = release_billing_lease.token;
end
$function$;

CREATE OR REPLACE FUNCTION public.replace_stripe_customer (
  person   uuid,
  former   text,
  customer text,
  token    bigint
)
  RETURNS text
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.hold_billing_lease(person::text, token);
    delete from public.stripe_customers as known
    where known.user_id = person and known.stripe_customer_id = replace_stripe_customer.former;
    if found then
        insert into private.former_stripe_customers (stripe_customer_id, user_id)
        values (replace_stripe_customer.former, person) on conflict do nothing;
        -- On a page of nobody's nobody can pay.
        update private.checkout_sessions as page set status = 'expired'
        where page.user_id = person and page.status = 'open';
    end if;
    return public.keep_stripe_customer(person, customer, token);
end
$function$;

REVOKE ALL ON FUNCTION "public"."replace_stripe_customer"(uuid, text, text, bigint) FROM PUBLIC, "anon", "authenticated";

CREATE OR REPLACE FUNCTION public.stripe_events_left (
  events text[]
)
  RETURNS text[]
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    if coalesce(cardinality(events), 0) > 1000 then
        perform private.refuse('BAD_USER_INPUT', 'Ask of 1,000 events at most.', '{"field": "events"}');
    end if;
    return array(
        select listed.event from unnest(events) with ordinality as listed (event, place)
        where not exists (
            select from public.billing_events as told
            where told.stripe_event_id = listed.event and told.status not in ('received', 'waiting')
        )
        order by listed.place
    );
end
$function$;

ALTER TABLE "private"."former_stripe_customers"
  ADD CONSTRAINT "fk_former_stripe_customers_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

ALTER TABLE "public"."billing_events"
  ADD CONSTRAINT "billing_events_status_check" CHECK ((status = ANY (ARRAY['received'::text, 'waiting'::text, 'done'::text, 'ignored'::text])));

CREATE INDEX idx_former_stripe_customers_user_id ON private.former_stripe_customers USING btree (user_id);

CREATE POLICY "Nobody but the functions of payments may look" ON "private"."former_stripe_customers"
  FOR ALL
  TO PUBLIC
  USING (false);

COMMENT ON COLUMN "private"."former_stripe_customers"."stripe_customer_id" IS 'The id of the customer, who is at Stripe no more.';

COMMENT ON COLUMN "public"."billing_events"."status" IS 'What has become of it; what waits is about a price that is of no plan yet.';

COMMENT ON CONSTRAINT "billing_events_status_check" ON "public"."billing_events" IS 'There is no such status of events.';

COMMENT ON FUNCTION "public"."finish_stripe_event"(text, text) IS 'What an event brings about is done, or it brings about nothing, or it waits until its price is of a plan.';

COMMENT ON FUNCTION "public"."record_stripe_event"(text, text, boolean, text, text, jsonb) IS 'Writes down that Stripe told an event, once more where it did before. Returns received or waiting while what it brings about is still to be done, else done or ignored.';

COMMENT ON FUNCTION "public"."replace_stripe_customer"(uuid, text, text, bigint) IS 'Whom Stripe knows a person as now, in place of one that was deleted there, within a turn of that person''s; which they are is returned.';

COMMENT ON FUNCTION "public"."stripe_events_left"(text[]) IS 'Of these events of Stripe, in their order, those that never came or are not done; what waits is one of these.';

COMMENT ON TABLE "private"."former_stripe_customers" IS 'Whom Stripe knew a person as before.';

GRANT EXECUTE ON FUNCTION "public"."replace_stripe_customer"(uuid, text, text, bigint) TO "service_role";

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

REVOKE ALL ON TABLE "public"."invoices" FROM "service_role";

GRANT SELECT ON TABLE "public"."invoices" TO "service_role";

REVOKE ALL ON TABLE "public"."stripe_customers" FROM "service_role";

GRANT SELECT ON TABLE "public"."stripe_customers" TO "service_role";

REVOKE ALL ON TABLE "public"."subscriptions" FROM "service_role";

GRANT SELECT ON TABLE "public"."subscriptions" TO "service_role";

REVOKE ALL ON TABLE "public"."usage_limits" FROM "service_role";

GRANT SELECT ON TABLE "public"."usage_limits" TO "service_role";
