-- Written by `make schema` from gql/types and resolvers, for the tables of 004_common_1_tables.sql. Do not change it here.
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


-- notifications -------------------------------------------------------------------------------------------------------

grant all on public.notifications to service_role;

create trigger set_notifications_updated_at before update on public.notifications
    for each row execute function private.set_updated_at();

create trigger expect_notifications_deletes after delete on public.notifications
    referencing old table as touched for each statement execute function private.expect_rows();

create trigger broadcast_notifications_changes after insert or update or delete on public.notifications
    for each row execute function private.broadcast_user_by_user_id('id');

create function public.notifications_by_ids(ids uuid[]) returns setof public.notifications language sql stable as $$
    select * from public.notifications where id = any (ids)
$$;
comment on function public.notifications_by_ids(uuid[]) is 'The rows of notifications with these ids, of those that the caller may see.';
revoke execute on function public.notifications_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.notifications_by_ids(uuid[]) to authenticated;

create function public.whole_notifications(public.notifications) returns setof public.notifications rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_notifications(public.notifications) is 'The row of notifications itself.';
revoke execute on function public.whole_notifications(public.notifications) from public, anon, authenticated, service_role;
grant execute on function public.whole_notifications(public.notifications) to authenticated;

create function public.body_against(entry public.notifications) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(entry.body)
$$;
comment on function public.body_against(public.notifications) is 'How the column compares with each text that the request brings along.';
revoke execute on function public.body_against(public.notifications) from public, anon, authenticated, service_role;
grant execute on function public.body_against(public.notifications) to authenticated;

create function public.link_against(entry public.notifications) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(entry.link)
$$;
comment on function public.link_against(public.notifications) is 'How the column compares with each text that the request brings along.';
revoke execute on function public.link_against(public.notifications) from public, anon, authenticated, service_role;
grant execute on function public.link_against(public.notifications) to authenticated;


-- membership_invitations ----------------------------------------------------------------------------------------------

-- All but reading what nobody may read.
grant select (id, scope, scope_id, email, role, status, invited_by, expires_at, accepted_at, created_at, updated_at) on public.membership_invitations to service_role;
grant insert, update, delete, truncate, references, trigger on public.membership_invitations to service_role;

create trigger set_membership_invitations_updated_at before update on public.membership_invitations
    for each row execute function private.set_updated_at();

create function private.broadcast_user_by_invited_by() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform private.broadcast_change(
        'user', old.invited_by::text, new.invited_by::text, tg_argv[0], tg_argv[1:],
        tg_table_schema, tg_table_name, to_jsonb(new), to_jsonb(old)
    );
    return null;
end
$$;
revoke execute on function private.broadcast_user_by_invited_by() from public;

create trigger broadcast_membership_invitations_changes after insert or update or delete on public.membership_invitations
    for each row execute function private.broadcast_user_by_invited_by('id', 'id', 'scope', 'scope_id', 'email', 'role', 'status', 'invited_by', 'expires_at', 'accepted_at', 'created_at', 'updated_at');
