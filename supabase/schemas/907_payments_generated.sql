-- Written by `make schema` from gql/types and resolvers, for the tables of 007_payments_tables.sql. Do not change it here.
--
-- Rows by their ids, for lists of ids that no URL would hold, and each row once more, as a computed relationship of
-- itself, for requests that call a function of the table: docs/postgrest.md says more. Both are plain SQL without a
-- setting, so that Postgres puts the table, or the row, in their place and calls nothing; they run with the caller's
-- own rights. Tables with columns that nobody may read have neither.
--
-- Rows in order, for lists in which each row has lists of its own, as invoker's views. PostgREST sorts above its joins;
-- from a view in that very order it sorts first. `select *` is worked out when a view is made: a new column makes new
-- views.
--
-- Changes of rows on which people share, told on their topics: 900_changes.sql says how.
--
-- Columns whose texts may be too long for a URL, compared with what a request brings along. Their parameters have
-- names, which makes them no fields of the API; rows as wholes have none, so that nobody calls them with a row of
-- their own making.


-- stripe_customers ----------------------------------------------------------------------------------------------------

-- Functions alone write it.
grant select on public.stripe_customers to service_role;

create trigger set_stripe_customers_updated_at before update on public.stripe_customers
    for each row execute function private.set_updated_at();

create trigger broadcast_stripe_customers_changes after insert or update or delete on public.stripe_customers
    for each row execute function private.broadcast_user_by_user_id('id');

create function public.stripe_customers_by_ids(ids uuid[]) returns setof public.stripe_customers language sql stable as $$
    select * from public.stripe_customers where id = any (ids)
$$;
comment on function public.stripe_customers_by_ids(uuid[]) is 'The rows of stripe_customers with these ids, of those that the caller may see.';
revoke execute on function public.stripe_customers_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.stripe_customers_by_ids(uuid[]) to authenticated;

create function public.whole_stripe_customers(public.stripe_customers) returns setof public.stripe_customers rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_stripe_customers(public.stripe_customers) is 'The row of stripe_customers itself.';
revoke execute on function public.whole_stripe_customers(public.stripe_customers) from public, anon, authenticated, service_role;
grant execute on function public.whole_stripe_customers(public.stripe_customers) to authenticated;


-- subscriptions -------------------------------------------------------------------------------------------------------

-- Functions alone write it.
grant select on public.subscriptions to service_role;

create trigger set_subscriptions_updated_at before update on public.subscriptions
    for each row execute function private.set_updated_at();

create trigger broadcast_subscriptions_changes after insert or update or delete on public.subscriptions
    for each row execute function private.broadcast_user_by_user_id('id');

create function public.subscriptions_by_ids(ids uuid[]) returns setof public.subscriptions language sql stable as $$
    select * from public.subscriptions where id = any (ids)
$$;
comment on function public.subscriptions_by_ids(uuid[]) is 'The rows of subscriptions with these ids, of those that the caller may see.';
revoke execute on function public.subscriptions_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.subscriptions_by_ids(uuid[]) to authenticated;

create function public.whole_subscriptions(public.subscriptions) returns setof public.subscriptions rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_subscriptions(public.subscriptions) is 'The row of subscriptions itself.';
revoke execute on function public.whole_subscriptions(public.subscriptions) from public, anon, authenticated, service_role;
grant execute on function public.whole_subscriptions(public.subscriptions) to authenticated;


-- usage_limits --------------------------------------------------------------------------------------------------------

-- Functions alone write it.
grant select on public.usage_limits to service_role;

create trigger set_usage_limits_updated_at before update on public.usage_limits
    for each row execute function private.set_updated_at();

create trigger broadcast_usage_limits_changes after insert or update or delete on public.usage_limits
    for each row execute function private.broadcast_user_by_user_id('id');

create function public.usage_limits_by_ids(ids uuid[]) returns setof public.usage_limits language sql stable as $$
    select * from public.usage_limits where id = any (ids)
$$;
comment on function public.usage_limits_by_ids(uuid[]) is 'The rows of usage_limits with these ids, of those that the caller may see.';
revoke execute on function public.usage_limits_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.usage_limits_by_ids(uuid[]) to authenticated;

create function public.whole_usage_limits(public.usage_limits) returns setof public.usage_limits rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_usage_limits(public.usage_limits) is 'The row of usage_limits itself.';
revoke execute on function public.whole_usage_limits(public.usage_limits) from public, anon, authenticated, service_role;
grant execute on function public.whole_usage_limits(public.usage_limits) to authenticated;


-- billing_events ------------------------------------------------------------------------------------------------------

-- Functions alone write it.
grant select (id, stripe_event_id, type, livemode, object_id, user_id, status, attempts, created_at, updated_at) on public.billing_events to service_role;

create trigger set_billing_events_updated_at before update on public.billing_events
    for each row execute function private.set_updated_at();

create trigger broadcast_billing_events_changes after insert or update or delete on public.billing_events
    for each row execute function private.broadcast_user_by_user_id('id', 'id', 'stripe_event_id', 'type', 'livemode', 'object_id', 'user_id', 'status', 'attempts', 'created_at', 'updated_at');


-- invoices ------------------------------------------------------------------------------------------------------------

-- Functions alone write it.
grant select on public.invoices to service_role;

create trigger set_invoices_updated_at before update on public.invoices
    for each row execute function private.set_updated_at();

create trigger broadcast_invoices_changes after insert or update or delete on public.invoices
    for each row execute function private.broadcast_user_by_user_id('id');

create function public.invoices_by_ids(ids uuid[]) returns setof public.invoices language sql stable as $$
    select * from public.invoices where id = any (ids)
$$;
comment on function public.invoices_by_ids(uuid[]) is 'The rows of invoices with these ids, of those that the caller may see.';
revoke execute on function public.invoices_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.invoices_by_ids(uuid[]) to authenticated;

create function public.whole_invoices(public.invoices) returns setof public.invoices rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_invoices(public.invoices) is 'The row of invoices itself.';
revoke execute on function public.whole_invoices(public.invoices) from public, anon, authenticated, service_role;
grant execute on function public.whole_invoices(public.invoices) to authenticated;

create function public.hosted_invoice_url_against(entry public.invoices) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(entry.hosted_invoice_url)
$$;
comment on function public.hosted_invoice_url_against(public.invoices) is 'How the column compares with each text that the request brings along.';
revoke execute on function public.hosted_invoice_url_against(public.invoices) from public, anon, authenticated, service_role;
grant execute on function public.hosted_invoice_url_against(public.invoices) to authenticated;
