-- Full-text search: the words of a row, as a function of the row that requests filter by like a column.
--
-- Without indexes on purpose: matching is not leakproof, so row level security runs first and an index on the words
-- would not serve; what a caller may see is little. The English dictionary finds other forms of English words, and any
-- other language's words as they are written.

create function public.search(public.trips) returns tsvector language sql stable set search_path = '' as $$
    select to_tsvector(
        'pg_catalog.english',
        concat_ws(' ', $1.title, $1.destination, $1.description, array_to_string($1.labels, ' '))
    )
$$;
comment on function public.search(public.trips) is 'The words of a trip: title, destination, description and labels.';

create function public.search(public.trip_items) returns tsvector language sql stable set search_path = '' as $$
    select to_tsvector('pg_catalog.english', concat_ws(' ', $1.title, $1.notes))
$$;
comment on function public.search(public.trip_items) is 'The words of an item: title and notes.';

create function public.search(public.places) returns tsvector language sql stable set search_path = '' as $$
    select to_tsvector('pg_catalog.english', concat_ws(' ', $1.name, $1.address, $1.city, $1.notes))
$$;
comment on function public.search(public.places) is 'The words of a place: name, address, city and notes.';

revoke execute on function
    public.search(public.trips), public.search(public.trip_items), public.search(public.places)
    from public, anon, authenticated, service_role;
grant execute on function
    public.search(public.trips), public.search(public.trip_items), public.search(public.places)
    to authenticated, service_role;
