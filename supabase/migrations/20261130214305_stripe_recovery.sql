SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.recover_stripe_events (
  hours integer
)
  RETURNS bigint
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    if not exists (select from public.stripe_customers) then
        return null;
    end if;
    return private.invoke_function('recover-stripe-events', jsonb_build_object('hours', hours));
end
$function$;

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
            where told.stripe_event_id = listed.event and told.status <> 'received'
        )
        order by listed.place
    );
end
$function$;

REVOKE ALL ON FUNCTION "public"."stripe_events_left"(text[]) FROM PUBLIC, "anon", "authenticated";

CREATE OR REPLACE FUNCTION public.stripe_price_keys()
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
    select coalesce(jsonb_object_agg(plans.key, plans.price_lookup_key), '{}')
    from private.plans where plans.price_lookup_key is not null
$function$;

REVOKE ALL ON FUNCTION "public"."stripe_price_keys"() FROM PUBLIC, "anon", "authenticated";

COMMENT ON FUNCTION "private"."recover_stripe_events"(integer) IS 'Has looked for what Stripe told within so many hours and never arrived; returns the call''s id, null where nobody is a customer.';

COMMENT ON FUNCTION "public"."stripe_events_left"(text[]) IS 'Of these events of Stripe, in their order, those that never came or are not done.';

COMMENT ON FUNCTION "public"."stripe_price_keys"() IS 'The lookup_key of its price at Stripe for each plan that is paid for, by the plan''s key.';

REVOKE ALL ON FUNCTION "private"."recover_stripe_events"(integer) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."stripe_events_left"(text[]) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."stripe_price_keys"() TO "service_role";


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

-- What nobody settled is free again at once for whoever reserves; this is for those who look.
-- rows of cron.job by jobname: schedule, command where jobname like 'payments-%'
select cron.schedule('payments-expire-reservations', '* * * * *', 'select private.expire_reservations()');
select cron.schedule('payments-prune-reservations', '37 3 * * *', 'select private.prune_reservations()');

-- What Stripe told and never arrived: of the last hours often, and once a night of as long as Stripe keeps it.
select cron.schedule('payments-recover-events', '*/10 * * * *', 'select private.recover_stripe_events(3)');
select cron.schedule('payments-recover-old-events', '47 3 * * *', 'select private.recover_stripe_events(720)');

-- rows of private.task_kinds by kind: function where kind = 'delete_external_customer'
insert into private.task_kinds (kind, function) values ('delete_external_customer', 'delete-external-customer')
on conflict (kind) do update set function = excluded.function;
