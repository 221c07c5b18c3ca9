-- What Edge Functions tell of Stripe, with a secret key: docs/payments.md says in which order. Each call is a transaction
-- of its own, so what is fetched and written in several is somebody's turn, with a fencing number: a turn that is over
-- writes nothing once there was another.


-- Turns -------------------------------------------------------------------------------------------------------------------

create function public.take_billing_lease(subject text, lease_seconds integer default 30) returns bigint
language plpgsql security definer set search_path = '' as $$
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
$$;
comment on function public.take_billing_lease(text, integer) is 'Takes the turn to write of a customer, by its id at Stripe, or of a person, for so many seconds; returns its fencing number, or null while it is somebody else''s.';
revoke execute on function public.take_billing_lease(text, integer) from public, anon, authenticated, service_role;
grant execute on function public.take_billing_lease(text, integer) to service_role;

create function public.release_billing_lease(subject text, token bigint) returns void
language plpgsql security definer set search_path = '' as $$
begin
    -- The next turn has a higher number than any before, whether there is a row of this one or not.
    delete from private.billing_leases as lease
    where lease.subject = release_billing_lease.subject and lease.token = release_billing_lease.token;
end
$$;
comment on function public.release_billing_lease(text, bigint) is 'Ends a turn before its time; one that is over already is none to end.';
revoke execute on function public.release_billing_lease(text, bigint) from public, anon, authenticated, service_role;
grant execute on function public.release_billing_lease(text, bigint) to service_role;

-- Until the transaction ends nobody gets another turn.
create function private.hold_billing_lease(subject text, token bigint) returns void
language plpgsql security definer set search_path = '' as $$
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
$$;
revoke execute on function private.hold_billing_lease(text, bigint) from public;


-- Events ------------------------------------------------------------------------------------------------------------------

create function private.person_of_customer(customer text) returns uuid
language sql stable set search_path = '' as $$
    select known.user_id from public.stripe_customers as known where known.stripe_customer_id = customer
    union all
    select former.user_id from private.former_stripe_customers as former where former.stripe_customer_id = customer
    limit 1
$$;
revoke execute on function private.person_of_customer(text) from public;

-- That person, held: whoever reserves waits, and reserves within what there is then. Nobody, once they leave.
create function private.hold_person_of_customer(customer text) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
    person uuid;
begin
    select profiles.id into person from public.profiles
    where profiles.id = private.person_of_customer(customer)
    for no key update;
    return person;
end
$$;
revoke execute on function private.hold_person_of_customer(text) from public;

-- The event is written down before what it brings about, and done with it: whoever dies in between has it told again.
create function public.record_stripe_event(
    event text, type text, livemode boolean, object_id text default null, customer text default null,
    payload jsonb default '{}'
) returns text
language plpgsql security definer set search_path = '' as $$
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
$$;
comment on function public.record_stripe_event(text, text, boolean, text, text, jsonb) is 'Writes down that Stripe told an event, once more where it did before. Returns received or waiting while what it brings about is still to be done, else done or ignored.';
revoke execute on function public.record_stripe_event(text, text, boolean, text, text, jsonb)
    from public, anon, authenticated, service_role;
grant execute on function public.record_stripe_event(text, text, boolean, text, text, jsonb) to service_role;

create function private.finish_event(event text, status text, person uuid) returns void
language plpgsql security definer set search_path = '' as $$
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
$$;
revoke execute on function private.finish_event(text, text, uuid) from public;

-- What nobody here is told of waits for nothing.
create function public.finish_stripe_event(event text, status text default 'done') returns void
language plpgsql security definer set search_path = '' as $$
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
$$;
comment on function public.finish_stripe_event(text, text) is 'What an event brings about is done, or it brings about nothing, or it waits until its price is of a plan.';
revoke execute on function public.finish_stripe_event(text, text) from public, anon, authenticated, service_role;
grant execute on function public.finish_stripe_event(text, text) to service_role;


-- Customers and the pages on which they subscribe -----------------------------------------------------------------------

create function public.billing_state(person uuid) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
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
$$;
comment on function public.billing_state(uuid) is 'What is known of a person before they subscribe: whether they are anonymous, their address, their customer, plan and subscription, and the page that is open.';
revoke execute on function public.billing_state(uuid) from public, anon, authenticated, service_role;
grant execute on function public.billing_state(uuid) to service_role;

create function public.keep_stripe_customer(person uuid, customer text, token bigint) returns text
language plpgsql security definer set search_path = '' as $$
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
$$;
comment on function public.keep_stripe_customer(uuid, text, bigint) is 'Whom Stripe knows a person as, within a turn of that person''s: the first stays, and is returned.';
revoke execute on function public.keep_stripe_customer(uuid, text, bigint) from public, anon, authenticated, service_role;
grant execute on function public.keep_stripe_customer(uuid, text, bigint) to service_role;

create function public.replace_stripe_customer(person uuid, former text, customer text, token bigint) returns text
language plpgsql security definer set search_path = '' as $$
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
$$;
comment on function public.replace_stripe_customer(uuid, text, text, bigint) is 'Whom Stripe knows a person as now, in place of one that was deleted there, within a turn of that person''s; which they are is returned.';
revoke execute on function public.replace_stripe_customer(uuid, text, text, bigint)
    from public, anon, authenticated, service_role;
grant execute on function public.replace_stripe_customer(uuid, text, text, bigint) to service_role;

create function public.keep_checkout_session(
    person uuid, token bigint, session text, plan_key text, url text, expires_at timestamptz
) returns void
language plpgsql security definer set search_path = '' as $$
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
$$;
comment on function public.keep_checkout_session(uuid, bigint, text, text, text, timestamptz) is 'The page on which a person may subscribe, within a turn of that person''s. Refused with CONFLICT, SESSION_OPEN, while another is open.';
revoke execute on function public.keep_checkout_session(uuid, bigint, text, text, text, timestamptz)
    from public, anon, authenticated, service_role;
grant execute on function public.keep_checkout_session(uuid, bigint, text, text, text, timestamptz) to service_role;


-- What was fetched --------------------------------------------------------------------------------------------------------

-- Stripe counts in the smallest unit of each currency, with two exceptions that it counts in hundredths as of old (ISK, UGX).
create function private.from_minor_units(amount bigint, currency text) returns numeric
language sql immutable strict set search_path = '' as $$
    select case
        when lower(currency) in (
            'bif', 'clp', 'djf', 'gnf', 'jpy', 'kmf', 'krw', 'mga', 'pyg', 'rwf', 'vnd', 'vuv', 'xaf', 'xof', 'xpf'
        ) then amount::numeric
        when lower(currency) in ('bhd', 'jod', 'kwd', 'omr', 'tnd') then round(amount / 1000.0, 3)
        else round(amount / 100.0, 2)
    end
$$;
comment on function private.from_minor_units(bigint, text) is 'An amount of Stripe''s as a decimal of its currency.';
revoke execute on function private.from_minor_units(bigint, text) from public;

create function public.apply_stripe_checkout(
    customer text, token bigint, session text, status text, payment_status text, person uuid default null,
    event text default null
) returns text
language plpgsql security definer set search_path = '' as $$
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
$$;
comment on function public.apply_stripe_checkout(text, bigint, text, text, text, uuid, text) is 'How a page to subscribe on stands, as it was fetched within a turn of its customer''s; it grants nothing by itself. Done is the event, if one is named. Returns applied, or unknown where nobody is this customer.';
revoke execute on function public.apply_stripe_checkout(text, bigint, text, text, text, uuid, text)
    from public, anon, authenticated, service_role;
grant execute on function public.apply_stripe_checkout(text, bigint, text, text, text, uuid, text) to service_role;

create function public.apply_stripe_subscription(
    customer text, token bigint, subscription text, plan_key text, status text, current_period_start timestamptz,
    current_period_end timestamptz, cancel_at_period_end boolean, created timestamptz default now(),
    event text default null, paid_until timestamptz default null
) returns text
language plpgsql security definer set search_path = '' as $$
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
$$;
comment on function public.apply_stripe_subscription(text, bigint, text, text, text, timestamptz, timestamptz, boolean, timestamptz, text, timestamptz) is 'A subscription as it was fetched within a turn of its customer''s. Done is the event, if one is named. Returns applied, or unknown where nobody is this customer.';
revoke execute on function public.apply_stripe_subscription(
    text, bigint, text, text, text, timestamptz, timestamptz, boolean, timestamptz, text, timestamptz
) from public, anon, authenticated, service_role;
grant execute on function public.apply_stripe_subscription(
    text, bigint, text, text, text, timestamptz, timestamptz, boolean, timestamptz, text, timestamptz
) to service_role;

-- Amounts are Stripe's, in minor units; what was paid back is left as it is where it is not said.
create function public.apply_stripe_invoice(
    customer text, token bigint, invoice text, status text, currency text, amount_due bigint, amount_paid bigint,
    amount_refunded bigint default null, number text default null, hosted_invoice_url text default null,
    subscription text default null, created timestamptz default now(), event text default null
) returns text
language plpgsql security definer set search_path = '' as $$
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
$$;
comment on function public.apply_stripe_invoice(text, bigint, text, text, text, bigint, bigint, bigint, text, text, text, timestamptz, text) is 'An invoice as it was fetched within a turn of its customer''s, its amounts in minor units. Done is the event, if one is named. Returns applied, or unknown where nobody is this customer.';
revoke execute on function public.apply_stripe_invoice(
    text, bigint, text, text, text, bigint, bigint, bigint, text, text, text, timestamptz, text
) from public, anon, authenticated, service_role;
grant execute on function public.apply_stripe_invoice(
    text, bigint, text, text, text, bigint, bigint, bigint, text, text, text, timestamptz, text
) to service_role;
