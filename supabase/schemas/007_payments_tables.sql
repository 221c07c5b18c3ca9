-- Stage 4: what people pay for, what is included in it, and how much of that they have used.
--
-- Stripe is who knows of customers, subscriptions and invoices: what stands here is what it was last seen to say. Nobody
-- but the functions of 907_payments_*.sql writes any of it.


-- Plans: rows of them are part of the program ----------------------------------------------------------------------------

create table private.plans (
    key text not null,
    name text not null,
    price numeric not null,
    currency text not null,
    "interval" text,
    rank integer not null,
    price_lookup_key text,

    constraint plans_pkey primary key (key),
    constraint plans_rank_key unique (rank),
    constraint plans_price_lookup_key_key unique (price_lookup_key),
    constraint plans_key_check check (key ~ '^[a-z][a-z0-9_]{0,40}$'),
    constraint plans_price_check check (price >= 0 and price < 'Infinity'),
    constraint plans_currency_check check (currency ~ '^[A-Z]{3}$'),
    constraint plans_interval_check check ("interval" in ('month', 'year')),
    -- What is paid for is paid for each interval, at a price that Stripe knows.
    constraint plans_price_lookup_key_check check (
        (price_lookup_key is not null) = ("interval" is not null) and (price > 0) = ("interval" is not null)
    )
);
comment on table private.plans is 'What people may have, and at what price.';
comment on column private.plans.key is 'What the plan is known by.';
comment on column private.plans.name is 'What it is called.';
comment on column private.plans.price is 'What it costs an interval.';
comment on column private.plans.currency is 'The price''s currency, by its ISO 4217 code.';
comment on column private.plans."interval" is 'How often it is paid: each month or each year; null where it is free.';
comment on column private.plans.rank is 'Which of two plans is the larger.';
comment on column private.plans.price_lookup_key is 'The lookup_key of its price at Stripe.';
alter table private.plans enable row level security;
create policy "Nobody but the functions of payments may look" on private.plans using (false);

-- A metric without a period is a level: what is there at a time, and not what was used in one.
create table private.usage_metrics (
    metric text not null,
    is_level boolean not null,

    constraint usage_metrics_pkey primary key (metric)
);
comment on table private.usage_metrics is 'What is counted.';
comment on column private.usage_metrics.metric is 'What the metric is known by.';
comment on column private.usage_metrics.is_level is 'Whether it is a level, which no period ends.';
alter table private.usage_metrics enable row level security;
create policy "Nobody but the functions of payments may look" on private.usage_metrics using (false);

create table private.plan_limits (
    plan_key text not null,
    metric text not null,
    amount numeric not null,

    constraint plan_limits_pkey primary key (plan_key, metric),
    constraint fk_plan_limits_plan_key foreign key (plan_key) references private.plans (key),
    constraint fk_plan_limits_metric foreign key (metric) references private.usage_metrics (metric),
    constraint plan_limits_amount_check check (amount >= 0 and amount < 'Infinity')
);
comment on table private.plan_limits is 'How much of each metric a plan includes.';
create index idx_plan_limits_metric on private.plan_limits (metric);
alter table private.plan_limits enable row level security;
create policy "Nobody but the functions of payments may look" on private.plan_limits using (false);


-- stripe_customers -------------------------------------------------------------------------------------------------------

create table public.stripe_customers (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    stripe_customer_id text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint stripe_customers_pkey primary key (id),
    constraint stripe_customers_user_id_key unique (user_id),
    constraint stripe_customers_stripe_customer_id_key unique (stripe_customer_id),
    constraint fk_stripe_customers_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint stripe_customers_stripe_customer_id_check check (char_length(stripe_customer_id) between 1 and 255)
);

comment on table public.stripe_customers is 'Whom Stripe knows a person as.';
comment on column public.stripe_customers.id is 'What the customer is known by here.';
comment on column public.stripe_customers.user_id is 'The person.';
comment on column public.stripe_customers.stripe_customer_id is 'The id of the customer at Stripe.';
comment on column public.stripe_customers.created_at is 'When the customer was made.';
comment on column public.stripe_customers.updated_at is 'When this last changed.';
comment on constraint stripe_customers_stripe_customer_id_check on public.stripe_customers is 'The id of a customer is 1 to 255 characters long.';

-- Whom somebody has deleted at Stripe, and another was made for: what is told of them late is still of the same person.
create table private.former_stripe_customers (
    stripe_customer_id text not null,
    user_id uuid not null,
    created_at timestamptz not null default now(),

    constraint former_stripe_customers_pkey primary key (stripe_customer_id),
    constraint fk_former_stripe_customers_user_id
        foreign key (user_id) references public.profiles (id) on delete cascade
);
comment on table private.former_stripe_customers is 'Whom Stripe knew a person as before.';
comment on column private.former_stripe_customers.stripe_customer_id is 'The id of the customer, who is at Stripe no more.';
create index idx_former_stripe_customers_user_id on private.former_stripe_customers (user_id);
alter table private.former_stripe_customers enable row level security;
create policy "Nobody but the functions of payments may look" on private.former_stripe_customers using (false);


-- subscriptions ----------------------------------------------------------------------------------------------------------

create table public.subscriptions (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    stripe_subscription_id text not null,
    plan_key text not null,
    status text not null,
    current_period_start timestamptz not null,
    current_period_end timestamptz not null,
    cancel_at_period_end boolean not null default false,
    past_due_at timestamptz,
    paid_until timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint subscriptions_pkey primary key (id),
    constraint subscriptions_stripe_subscription_id_key unique (stripe_subscription_id),
    constraint fk_subscriptions_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint subscriptions_stripe_subscription_id_check check (char_length(stripe_subscription_id) between 1 and 255),
    constraint subscriptions_plan_key_check check (plan_key in ('free', 'pro', 'enterprise')),
    constraint subscriptions_status_check check (
        status in (
            'incomplete', 'incomplete_expired', 'trialing', 'active', 'past_due', 'canceled', 'unpaid', 'paused'
        )
    ),
    constraint subscriptions_current_period_end_check check (current_period_end > current_period_start),
    constraint subscriptions_past_due_at_check check ((past_due_at is not null) = (status = 'past_due'))
);

comment on table public.subscriptions is 'A plan that a person pays for, as Stripe was last seen to have it.';
comment on column public.subscriptions.id is 'The subscription''s id.';
comment on column public.subscriptions.user_id is 'The person who pays.';
comment on column public.subscriptions.stripe_subscription_id is 'The id of the subscription at Stripe.';
comment on column public.subscriptions.plan_key is 'The plan that is paid for.';
comment on column public.subscriptions.status is 'How it stands, as Stripe says.';
comment on column public.subscriptions.current_period_start is 'When the time began that is paid for now.';
comment on column public.subscriptions.current_period_end is 'When it ends.';
comment on column public.subscriptions.cancel_at_period_end is 'Whether it ends then, and is not renewed.';
comment on column public.subscriptions.past_due_at is 'Since when a payment has been missing; the plan is kept for seven days.';
comment on column public.subscriptions.paid_until is 'While a payment is missing, until when the plan is paid that was paid for last; it is kept until then at least.';
comment on column public.subscriptions.created_at is 'When it began.';
comment on column public.subscriptions.updated_at is 'When it last changed.';
comment on constraint subscriptions_stripe_subscription_id_check on public.subscriptions is 'The id of a subscription is 1 to 255 characters long.';
comment on constraint subscriptions_plan_key_check on public.subscriptions is 'There is no such plan.';
comment on constraint subscriptions_status_check on public.subscriptions is 'There is no such status of subscriptions.';
comment on constraint subscriptions_current_period_end_check on public.subscriptions is 'A period ends after it has begun.';
comment on constraint subscriptions_past_due_at_check on public.subscriptions is 'It is said of what is past due, and of nothing else, since when it is.';

create index idx_subscriptions_status on public.subscriptions (status);
create index idx_subscriptions_user_id_created_at on public.subscriptions (user_id, created_at desc);


-- usage_limits -----------------------------------------------------------------------------------------------------------

create table public.usage_limits (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    metric text not null,
    period_start timestamptz,
    period_end timestamptz,
    limit_amount numeric not null,
    used_amount numeric not null default 0,
    reserved_amount numeric not null default 0,
    remaining_amount numeric not null generated always as (
        greatest(limit_amount - used_amount - reserved_amount, 0)
    ) stored,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint usage_limits_pkey primary key (id),
    -- A level has no period, and one row.
    constraint usage_limits_user_id_metric_period_start_key unique nulls not distinct (user_id, metric, period_start),
    constraint fk_usage_limits_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint usage_limits_metric_check check (metric in ('ai_cost', 'whatsapp_messages', 'storage_bytes')),
    constraint usage_limits_period_end_check
        check ((period_start is null) = (period_end is null) and period_end > period_start),
    constraint usage_limits_limit_amount_check check (limit_amount >= 0 and limit_amount < 'Infinity'),
    constraint usage_limits_used_amount_check check (used_amount >= 0 and used_amount < 'Infinity'),
    constraint usage_limits_reserved_amount_check check (reserved_amount >= 0 and reserved_amount < 'Infinity')
);

comment on table public.usage_limits is 'How much of something a person''s plan includes for a period, and how much of that is used.';
comment on column public.usage_limits.id is 'The limit''s id.';
comment on column public.usage_limits.user_id is 'The person.';
comment on column public.usage_limits.metric is 'What is counted.';
comment on column public.usage_limits.period_start is 'When the period began; null for a level, which has none.';
comment on column public.usage_limits.period_end is 'When what is used is counted anew; null for a level.';
comment on column public.usage_limits.limit_amount is 'How much there may be.';
comment on column public.usage_limits.used_amount is 'How much was used; it may be more than the limit, where something took more than was thought.';
comment on column public.usage_limits.reserved_amount is 'How much is held by what has begun and is not done.';
comment on column public.usage_limits.remaining_amount is 'How much is left.';
comment on column public.usage_limits.created_at is 'When something was counted first.';
comment on column public.usage_limits.updated_at is 'When it last changed.';
comment on constraint usage_limits_metric_check on public.usage_limits is 'There is no such metric.';
comment on constraint usage_limits_period_end_check on public.usage_limits is 'A period ends after it has begun; a level has none.';
comment on constraint usage_limits_limit_amount_check on public.usage_limits is 'A limit is zero or more.';
comment on constraint usage_limits_used_amount_check on public.usage_limits is 'What was used is zero or more.';
comment on constraint usage_limits_reserved_amount_check on public.usage_limits is 'What is held is zero or more.';


-- billing_events ---------------------------------------------------------------------------------------------------------

create table public.billing_events (
    id uuid not null default gen_random_uuid(),
    stripe_event_id text not null,
    type text not null,
    livemode boolean not null,
    object_id text,
    user_id uuid,
    status text not null default 'received',
    attempts integer not null default 1,
    payload jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint billing_events_pkey primary key (id),
    constraint billing_events_stripe_event_id_key unique (stripe_event_id),
    constraint fk_billing_events_user_id foreign key (user_id) references public.profiles (id) on delete set null,
    constraint billing_events_stripe_event_id_check check (char_length(stripe_event_id) between 1 and 255),
    constraint billing_events_type_check check (char_length(type) between 1 and 255),
    constraint billing_events_object_id_check check (char_length(object_id) <= 255),
    constraint billing_events_status_check check (status in ('received', 'waiting', 'done', 'ignored')),
    constraint billing_events_attempts_check check (attempts >= 1),
    constraint billing_events_payload_check check (jsonb_typeof(payload) = 'object')
);

comment on table public.billing_events is 'Something that Stripe told, once for each of its events.';
comment on column public.billing_events.id is 'What the event is known by here.';
comment on column public.billing_events.stripe_event_id is 'The event''s id at Stripe.';
comment on column public.billing_events.type is 'What happened, as Stripe calls it, for example invoice.paid.';
comment on column public.billing_events.livemode is 'Whether it is about money, and not about a test.';
comment on column public.billing_events.object_id is 'The id of what it happened to, at Stripe.';
comment on column public.billing_events.user_id is 'The person whom it is about; null where nobody is known, and after they have left.';
comment on column public.billing_events.status is 'What has become of it; what waits is about a price that is of no plan yet.';
comment on column public.billing_events.attempts is 'How often it was told.';
comment on column public.billing_events.payload is 'The event as it came; emptied when its person leaves.';
comment on column public.billing_events.created_at is 'When it was told first.';
comment on column public.billing_events.updated_at is 'When this last changed.';
comment on constraint billing_events_stripe_event_id_check on public.billing_events is 'The id of an event is 1 to 255 characters long.';
comment on constraint billing_events_type_check on public.billing_events is 'The type of an event is 1 to 255 characters long.';
comment on constraint billing_events_object_id_check on public.billing_events is 'The id of what an event is about is at most 255 characters long.';
comment on constraint billing_events_status_check on public.billing_events is 'There is no such status of events.';
comment on constraint billing_events_attempts_check on public.billing_events is 'An event that is known was told once at least.';
comment on constraint billing_events_payload_check on public.billing_events is 'An event is a JSON object.';

create index idx_billing_events_user_id_created_at on public.billing_events (user_id, created_at desc);
-- What was told, and is not done.
create index idx_billing_events_received on public.billing_events (created_at) where status = 'received';

-- Stripe's objects hold names and addresses.
create function private.forget_billing_payload() returns trigger language plpgsql set search_path = '' as $$
begin
    new.payload := '{}';
    return new;
end
$$;
revoke execute on function private.forget_billing_payload() from public;

create trigger forget_billing_events_payload before update of user_id on public.billing_events
    for each row when (old.user_id is not null and new.user_id is null)
    execute function private.forget_billing_payload();


-- invoices ---------------------------------------------------------------------------------------------------------------

create table public.invoices (
    id uuid not null default gen_random_uuid(),
    stripe_invoice_id text not null,
    user_id uuid,
    stripe_subscription_id text,
    number text,
    status text not null,
    currency text not null,
    amount_due numeric not null,
    amount_paid numeric not null default 0,
    amount_refunded numeric not null default 0,
    hosted_invoice_url text,
    issued_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint invoices_pkey primary key (id),
    constraint invoices_stripe_invoice_id_key unique (stripe_invoice_id),
    constraint fk_invoices_user_id foreign key (user_id) references public.profiles (id) on delete set null,
    constraint invoices_stripe_invoice_id_check check (char_length(stripe_invoice_id) between 1 and 255),
    constraint invoices_stripe_subscription_id_check check (char_length(stripe_subscription_id) between 1 and 255),
    constraint invoices_number_check check (char_length(number) <= 255),
    constraint invoices_status_check check (status in ('draft', 'open', 'paid', 'uncollectible', 'void')),
    constraint invoices_currency_check check (currency ~ '^[A-Z]{3}$'),
    constraint invoices_amount_due_check check (amount_due > '-Infinity' and amount_due < 'Infinity'),
    constraint invoices_amount_paid_check check (amount_paid >= 0 and amount_paid < 'Infinity'),
    constraint invoices_amount_refunded_check check (amount_refunded >= 0 and amount_refunded < 'Infinity'),
    constraint invoices_hosted_invoice_url_check
        check (char_length(hosted_invoice_url) <= 2048 and hosted_invoice_url ~ '^https?://\S+$')
);

comment on table public.invoices is 'What a person was asked to pay.';
comment on column public.invoices.id is 'The invoice''s id.';
comment on column public.invoices.stripe_invoice_id is 'The id of the invoice at Stripe.';
comment on column public.invoices.user_id is 'The person who was asked; null after they have left.';
comment on column public.invoices.stripe_subscription_id is 'The id at Stripe of the subscription that it is for.';
comment on column public.invoices.number is 'The invoice''s number; null while it is a draft.';
comment on column public.invoices.status is 'How it stands, as Stripe says.';
comment on column public.invoices.currency is 'The currency of its amounts, by its ISO 4217 code.';
comment on column public.invoices.amount_due is 'How much is asked for.';
comment on column public.invoices.amount_paid is 'How much was paid.';
comment on column public.invoices.amount_refunded is 'How much of that was paid back.';
comment on column public.invoices.hosted_invoice_url is 'The page at Stripe that shows it.';
comment on column public.invoices.issued_at is 'When Stripe made it.';
comment on column public.invoices.created_at is 'When it was told first.';
comment on column public.invoices.updated_at is 'When this last changed.';
comment on constraint invoices_stripe_invoice_id_check on public.invoices is 'The id of an invoice is 1 to 255 characters long.';
comment on constraint invoices_stripe_subscription_id_check on public.invoices is 'The id of a subscription is 1 to 255 characters long.';
comment on constraint invoices_number_check on public.invoices is 'The number of an invoice is at most 255 characters long.';
comment on constraint invoices_status_check on public.invoices is 'There is no such status of invoices.';
comment on constraint invoices_currency_check on public.invoices is 'A currency is three capital letters, its ISO 4217 code, such as EUR.';
comment on constraint invoices_amount_due_check on public.invoices is 'What is due is an amount.';
comment on constraint invoices_amount_paid_check on public.invoices is 'What was paid is zero or more.';
comment on constraint invoices_amount_refunded_check on public.invoices is 'What was paid back is zero or more.';
comment on constraint invoices_hosted_invoice_url_check on public.invoices is 'A page begins with http:// or https://, has no blanks, and is at most 2,048 characters long.';

create index idx_invoices_user_id_issued_at on public.invoices (user_id, issued_at desc);


-- Reservations, and what is kept of a larger plan ------------------------------------------------------------------------

-- What is open stands in the reserved amount of its limit, what is settled in the used one, and nothing else does.
create table private.usage_reservations (
    key text not null,
    usage_limit_id uuid not null,
    user_id uuid not null,
    metric text not null,
    amount numeric not null,
    actual numeric,
    status text not null default 'open',
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    finished_at timestamptz,

    constraint usage_reservations_pkey primary key (key),
    constraint fk_usage_reservations_usage_limit_id
        foreign key (usage_limit_id) references public.usage_limits (id) on delete cascade,
    constraint fk_usage_reservations_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint usage_reservations_key_check check (char_length(key) between 1 and 200),
    constraint usage_reservations_amount_check check (amount > 0 and amount < 'Infinity'),
    constraint usage_reservations_actual_check check (
        actual >= 0 and actual < 'Infinity' and (actual is not null) = (status = 'settled')
    ),
    constraint usage_reservations_status_check check (status in ('open', 'settled', 'released', 'expired')),
    constraint usage_reservations_finished_at_check check ((finished_at is null) = (status = 'open'))
);
comment on table private.usage_reservations is 'What is held of a limit while something is done, by the key of what is done.';
comment on column private.usage_reservations.key is 'What is done: the same again is the same reservation.';
comment on column private.usage_reservations.usage_limit_id is 'The limit of the period in which it was begun.';
comment on column private.usage_reservations.amount is 'How much it is thought to take.';
comment on column private.usage_reservations.actual is 'How much it took.';
comment on column private.usage_reservations.expires_at is 'When it frees itself, unless it is settled or released before.';
create index idx_usage_reservations_user_id on private.usage_reservations (user_id);
create index idx_usage_reservations_usage_limit_id on private.usage_reservations (usage_limit_id);
create index idx_usage_reservations_open on private.usage_reservations (usage_limit_id, expires_at) where status = 'open';
create index idx_usage_reservations_expires_at on private.usage_reservations (expires_at) where status = 'open';
create index idx_usage_reservations_finished_at on private.usage_reservations (finished_at) where status <> 'open';
alter table private.usage_reservations enable row level security;
create policy "Nobody but the functions of payments may look" on private.usage_reservations using (false);

-- Whoever takes a smaller plan has what the larger includes until the end of what is paid for.
create table private.held_plans (
    user_id uuid not null,
    plan_key text not null,
    until timestamptz not null,

    constraint held_plans_pkey primary key (user_id, plan_key),
    constraint fk_held_plans_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint fk_held_plans_plan_key foreign key (plan_key) references private.plans (key)
);
comment on table private.held_plans is 'Plans that were paid for until a moment, though a smaller one has been chosen since.';
create index idx_held_plans_plan_key on private.held_plans (plan_key);
alter table private.held_plans enable row level security;
create policy "Nobody but the functions of payments may look" on private.held_plans using (false);


-- Who writes of a customer ------------------------------------------------------------------------------------------------

-- What is fetched from Stripe and written here in several calls is one person's turn: two fetches could be written in the
-- wrong order. The token grows with each turn, and a lower one than the last writes nothing.
create sequence private.billing_tokens;
comment on sequence private.billing_tokens is 'The fencing numbers of turns.';

create table private.billing_leases (
    subject text not null,
    token bigint not null,
    lease_until timestamptz not null,

    constraint billing_leases_pkey primary key (subject),
    constraint billing_leases_subject_check check (char_length(subject) between 1 and 255)
);
comment on table private.billing_leases is 'Whose turn it is to write of a customer, or of a person who is none yet.';
comment on column private.billing_leases.subject is 'The customer''s id at Stripe, or the person''s.';
comment on column private.billing_leases.token is 'The fencing number of the last turn.';
comment on column private.billing_leases.lease_until is 'Until when nobody else gets one.';
alter table private.billing_leases enable row level security;
create policy "Nobody but the functions of payments may look" on private.billing_leases using (false);

create table private.checkout_sessions (
    stripe_session_id text not null,
    user_id uuid not null,
    plan_key text not null,
    url text,
    status text not null default 'open',
    payment_status text not null default 'unpaid',
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),

    constraint checkout_sessions_pkey primary key (stripe_session_id),
    constraint fk_checkout_sessions_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint fk_checkout_sessions_plan_key foreign key (plan_key) references private.plans (key),
    constraint checkout_sessions_status_check check (status in ('open', 'complete', 'expired')),
    constraint checkout_sessions_payment_status_check
        check (payment_status in ('paid', 'unpaid', 'no_payment_required'))
);
comment on table private.checkout_sessions is 'Pages at Stripe on which people subscribe, of which each has one that is open.';
create index idx_checkout_sessions_user_id on private.checkout_sessions (user_id);
create index idx_checkout_sessions_plan_key on private.checkout_sessions (plan_key);
create unique index idx_checkout_sessions_open on private.checkout_sessions (user_id) where status = 'open';
alter table private.checkout_sessions enable row level security;
create policy "Nobody but the functions of payments may look" on private.checkout_sessions using (false);
