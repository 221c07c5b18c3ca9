SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.check_usage_amount (
  amount   numeric,
  smallest numeric,
  field    text
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    -- NaN is more than anything.
    if amount is null or amount < smallest or amount >= 1e15 or scale(trim_scale(amount)) > 6 then
        perform private.refuse(
            'BAD_USER_INPUT',
            format('An amount is %s, with at most six decimals.', case when smallest > 0 then 'more than zero' else 'zero or more' end),
            jsonb_build_object('field', field)
        );
    end if;
end
$function$;

CREATE OR REPLACE FUNCTION private.expire_reservations()
  RETURNS integer
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    moment constant timestamptz := clock_timestamp();
    expired record;
    freed integer := 0;
begin
    for expired in
        select distinct open.user_id, open.usage_limit_id from private.usage_reservations as open
        where open.status = 'open' and open.expires_at <= moment
        limit 1000
    loop
        perform from public.profiles where profiles.id = expired.user_id for no key update skip locked;
        if found then
            perform private.expire_reservations_of(expired.usage_limit_id);
            freed := freed + 1;
        end if;
    end loop;
    return freed;
end
$function$;

CREATE OR REPLACE FUNCTION private.expire_reservations_of (
  usage_limit uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    moment constant timestamptz := clock_timestamp();
    freed numeric;
begin
    with gone as (
        update private.usage_reservations as open set status = 'expired', finished_at = moment
        where open.usage_limit_id = usage_limit and open.status = 'open' and open.expires_at <= moment
        returning open.amount
    )
    select sum(gone.amount) into freed from gone;
    if freed is not null then
        update public.usage_limits as known set reserved_amount = known.reserved_amount - freed
        where known.id = usage_limit;
    end if;
end
$function$;

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
        status = finish_event.status, user_id = coalesce(known.user_id, finish_event.person)
    where known.stripe_event_id = finish_event.event and known.status = 'received';
    if not found and event is not null and not exists (
        select from public.billing_events as known where known.stripe_event_id = finish_event.event
    ) then
        perform private.refuse('NOT_FOUND', 'This event was not written down.', '{"field": "event"}');
    end if;
end
$function$;

CREATE OR REPLACE FUNCTION private.from_minor_units (
  amount   bigint,
  currency text
)
  RETURNS numeric
  LANGUAGE sql
  IMMUTABLE
  STRICT
  SET search_path TO ''
  AS $function$
    select case
        when lower(currency) in (
            'bif', 'clp', 'djf', 'gnf', 'jpy', 'kmf', 'krw', 'mga', 'pyg', 'rwf', 'vnd', 'vuv', 'xaf', 'xof', 'xpf'
        ) then amount::numeric
        when lower(currency) in ('bhd', 'jod', 'kwd', 'omr', 'tnd') then round(amount / 1000.0, 3)
        else round(amount / 100.0, 2)
    end
$function$;

CREATE OR REPLACE FUNCTION private.hold_billing_lease (
  subject text,
  token   bigint
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform from private.billing_leases as lease
    where lease.subject = hold_billing_lease.subject and lease.token = hold_billing_lease.token
    for update;
    if not found then
        perform private.refuse(
            'CONFLICT', 'Somebody else has had a turn to write of this since: fetch it anew.', '{"reason": "LEASE_LOST"}'
        );
    end if;
end
$function$;

CREATE OR REPLACE FUNCTION private.hold_larger_plan (
  person uuid,
  before public.subscriptions,
  after  public.subscriptions
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    if after.status not in ('active', 'trialing', 'past_due') then
        delete from private.held_plans as held where held.user_id = person;
        return;
    end if;
    delete from private.held_plans as held where held.user_id = person and held.until <= after.current_period_start;
    insert into private.held_plans as held (user_id, plan_key, until)
    select person, before.plan_key, before.current_period_end
    from private.plans as larger, private.plans as smaller
    where larger.key = before.plan_key and smaller.key = after.plan_key and larger.rank > smaller.rank
        and before.status in ('active', 'trialing') and after.current_period_start < before.current_period_end
    on conflict on constraint held_plans_pkey do update set until = greatest(held.until, excluded.until);
end
$function$;

CREATE OR REPLACE FUNCTION private.hold_person (
  person uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform from public.profiles where profiles.id = person for no key update;
    if not found then
        perform private.refuse('NOT_FOUND', 'There is no such person.', '{"field": "person"}');
    end if;
end
$function$;

CREATE OR REPLACE FUNCTION private.hold_reservation (
  key text
)
  RETURNS private.usage_reservations
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    reservation private.usage_reservations;
begin
    perform from public.profiles where profiles.id = (
        select there.user_id from private.usage_reservations as there where there.key = hold_reservation.key
    ) for no key update;
    select * into reservation from private.usage_reservations as there
    where there.key = hold_reservation.key for update;
    if not found then
        perform private.refuse('NOT_FOUND', 'Nothing was reserved by this key.', '{"field": "key"}');
    end if;
    return reservation;
end
$function$;

CREATE OR REPLACE FUNCTION private.limits_of (
  person uuid
)
  RETURNS TABLE (
    metric       text,
    is_level     boolean,
    period_start timestamp with time zone,
    period_end   timestamp with time zone,
    limit_amount numeric
  )
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
begin
    return query
        select
            metrics.metric, metrics.is_level,
            case when not metrics.is_level then granted.period_start end,
            case when not metrics.is_level then granted.period_end end,
            case when private.is_anonymous(person) then 0 else coalesce((
                select max(included.amount) from private.plan_limits as included
                where included.metric = metrics.metric and (
                    included.plan_key = granted.plan_key
                    or granted.is_paid and exists (
                        select from private.held_plans as held
                        where held.user_id = person and held.plan_key = included.plan_key
                            and held.until > clock_timestamp()
                    )
                )
            ), 0) end
        from private.plan_of(person) as granted, private.usage_metrics as metrics;
end
$function$;

CREATE OR REPLACE FUNCTION private.open_limits (
  person    uuid,
  of_metric text DEFAULT NULL::text
)
  RETURNS uuid
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
    opened record;
    written uuid;
begin
    for opened in
        select limits.*, private.usage_limit_id(person, limits.metric, limits.period_start) as id
        from private.limits_of(person) as limits
        where open_limits.of_metric is null or limits.metric = open_limits.of_metric
    loop
        insert into public.usage_limits as known (id, user_id, metric, period_start, period_end, limit_amount)
        values (
            opened.id, person, opened.metric, opened.period_start, opened.period_end, opened.limit_amount
        )
        on conflict (user_id, metric, period_start) do update set
            limit_amount = excluded.limit_amount, period_end = excluded.period_end
        where (known.limit_amount, known.period_end) is distinct from (excluded.limit_amount, excluded.period_end);
        select known.id into written from public.usage_limits as known
        where known.user_id = person and known.metric = opened.metric
            and known.period_start is not distinct from opened.period_start;
        perform private.expire_reservations_of(written);
    end loop;
    return written;
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
$function$;

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
                or known.status = 'past_due' and known.past_due_at > moment - interval '7 days'
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

CREATE OR REPLACE FUNCTION private.prune_reservations()
  RETURNS integer
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    old constant timestamptz := now() - interval '180 days';
    gone integer;
begin
    delete from private.usage_reservations as done
    where done.finished_at < old and (
        done.status <> 'settled'
        or exists (select from public.usage_limits as known where known.id = done.usage_limit_id and known.period_end < old)
    );
    get diagnostics gone = row_count;
    return gone;
end
$function$;

CREATE OR REPLACE FUNCTION private.usage_answer (
  reservation private.usage_reservations
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
    -- Amounts as texts, since JSON would round them.
    select jsonb_build_object(
        'key', reservation.key, 'status', reservation.status, 'metric', upper(reservation.metric),
        'amount', trim_scale(reservation.amount)::text, 'actual', trim_scale(reservation.actual)::text,
        'expiresAt', reservation.expires_at,
        'limit', trim_scale(known.limit_amount)::text, 'used', trim_scale(known.used_amount)::text,
        'reserved', trim_scale(known.reserved_amount)::text, 'remaining', trim_scale(known.remaining_amount)::text,
        'resetsAt', known.period_end
    )
    from public.usage_limits as known where known.id = reservation.usage_limit_id
$function$;

CREATE OR REPLACE FUNCTION private.usage_limit_id (
  person       uuid,
  metric       text,
  period_start timestamp with time zone
)
  RETURNS uuid
  LANGUAGE sql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
    select encode(substring(sha256(convert_to(
        concat_ws(':', person, metric, extract(epoch from period_start)), 'UTF8'
    )) for 16), 'hex')::uuid
$function$;

CREATE OR REPLACE FUNCTION public.apply_stripe_checkout (
  customer       text,
  token          bigint,
  session        text,
  status         text,
  payment_status text,
  person         uuid   DEFAULT NULL::uuid,
  event          text   DEFAULT NULL::text
)
  RETURNS text
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    known uuid;
begin
    perform private.hold_billing_lease(customer, token);
    if apply_stripe_checkout.person is not null then
        insert into public.stripe_customers (user_id, stripe_customer_id)
        select profiles.id, customer from public.profiles where profiles.id = apply_stripe_checkout.person
        on conflict do nothing;
    end if;
    known := private.person_of_customer(customer);
    -- What is over does not open again.
    update private.checkout_sessions as page set
        status = apply_stripe_checkout.status, payment_status = apply_stripe_checkout.payment_status
    where page.stripe_session_id = session and page.user_id = known
        and (page.status = 'open' or page.status = apply_stripe_checkout.status);
    perform private.finish_event(event, case when known is null then 'ignored' else 'done' end, known);
    return case when known is null then 'unknown' else 'applied' end;
end
$function$;

REVOKE ALL ON FUNCTION "public"."apply_stripe_checkout"(text, bigint, text, text, text, uuid, text) FROM PUBLIC, "anon", "authenticated";

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
    person := private.person_of_customer(customer);
    if person is not null then
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

REVOKE ALL
  ON FUNCTION "public"."apply_stripe_invoice"(text, bigint, text, text, text, bigint, bigint, bigint, text, text, text, timestamp WITH time zone, text)
  FROM PUBLIC, "anon", "authenticated";

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
    person := private.person_of_customer(customer);
    if person is not null then
        -- Whoever reserves waits for it, and reserves within what there is now.
        perform from public.profiles where profiles.id = person for no key update;
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

REVOKE ALL
  ON FUNCTION "public"."apply_stripe_subscription"(text, bigint, text, text, text, timestamp WITH time zone, timestamp WITH time zone, boolean, timestamp WITH time zone, text)
  FROM PUBLIC, "anon", "authenticated";

CREATE OR REPLACE FUNCTION public.billing_state (
  person uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    granted record;
begin
    if not exists (select from public.profiles where profiles.id = person) then
        perform private.refuse('NOT_FOUND', 'There is no such person.', '{"field": "person"}');
    end if;
    select * into granted from private.plan_of(person);
    return jsonb_build_object(
        'anonymous', coalesce(private.is_anonymous(person), false),
        'email', (select users.email from auth.users where users.id = person),
        'customer', (select known.stripe_customer_id from public.stripe_customers as known where known.user_id = person),
        'plan', granted.plan_key,
        -- One that is still something to Stripe, so that a second would be paid for as well.
        'subscription', (
            select jsonb_build_object('id', known.stripe_subscription_id, 'plan', known.plan_key, 'status', known.status)
            from public.subscriptions as known
            where known.user_id = person and known.status not in ('canceled', 'incomplete_expired')
            order by known.created_at desc limit 1
        ),
        'session', (
            select jsonb_build_object(
                'id', open.stripe_session_id, 'plan', open.plan_key, 'url', open.url, 'expiresAt', open.expires_at
            )
            from private.checkout_sessions as open where open.user_id = person and open.status = 'open'
        )
    );
end
$function$;

REVOKE ALL ON FUNCTION "public"."billing_state"(uuid) FROM PUBLIC, "anon", "authenticated";

CREATE OR REPLACE FUNCTION public.current_usage_limits()
  RETURNS SETOF public.usage_limits
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    me constant uuid := auth.uid();
begin
    return query
        select
            coalesce(known.id, private.usage_limit_id(me, limits.metric, limits.period_start)),
            profiles.id, limits.metric, limits.period_start, limits.period_end, limits.limit_amount,
            coalesce(known.used_amount, 0), coalesce(held.amount, 0),
            greatest(limits.limit_amount - coalesce(known.used_amount, 0) - coalesce(held.amount, 0), 0),
            coalesce(known.created_at, limits.period_start, profiles.created_at),
            coalesce(known.updated_at, limits.period_start, profiles.created_at)
        from public.profiles, private.limits_of(me) as limits
        left join public.usage_limits as known
            on known.user_id = me and known.metric = limits.metric
            and known.period_start is not distinct from limits.period_start
        left join lateral (
            select sum(open.amount) as amount from private.usage_reservations as open
            where open.usage_limit_id = known.id and open.status = 'open' and open.expires_at > clock_timestamp()
        ) as held on true
        where profiles.id = me;
end
$function$;

REVOKE ALL ON FUNCTION "public"."current_usage_limits"() FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.finish_stripe_event (
  event  text,
  status text DEFAULT 'done'::text
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    if coalesce(status, '') not in ('done', 'ignored') then
        perform private.refuse('BAD_USER_INPUT', 'An event is done or ignored.', '{"field": "status"}');
    end if;
    perform private.finish_event(event, status, null);
end
$function$;

REVOKE ALL ON FUNCTION "public"."finish_stripe_event"(text, text) FROM PUBLIC, "anon", "authenticated";

CREATE OR REPLACE FUNCTION public.keep_checkout_session (
  person     uuid,
  token      bigint,
  session    text,
  plan_key   text,
  url        text,
  expires_at timestamp with time zone
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
begin
    perform private.hold_billing_lease(person::text, token);
    if exists (
        select from private.checkout_sessions as open
        where open.user_id = person and open.status = 'open' and open.stripe_session_id <> session
    ) then
        perform private.refuse(
            'CONFLICT', 'Another page is open for this person.', '{"reason": "SESSION_OPEN"}'
        );
    end if;
    insert into private.checkout_sessions (stripe_session_id, user_id, plan_key, url, expires_at)
    values (
        session, person, keep_checkout_session.plan_key, keep_checkout_session.url, keep_checkout_session.expires_at
    )
    on conflict (stripe_session_id) do nothing;
end
$function$;

REVOKE ALL ON FUNCTION "public"."keep_checkout_session"(uuid, bigint, text, text, text, timestamp WITH time zone) FROM PUBLIC, "anon", "authenticated";

CREATE OR REPLACE FUNCTION public.keep_stripe_customer (
  person   uuid,
  customer text,
  token    bigint
)
  RETURNS text
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    kept text;
begin
    perform private.hold_billing_lease(person::text, token);
    perform from public.profiles where profiles.id = person for key share;
    if not found then
        perform private.refuse('NOT_FOUND', 'There is no such person.', '{"field": "person"}');
    end if;
    insert into public.stripe_customers (user_id, stripe_customer_id) values (person, customer) on conflict do nothing;
    select known.stripe_customer_id into kept from public.stripe_customers as known where known.user_id = person;
    if kept is null then
        perform private.refuse(
            'CONFLICT', 'This customer is somebody else.', '{"reason": "ALREADY_EXISTS", "field": "customer"}'
        );
    end if;
    return kept;
end
$function$;

REVOKE ALL ON FUNCTION "public"."keep_stripe_customer"(uuid, text, bigint) FROM PUBLIC, "anon", "authenticated";

CREATE OR REPLACE FUNCTION public.record_stripe_event (
  event     text,
  type      text,
  livemode  boolean,
  object_id text    DEFAULT NULL::text,
  customer  text    DEFAULT NULL::text,
  payload   jsonb   DEFAULT '{}'::jsonb
)
  RETURNS text
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
    stands text;
begin
    insert into public.billing_events as known (stripe_event_id, type, livemode, object_id, user_id, payload)
    values (
        record_stripe_event.event, record_stripe_event.type, record_stripe_event.livemode, record_stripe_event.object_id,
        private.person_of_customer(customer), coalesce(record_stripe_event.payload, '{}')
    )
    on conflict on constraint billing_events_stripe_event_id_key do update set attempts = known.attempts + 1
    returning known.status into stands;
    return stands;
end
$function$;

REVOKE ALL ON FUNCTION "public"."record_stripe_event"(text, text, boolean, text, text, jsonb) FROM PUBLIC, "anon", "authenticated";

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
    update private.billing_leases as lease set lease_until = clock_timestamp()
    where lease.subject = release_billing_lease.subject and lease.token = release_billing_lease.token;
end
$function$;

REVOKE ALL ON FUNCTION "public"."release_billing_lease"(text, bigint) FROM PUBLIC, "anon", "authenticated";

CREATE OR REPLACE FUNCTION public.release_usage (
  key text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
    reservation private.usage_reservations;
begin
    reservation := private.hold_reservation(release_usage.key);
    if reservation.status = 'released' then
        return private.usage_answer(reservation);
    end if;
    if reservation.status = 'settled' and not exists (
        select from private.usage_metrics as metrics where metrics.metric = reservation.metric and metrics.is_level
    ) then
        perform private.refuse(
            'CONFLICT', 'This was settled: what was used is used.', '{"reason": "ALREADY_SETTLED", "field": "key"}'
        );
    end if;
    update public.usage_limits as limits set
        used_amount = limits.used_amount - coalesce(reservation.actual, 0),
        reserved_amount = limits.reserved_amount - case when reservation.status = 'open' then reservation.amount else 0 end
    where limits.id = reservation.usage_limit_id and reservation.status <> 'expired';
    update private.usage_reservations as there set status = 'released', actual = null, finished_at = clock_timestamp()
    where there.key = release_usage.key
    returning * into reservation;
    return private.usage_answer(reservation);
end
$function$;

REVOKE ALL ON FUNCTION "public"."release_usage"(text) FROM PUBLIC, "anon", "authenticated";

CREATE OR REPLACE FUNCTION public.reserve_usage (
  person uuid,
  metric text,
  amount numeric,
  key    text,
  ttl    interval DEFAULT '00:05:00'::interval
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
    wanted constant text := lower(reserve_usage.metric);
    moment timestamptz;
    opened uuid;
    known public.usage_limits;
    reservation private.usage_reservations;
begin
    perform private.check_usage_amount(reserve_usage.amount, 0.000001, 'amount');
    if coalesce(char_length(reserve_usage.key), 0) not between 1 and 200 then
        perform private.refuse('BAD_USER_INPUT', 'A key is 1 to 200 characters long.', '{"field": "key"}');
    end if;
    if ttl is null or ttl < interval '1 second' or ttl > interval '7 days' then
        perform private.refuse('BAD_USER_INPUT', 'A reservation lasts one second to seven days.', '{"field": "ttl"}');
    end if;
    if wanted is null or not exists (select from private.usage_metrics as metrics where metrics.metric = wanted) then
        perform private.refuse('BAD_USER_INPUT', 'There is no such metric.', '{"field": "metric"}');
    end if;

    perform private.hold_person(reserve_usage.person);
    opened := private.open_limits(reserve_usage.person, wanted);
    moment := clock_timestamp();
    select * into reservation from private.usage_reservations as there where there.key = reserve_usage.key for update;
    if found then
        if (reservation.user_id, reservation.metric, reservation.amount)
            is distinct from (reserve_usage.person, wanted, reserve_usage.amount)
        then
            perform private.refuse(
                'CONFLICT', 'This key was used for something else.', '{"reason": "KEY_REUSED", "field": "key"}'
            );
        end if;
        if reservation.status = 'open' then
            -- Of a period before, and not looked at since.
            perform private.expire_reservations_of(reservation.usage_limit_id);
            update private.usage_reservations as there set expires_at = greatest(there.expires_at, moment + ttl)
            where there.key = reserve_usage.key and there.status = 'open'
            returning * into reservation;
        end if;
        select * into reservation from private.usage_reservations as there where there.key = reserve_usage.key;
        if reservation.status in ('open', 'settled') then
            return private.usage_answer(reservation);
        end if;
    end if;

    select * into known from public.usage_limits as limits where limits.id = opened;
    if known.used_amount + known.reserved_amount + reserve_usage.amount > known.limit_amount
        or private.is_anonymous(reserve_usage.person)
    then
        perform private.refuse(
            'USAGE_LIMIT_EXCEEDED', 'What your plan includes of this is used up.',
            jsonb_build_object(
                'metric', upper(wanted), 'limit', trim_scale(known.limit_amount)::text,
                'used', trim_scale(known.used_amount)::text, 'reserved', trim_scale(known.reserved_amount)::text,
                'resetsAt', known.period_end
            )
        );
    end if;
    insert into private.usage_reservations as there (key, usage_limit_id, user_id, metric, amount, expires_at)
    values (
        reserve_usage.key, known.id, reserve_usage.person, wanted, reserve_usage.amount, moment + ttl
    )
    on conflict on constraint usage_reservations_pkey do update set
        usage_limit_id = excluded.usage_limit_id, status = 'open', actual = null, finished_at = null,
        expires_at = excluded.expires_at
    -- Somebody else's of the same key, made at the same moment, is not theirs any less.
    where there.user_id = excluded.user_id and there.status in ('released', 'expired')
    returning * into reservation;
    if not found then
        perform private.refuse(
            'CONFLICT', 'This key was used for something else.', '{"reason": "KEY_REUSED", "field": "key"}'
        );
    end if;
    update public.usage_limits as limits set reserved_amount = limits.reserved_amount + reserve_usage.amount
    where limits.id = known.id;
    return private.usage_answer(reservation);
end
$function$;

REVOKE ALL ON FUNCTION "public"."reserve_usage"(uuid, text, numeric, text, interval) FROM PUBLIC, "anon", "authenticated";

CREATE OR REPLACE FUNCTION public.settle_usage (
  key    text,
  actual numeric
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
    reservation private.usage_reservations;
begin
    perform private.check_usage_amount(settle_usage.actual, 0, 'actual');
    reservation := private.hold_reservation(settle_usage.key);
    if reservation.status = 'released' then
        perform private.refuse(
            'CONFLICT', 'This was released: nothing is held for it any more.', '{"reason": "RELEASED", "field": "key"}'
        );
    elsif reservation.status = 'settled' then
        if reservation.actual <> settle_usage.actual then
            perform private.refuse(
                'CONFLICT', 'This was settled with another amount.', '{"reason": "ALREADY_SETTLED", "field": "actual"}'
            );
        end if;
        return private.usage_answer(reservation);
    end if;
    update public.usage_limits as limits set
        used_amount = limits.used_amount + settle_usage.actual,
        reserved_amount = limits.reserved_amount - case when reservation.status = 'open' then reservation.amount else 0 end
    where limits.id = reservation.usage_limit_id;
    update private.usage_reservations as there set
        status = 'settled', actual = settle_usage.actual, finished_at = clock_timestamp()
    where there.key = settle_usage.key
    returning * into reservation;
    return private.usage_answer(reservation);
end
$function$;

REVOKE ALL ON FUNCTION "public"."settle_usage"(text, numeric) FROM PUBLIC, "anon", "authenticated";

CREATE OR REPLACE FUNCTION public.take_billing_lease (
  subject       text,
  lease_seconds integer DEFAULT 30
)
  RETURNS bigint
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    moment constant timestamptz := clock_timestamp();
    taken bigint;
begin
    if coalesce(char_length(subject), 0) not between 1 and 255 then
        perform private.refuse('BAD_USER_INPUT', 'Name a customer or a person.', '{"field": "subject"}');
    end if;
    perform private.check_lease(lease_seconds);
    insert into private.billing_leases as lease (subject, token, lease_until)
    values (take_billing_lease.subject, nextval('private.billing_tokens'), moment + lease_seconds * interval '1 second')
    on conflict on constraint billing_leases_pkey do update set
        token = excluded.token, lease_until = excluded.lease_until
    where lease.lease_until <= moment
    returning lease.token into taken;
    return taken;
end
$function$;

REVOKE ALL ON FUNCTION "public"."take_billing_lease"(text, integer) FROM PUBLIC, "anon", "authenticated";

COMMENT ON FUNCTION "private"."expire_reservations"() IS 'Frees what nobody settled or released in time; returns in how many limits.';

COMMENT ON FUNCTION "private"."from_minor_units"(bigint, text) IS 'An amount of Stripe''s as a decimal of its currency.';

COMMENT ON FUNCTION "private"."limits_of"(uuid) IS 'How much a person may use of each metric now, and in which period.';

COMMENT ON FUNCTION "private"."plan_of"(uuid) IS 'The plan that a person has now, whether it is paid for, and the period in which what they use is counted.';

COMMENT ON FUNCTION "private"."prune_reservations"() IS 'Forgets reservations that were finished half a year ago, but those that levels are made of; returns how many.';

COMMENT ON FUNCTION "public"."apply_stripe_checkout"(text, bigint, text, text, text, uuid, text) IS 'How a page to subscribe on stands, as it was fetched within a turn of its customer''s; it grants nothing by itself. Done is the event, if one is named. Returns applied, or unknown where nobody is this customer.';

COMMENT ON FUNCTION "public"."apply_stripe_invoice"(text, bigint, text, text, text, bigint, bigint, bigint, text, text, text, timestamp
  with time zone, text) IS 'An invoice as it was fetched within a turn of its customer''s, its amounts in minor units. Done is the event, if one is named. Returns applied, or unknown where nobody is this customer.';

COMMENT ON FUNCTION "public"."apply_stripe_subscription"(text, bigint, text, text, text, timestamp with time zone, timestamp with time zone, boolean, timestamp
  with time zone, text) IS 'A subscription as it was fetched within a turn of its customer''s. Done is the event, if one is named. Returns applied, or unknown where nobody is this customer.';

COMMENT ON FUNCTION "public"."billing_state"(uuid) IS 'What is known of a person before they subscribe: whether they are anonymous, their address, their customer, plan and subscription, and the page that is open.';

COMMENT ON FUNCTION "public"."current_usage_limits"() IS 'What is left to the caller now, of each metric.';

COMMENT ON FUNCTION "public"."finish_stripe_event"(text, text) IS 'What an event brings about is done, or it brings about nothing.';

COMMENT ON FUNCTION "public"."keep_checkout_session"(uuid, bigint, text, text, text, timestamp with time zone) IS 'The page on which a person may subscribe, within a turn of that person''s. Refused with CONFLICT, SESSION_OPEN, while another is open.';

COMMENT ON FUNCTION "public"."keep_stripe_customer"(uuid, text, bigint) IS 'Whom Stripe knows a person as, within a turn of that person''s: the first stays, and is returned.';

COMMENT ON FUNCTION "public"."record_stripe_event"(text, text, boolean, text, text, jsonb) IS 'Writes down that Stripe told an event, once more where it did before. Returns received while what it brings about is still to be done, else done or ignored.';

COMMENT ON FUNCTION "public"."release_billing_lease"(text, bigint) IS 'Ends a turn before its time; one that is over already is none to end.';

COMMENT ON FUNCTION "public"."release_usage"(text) IS 'Holds nothing any more for what was not done, or of a level for what is gone; again, it changes nothing. Refused with CONFLICT, ALREADY_SETTLED, where it was done.';

COMMENT ON FUNCTION "public"."reserve_usage"(uuid, text, numeric, text, interval) IS 'Holds an amount of what a person''s plan includes, for as long as something is done; the same key again is the same reservation. Refused with USAGE_LIMIT_EXCEEDED where it is not left, and with CONFLICT, KEY_REUSED, where the key was used for something else.';

COMMENT ON FUNCTION "public"."settle_usage"(text, numeric) IS 'Counts what something took, all of it, and holds nothing for it any more; the same amount again changes nothing. Refused with CONFLICT: ALREADY_SETTLED with another amount, RELEASED after a release.';

COMMENT ON FUNCTION "public"."take_billing_lease"(text, integer) IS 'Takes the turn to write of a customer, by its id at Stripe, or of a person, for so many seconds; returns its fencing number, or null while it is somebody else''s.';

REVOKE ALL ON FUNCTION "private"."check_usage_amount"(numeric, numeric, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."expire_reservations"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."expire_reservations_of"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."finish_event"(text, text, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."from_minor_units"(bigint, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."hold_billing_lease"(text, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."hold_larger_plan"(uuid, public.subscriptions, public.subscriptions) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."hold_person"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."hold_reservation"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."limits_of"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."open_limits"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."person_of_customer"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."plan_of"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."prune_reservations"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."usage_answer"(private.usage_reservations) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."usage_limit_id"(uuid, text, timestamp WITH time zone) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."apply_stripe_checkout"(text, bigint, text, text, text, uuid, text) TO "service_role";

GRANT EXECUTE
  ON FUNCTION "public"."apply_stripe_invoice"(text, bigint, text, text, text, bigint, bigint, bigint, text, text, text, timestamp WITH time zone, text)
  TO "service_role";

GRANT EXECUTE
  ON FUNCTION "public"."apply_stripe_subscription"(text, bigint, text, text, text, timestamp WITH time zone, timestamp WITH time zone, boolean, timestamp WITH time zone, text)
  TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."billing_state"(uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."current_usage_limits"() TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."finish_stripe_event"(text, text) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."keep_checkout_session"(uuid, bigint, text, text, text, timestamp WITH time zone) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."keep_stripe_customer"(uuid, text, bigint) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."record_stripe_event"(text, text, boolean, text, text, jsonb) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."release_billing_lease"(text, bigint) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."release_usage"(text) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."reserve_usage"(uuid, text, numeric, text, interval) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."settle_usage"(text, numeric) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."take_billing_lease"(text, integer) TO "service_role";


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
