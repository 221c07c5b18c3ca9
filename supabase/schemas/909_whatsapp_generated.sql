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
