SET local check_function_bodies = off;

DROP FUNCTION "public"."apply_stripe_subscription"(text, bigint, text, text, text, timestamp WITH time zone, timestamp WITH time zone, boolean, timestamp WITH time zone, text);

ALTER TABLE "public"."subscriptions"
  ADD COLUMN "paid_until" timestamp WITH time zone;

CREATE OR REPLACE FUNCTION private.plan_of (
  person uuid
)
  RETURNS TABLE (
    plan_key     text,
    is_paid      boolean,
    period_start timestamp with time zone,
    period_end   timestamp with time zone
  )
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
    moment constant timestamptz := clock_timestamp();
    month constant timestamp := date_trunc('month', moment at time zone 'UTC');
begin
    return query
        select
            known.plan_key, true,
            case when moment < known.current_period_end then known.current_period_start else known.current_period_end end,
            case
                when moment < known.current_period_end then known.current_period_end
                when plans."interval" = 'year' then known.current_period_end + interval '1 year'
                else known.current_period_end + interval '1 month'
            end
        from public.subscriptions as known join private.plans on plans.key = known.plan_key
        where known.user_id = person
            and (
                known.status in ('active', 'trialing')
                or known.status = 'past_due' and greatest(known.past_due_at, known.paid_until) > moment - interval '7 days'
                -- Stripe gave up what a larger plan costs more, and what was paid before is not over yet.
                or known.status in ('unpaid', 'canceled') and known.paid_until > moment
            )
            and (
                moment < known.current_period_end
                or not known.cancel_at_period_end and moment < known.current_period_end + interval '7 days'
            )
        order by plans.rank desc, known.created_at desc
        limit 1;
    if not found then
        return query select
            'free'::text, false, month at time zone 'UTC', (month + interval '1 month') at time zone 'UTC';
    end if;
end
$function$;

CREATE OR REPLACE FUNCTION public.apply_stripe_subscription (
  customer             text,
  token                bigint,
  subscription         text,
  plan_key             text,
  status               text,
  current_period_start timestamp with time zone,
  current_period_end   timestamp with time zone,
  cancel_at_period_end boolean,
  created              timestamp with time zone DEFAULT now(),
  event                text                     DEFAULT NULL::text,
  paid_until           timestamp with time zone DEFAULT NULL::timestamp WITH time zone
)
  RETURNS text
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
    person uuid;
    before public.subscriptions;
begin
    perform private.hold_billing_lease(customer, token);
    person := private.hold_person_of_customer(customer);
    if person is not null then
        select * into before from public.subscriptions as known where known.stripe_subscription_id = subscription;
        insert into public.subscriptions as known (
            user_id, stripe_subscription_id, plan_key, status, current_period_start, current_period_end,
            cancel_at_period_end, past_due_at, paid_until, created_at
        ) values (
            person, subscription, apply_stripe_subscription.plan_key, apply_stripe_subscription.status,
            apply_stripe_subscription.current_period_start, apply_stripe_subscription.current_period_end,
            apply_stripe_subscription.cancel_at_period_end,
            case when apply_stripe_subscription.status = 'past_due' then coalesce(before.past_due_at, clock_timestamp()) end,
            apply_stripe_subscription.paid_until, created
        )
        on conflict (stripe_subscription_id) do update set
            plan_key = excluded.plan_key, status = excluded.status,
            current_period_start = excluded.current_period_start, current_period_end = excluded.current_period_end,
            cancel_at_period_end = excluded.cancel_at_period_end, past_due_at = excluded.past_due_at,
            paid_until = excluded.paid_until
        where (
            known.plan_key, known.status, known.current_period_start, known.current_period_end,
            known.cancel_at_period_end, known.past_due_at, known.paid_until
        ) is distinct from (
            excluded.plan_key, excluded.status, excluded.current_period_start, excluded.current_period_end,
            excluded.cancel_at_period_end, excluded.past_due_at, excluded.paid_until
        );
        perform private.hold_larger_plan(person, before, (
            select known from public.subscriptions as known where known.stripe_subscription_id = subscription
        ));
        perform private.open_limits(person);
    end if;
    perform private.finish_event(event, case when person is null then 'ignored' else 'done' end, person);
    return case when person is null then 'unknown' else 'applied' end;
end
$function$;

REVOKE ALL
  ON FUNCTION "public"."apply_stripe_subscription"(text, bigint, text, text, text, timestamp WITH time zone, timestamp WITH time zone, boolean, timestamp
    WITH time zone, text, timestamp WITH time zone)
  FROM PUBLIC, "anon", "authenticated";

COMMENT ON COLUMN "public"."subscriptions"."paid_until" IS 'While a payment is missing, until when the plan is paid that was paid for last; it is kept until then at least.';

COMMENT ON FUNCTION "public"."apply_stripe_subscription"(text, bigint, text, text, text, timestamp with time zone, timestamp with time zone, boolean, timestamp
  with time zone, text, timestamp with time zone) IS 'A subscription as it was fetched within a turn of its customer''s. Done is the event, if one is named. Returns applied, or unknown where nobody is this customer.';

GRANT EXECUTE
  ON FUNCTION "public"."apply_stripe_subscription"(text, bigint, text, text, text, timestamp WITH time zone, timestamp WITH time zone, boolean, timestamp
    WITH time zone, text, timestamp WITH time zone)
  TO "service_role";
