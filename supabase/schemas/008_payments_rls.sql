-- Stage 4: people read what is theirs, but for the events' payloads; nobody but the functions of payments writes.

revoke all on public.stripe_customers, public.subscriptions, public.usage_limits, public.billing_events, public.invoices
    from anon, authenticated, service_role;
grant select on public.stripe_customers, public.subscriptions, public.usage_limits, public.invoices to authenticated;
grant select (id, stripe_event_id, type, livemode, object_id, user_id, status, attempts, created_at, updated_at)
    on public.billing_events to authenticated;

alter table public.stripe_customers enable row level security;
alter table public.subscriptions enable row level security;
alter table public.usage_limits enable row level security;
alter table public.billing_events enable row level security;
alter table public.invoices enable row level security;

create policy "People can view whom Stripe knows them as" on public.stripe_customers
    for select to authenticated using (user_id = (select auth.uid()));

create policy "People can view their own subscriptions" on public.subscriptions
    for select to authenticated using (user_id = (select auth.uid()));

create policy "People can view their own limits" on public.usage_limits
    for select to authenticated using (user_id = (select auth.uid()));

create policy "People can view what Stripe told of them" on public.billing_events
    for select to authenticated using (user_id = (select auth.uid()));

create policy "People can view their own invoices" on public.invoices
    for select to authenticated using (user_id = (select auth.uid()));


-- Leaving: see 004_common_2_rls.sql --------------------------------------------------------------------------------------

create view private.leaving_payments as
    select declared.* from (
        values
            (
                'public.stripe_customers', 'user_id', 'task', 'delete_external_customer',
                array['stripe_customer_id'], null
            ),
            ('public.invoices', 'user_id', 'anonymise', null, null, 'Books are kept, as the law asks.'),
            (
                'public.billing_events', 'user_id', 'anonymise', null, null,
                'An event that comes again is known by its id; what it said is emptied.'
            ),
            ('private.billing_leases', 'subject', 'delete', null, null, null)
    ) as declared (relation, person, does, kind, columns, why);
comment on view private.leaving_payments is 'What becomes of references to a person who leaves, beside foreign keys, of payments.';
