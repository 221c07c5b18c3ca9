-- Full-text search of stage 2: 901_core_search.sql says how and why.

create function public.search(public.saved_places) returns tsvector language sql stable set search_path = '' as $$
    select to_tsvector('pg_catalog.english', concat_ws(' ', $1.name, $1.notes))
$$;
comment on function public.search(public.saved_places) is 'The words of a saved place: name and notes.';
revoke execute on function public.search(public.saved_places) from public, anon, authenticated, service_role;
grant execute on function public.search(public.saved_places) to authenticated, service_role;
