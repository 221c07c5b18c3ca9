-- Written by `make schema` from gql/types and resolvers, for the tables of 009_whatsapp_tables.sql. Do not change it here.
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


-- whatsapp_contacts ---------------------------------------------------------------------------------------------------

-- Functions alone write it.
grant select on public.whatsapp_contacts to service_role;

create trigger set_whatsapp_contacts_updated_at before update on public.whatsapp_contacts
    for each row execute function private.set_updated_at();

create trigger broadcast_whatsapp_contacts_changes after insert or update or delete on public.whatsapp_contacts
    for each row execute function private.broadcast_user_by_user_id('id');

create function public.whatsapp_contacts_by_ids(ids uuid[]) returns setof public.whatsapp_contacts language sql stable as $$
    select * from public.whatsapp_contacts where id = any (ids)
$$;
comment on function public.whatsapp_contacts_by_ids(uuid[]) is 'The rows of whatsapp_contacts with these ids, of those that the caller may see.';
revoke execute on function public.whatsapp_contacts_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.whatsapp_contacts_by_ids(uuid[]) to authenticated;

create function public.whole_whatsapp_contacts(public.whatsapp_contacts) returns setof public.whatsapp_contacts rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_whatsapp_contacts(public.whatsapp_contacts) is 'The row of whatsapp_contacts itself.';
revoke execute on function public.whole_whatsapp_contacts(public.whatsapp_contacts) from public, anon, authenticated, service_role;
grant execute on function public.whole_whatsapp_contacts(public.whatsapp_contacts) to authenticated;


-- whatsapp_messages ---------------------------------------------------------------------------------------------------

-- Functions alone write it.
grant select (id, user_id, sender_id, trip_id, direction, template_name, parameters, body, status, dedupe_key, error_code, category, cost, sending_at, sent_at, delivered_at, read_at, failed_at, created_at, updated_at) on public.whatsapp_messages to service_role;

create trigger set_whatsapp_messages_updated_at before update on public.whatsapp_messages
    for each row execute function private.set_updated_at();

create trigger broadcast_whatsapp_messages_changes after insert or update or delete on public.whatsapp_messages
    for each row execute function private.broadcast_user_by_user_id('id', 'id', 'user_id', 'sender_id', 'trip_id', 'direction', 'template_name', 'parameters', 'body', 'status', 'dedupe_key', 'error_code', 'category', 'cost', 'sending_at', 'sent_at', 'delivered_at', 'read_at', 'failed_at', 'created_at', 'updated_at');

create view public.whatsapp_messages_by_created_at_desc with (security_invoker = true) as
    select id, user_id, sender_id, trip_id, direction, template_name, parameters, body, status, dedupe_key, error_code, category, cost, sending_at, sent_at, delivered_at, read_at, failed_at, created_at, updated_at from public.whatsapp_messages order by created_at desc, id;
comment on view public.whatsapp_messages_by_created_at_desc is 'The rows of whatsapp_messages, ordered by created_at desc, id.';
revoke all on public.whatsapp_messages_by_created_at_desc from anon, authenticated, service_role;
grant select on public.whatsapp_messages_by_created_at_desc to authenticated;

create view public.whatsapp_messages_by_created_at_desc_reversed with (security_invoker = true) as
    select id, user_id, sender_id, trip_id, direction, template_name, parameters, body, status, dedupe_key, error_code, category, cost, sending_at, sent_at, delivered_at, read_at, failed_at, created_at, updated_at from public.whatsapp_messages order by created_at, id desc;
comment on view public.whatsapp_messages_by_created_at_desc_reversed is 'The same as whatsapp_messages_by_created_at_desc, from its end.';
revoke all on public.whatsapp_messages_by_created_at_desc_reversed from anon, authenticated, service_role;
grant select on public.whatsapp_messages_by_created_at_desc_reversed to authenticated;

create function public.body_against(entry public.whatsapp_messages) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(entry.body)
$$;
comment on function public.body_against(public.whatsapp_messages) is 'How the column compares with each text that the request brings along.';
revoke execute on function public.body_against(public.whatsapp_messages) from public, anon, authenticated, service_role;
grant execute on function public.body_against(public.whatsapp_messages) to authenticated;


-- delivery_events -----------------------------------------------------------------------------------------------------

-- Functions alone write it.
grant select on public.delivery_events to service_role;

create trigger set_delivery_events_updated_at before update on public.delivery_events
    for each row execute function private.set_updated_at();

create trigger broadcast_delivery_events_changes after insert or update or delete on public.delivery_events
    for each row execute function private.broadcast_user_by_user_id('id');

create function public.delivery_events_by_ids(ids uuid[]) returns setof public.delivery_events language sql stable as $$
    select * from public.delivery_events where id = any (ids)
$$;
comment on function public.delivery_events_by_ids(uuid[]) is 'The rows of delivery_events with these ids, of those that the caller may see.';
revoke execute on function public.delivery_events_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.delivery_events_by_ids(uuid[]) to authenticated;

create function public.whole_delivery_events(public.delivery_events) returns setof public.delivery_events rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_delivery_events(public.delivery_events) is 'The row of delivery_events itself.';
revoke execute on function public.whole_delivery_events(public.delivery_events) from public, anon, authenticated, service_role;
grant execute on function public.whole_delivery_events(public.delivery_events) to authenticated;


-- notification_preferences --------------------------------------------------------------------------------------------

grant all on public.notification_preferences to service_role;

create trigger set_notification_preferences_updated_at before update on public.notification_preferences
    for each row execute function private.set_updated_at();

create trigger expect_notification_preferences_updates after update on public.notification_preferences
    referencing old table as touched for each statement execute function private.expect_rows();

create trigger expect_notification_preferences_deletes after delete on public.notification_preferences
    referencing old table as touched for each statement execute function private.expect_rows();

create trigger broadcast_notification_preferences_changes after insert or update or delete on public.notification_preferences
    for each row execute function private.broadcast_user_by_user_id('id');

create function public.notification_preferences_by_ids(ids uuid[]) returns setof public.notification_preferences language sql stable as $$
    select * from public.notification_preferences where id = any (ids)
$$;
comment on function public.notification_preferences_by_ids(uuid[]) is 'The rows of notification_preferences with these ids, of those that the caller may see.';
revoke execute on function public.notification_preferences_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.notification_preferences_by_ids(uuid[]) to authenticated;

create function public.whole_notification_preferences(public.notification_preferences) returns setof public.notification_preferences rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_notification_preferences(public.notification_preferences) is 'The row of notification_preferences itself.';
revoke execute on function public.whole_notification_preferences(public.notification_preferences) from public, anon, authenticated, service_role;
grant execute on function public.whole_notification_preferences(public.notification_preferences) to authenticated;


-- automation_rules ----------------------------------------------------------------------------------------------------

grant all on public.automation_rules to service_role;

create trigger set_automation_rules_updated_at before update on public.automation_rules
    for each row execute function private.set_updated_at();

create trigger expect_automation_rules_updates after update on public.automation_rules
    referencing old table as touched for each statement execute function private.expect_rows();

create trigger expect_automation_rules_deletes after delete on public.automation_rules
    referencing old table as touched for each statement execute function private.expect_rows();

create trigger broadcast_automation_rules_changes after insert or update or delete on public.automation_rules
    for each row execute function private.broadcast_user_by_user_id('id');

create function public.automation_rules_by_ids(ids uuid[]) returns setof public.automation_rules language sql stable as $$
    select * from public.automation_rules where id = any (ids)
$$;
comment on function public.automation_rules_by_ids(uuid[]) is 'The rows of automation_rules with these ids, of those that the caller may see.';
revoke execute on function public.automation_rules_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.automation_rules_by_ids(uuid[]) to authenticated;

create function public.whole_automation_rules(public.automation_rules) returns setof public.automation_rules rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_automation_rules(public.automation_rules) is 'The row of automation_rules itself.';
revoke execute on function public.whole_automation_rules(public.automation_rules) from public, anon, authenticated, service_role;
grant execute on function public.whole_automation_rules(public.automation_rules) to authenticated;

create view public.automation_rules_by_created_at_desc with (security_invoker = true) as
    select * from public.automation_rules order by created_at desc, id;
comment on view public.automation_rules_by_created_at_desc is 'The rows of automation_rules, ordered by created_at desc, id.';
revoke all on public.automation_rules_by_created_at_desc from anon, authenticated, service_role;
grant select on public.automation_rules_by_created_at_desc to authenticated;

create view public.automation_rules_by_created_at_desc_reversed with (security_invoker = true) as
    select * from public.automation_rules order by created_at, id desc;
comment on view public.automation_rules_by_created_at_desc_reversed is 'The same as automation_rules_by_created_at_desc, from its end.';
revoke all on public.automation_rules_by_created_at_desc_reversed from anon, authenticated, service_role;
grant select on public.automation_rules_by_created_at_desc_reversed to authenticated;


-- scheduled_jobs ------------------------------------------------------------------------------------------------------

-- Functions alone write it.
grant select on public.scheduled_jobs to service_role;

create trigger set_scheduled_jobs_updated_at before update on public.scheduled_jobs
    for each row execute function private.set_updated_at();

create trigger broadcast_scheduled_jobs_changes after insert or update or delete on public.scheduled_jobs
    for each row execute function private.broadcast_user_by_user_id('id');

create function public.scheduled_jobs_by_ids(ids uuid[]) returns setof public.scheduled_jobs language sql stable as $$
    select * from public.scheduled_jobs where id = any (ids)
$$;
comment on function public.scheduled_jobs_by_ids(uuid[]) is 'The rows of scheduled_jobs with these ids, of those that the caller may see.';
revoke execute on function public.scheduled_jobs_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.scheduled_jobs_by_ids(uuid[]) to authenticated;

create function public.whole_scheduled_jobs(public.scheduled_jobs) returns setof public.scheduled_jobs rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_scheduled_jobs(public.scheduled_jobs) is 'The row of scheduled_jobs itself.';
revoke execute on function public.whole_scheduled_jobs(public.scheduled_jobs) from public, anon, authenticated, service_role;
grant execute on function public.whole_scheduled_jobs(public.scheduled_jobs) to authenticated;
