-- Written by `make schema` from gql/types and resolvers, for the tables of 011_storage_1_tables.sql. Do not change it here.
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


-- stored_files --------------------------------------------------------------------------------------------------------

grant all on public.stored_files to service_role;

create function public.stored_files_by_ids(ids uuid[]) returns setof public.stored_files language sql stable as $$
    select * from public.stored_files where id = any (ids)
$$;
comment on function public.stored_files_by_ids(uuid[]) is 'The rows of stored_files with these ids, of those that the caller may see.';
revoke execute on function public.stored_files_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.stored_files_by_ids(uuid[]) to authenticated;

create function public.whole_stored_files(public.stored_files) returns setof public.stored_files rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_stored_files(public.stored_files) is 'The row of stored_files itself.';
revoke execute on function public.whole_stored_files(public.stored_files) from public, anon, authenticated, service_role;
grant execute on function public.whole_stored_files(public.stored_files) to authenticated;
