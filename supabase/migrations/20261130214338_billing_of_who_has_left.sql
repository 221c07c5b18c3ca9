SET local check_function_bodies = off;

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
    where known.stripe_event_id = finish_event.event and known.status = 'received';
    if not found and event is not null and not exists (
        select from public.billing_events as known where known.stripe_event_id = finish_event.event
    ) then
        perform private.refuse('NOT_FOUND', 'This event was not written down.', '{"field": "event"}');
    end if;
end
$function$;

CREATE OR REPLACE FUNCTION private.hold_person_of_customer (
  customer text
)
  RETURNS uuid
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    person uuid;
begin
    select profiles.id into person from public.profiles
    where profiles.id = private.person_of_customer(customer)
    for no key update;
    return person;
end
$function$;

CREATE OR REPLACE FUNCTION public.apply_stripe_invoice (
  customer           text,
  token              bigint,
  invoice            text,
  status             text,
  currency           text,
  amount_due         bigint,
  amount_paid        bigint,
  amount_refunded    bigint                   DEFAULT NULL::bigint,
  number             text                     DEFAULT NULL::text,
  hosted_invoice_url text                     DEFAULT NULL::text,
  subscription       text                     DEFAULT NULL::text,
  created            timestamp with time zone DEFAULT now(),
  event              text                     DEFAULT NULL::text
)
  RETURNS text
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
    person uuid;
begin
    perform private.hold_billing_lease(customer, token);
    person := private.hold_person_of_customer(customer);
    -- What is known is kept up to date, also of somebody who has left.
    if person is not null
        or exists (select from public.invoices as known where known.stripe_invoice_id = invoice)
    then
        insert into public.invoices as known (
            stripe_invoice_id, user_id, stripe_subscription_id, number, status, currency, amount_due, amount_paid,
            amount_refunded, hosted_invoice_url, issued_at
        ) values (
            invoice, person, subscription, apply_stripe_invoice.number, apply_stripe_invoice.status,
            upper(apply_stripe_invoice.currency),
            private.from_minor_units(apply_stripe_invoice.amount_due, apply_stripe_invoice.currency),
            private.from_minor_units(apply_stripe_invoice.amount_paid, apply_stripe_invoice.currency),
            private.from_minor_units(
                coalesce(apply_stripe_invoice.amount_refunded, 0), apply_stripe_invoice.currency
            ),
            apply_stripe_invoice.hosted_invoice_url, created
        )
        on conflict (stripe_invoice_id) do update set
            stripe_subscription_id = excluded.stripe_subscription_id, number = excluded.number,
            status = excluded.status, currency = excluded.currency, amount_due = excluded.amount_due,
            amount_paid = excluded.amount_paid,
            amount_refunded = case
                when apply_stripe_invoice.amount_refunded is null then known.amount_refunded
                else excluded.amount_refunded
            end,
            hosted_invoice_url = excluded.hosted_invoice_url, issued_at = excluded.issued_at;
    end if;
    perform private.finish_event(event, case when person is null then 'ignored' else 'done' end, person);
    return case when person is null then 'unknown' else 'applied' end;
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
  event                text                     DEFAULT NULL::text
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
            cancel_at_period_end, past_due_at, created_at
        ) values (
            person, subscription, apply_stripe_subscription.plan_key, apply_stripe_subscription.status,
            apply_stripe_subscription.current_period_start, apply_stripe_subscription.current_period_end,
            apply_stripe_subscription.cancel_at_period_end,
            case when apply_stripe_subscription.status = 'past_due' then coalesce(before.past_due_at, clock_timestamp()) end,
            created
        )
        on conflict (stripe_subscription_id) do update set
            plan_key = excluded.plan_key, status = excluded.status,
            current_period_start = excluded.current_period_start, current_period_end = excluded.current_period_end,
            cancel_at_period_end = excluded.cancel_at_period_end, past_due_at = excluded.past_due_at
        where (
            known.plan_key, known.status, known.current_period_start, known.current_period_end,
            known.cancel_at_period_end, known.past_due_at
        ) is distinct from (
            excluded.plan_key, excluded.status, excluded.current_period_start, excluded.current_period_end,
            excluded.cancel_at_period_end, excluded.past_due_at
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

REVOKE ALL ON FUNCTION "private"."hold_person_of_customer"(text) FROM PUBLIC;
