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
