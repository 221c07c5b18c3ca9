-- Rows in order, for lists in which each row has lists of its own.
--
-- PostgREST sorts above its joins, so that Postgres would collect the items of all trips that a caller may see before it
-- kept the first ten. From a view in that very order it sorts first, and collects for ten. What else a request asks of a
-- view, Postgres asks of the table. All are invoker's views, so policies decide what is found.
--
-- One for the default order of each type with lists in it, one for each further order in `ordered_views` of gql/types, and
-- each of them reversed, for pages taken from the end. The primary key is always the last key. A new column of a table
-- must be added to its views: tests insist.

create view public.profiles_by_display_name with (security_invoker = true) as
    select * from public.profiles order by display_name, id;
comment on view public.profiles_by_display_name is 'Profiles, by name.';

create view public.profiles_by_display_name_reversed with (security_invoker = true) as
    select * from public.profiles order by display_name desc, id desc;
comment on view public.profiles_by_display_name_reversed is 'The same as profiles_by_display_name, from its end.';

create view public.places_by_created_at_desc with (security_invoker = true) as
    select * from public.places order by created_at desc, id;
comment on view public.places_by_created_at_desc is 'Places, the newest first.';

create view public.places_by_created_at_desc_reversed with (security_invoker = true) as
    select * from public.places order by created_at, id desc;
comment on view public.places_by_created_at_desc_reversed is 'The same as places_by_created_at_desc, from its end.';

create view public.trips_by_created_at_desc with (security_invoker = true) as
    select * from public.trips order by created_at desc, id;
comment on view public.trips_by_created_at_desc is 'Trips, the newest first.';

create view public.trips_by_created_at_desc_reversed with (security_invoker = true) as
    select * from public.trips order by created_at, id desc;
comment on view public.trips_by_created_at_desc_reversed is 'The same as trips_by_created_at_desc, from its end.';

create view public.trips_by_start_date with (security_invoker = true) as
    select * from public.trips order by start_date, id;
comment on view public.trips_by_start_date is 'Trips, the first to begin first.';

create view public.trips_by_start_date_reversed with (security_invoker = true) as
    select * from public.trips order by start_date desc, id desc;
comment on view public.trips_by_start_date_reversed is 'The same as trips_by_start_date, from its end.';

create view public.trips_by_start_date_desc with (security_invoker = true) as
    select * from public.trips order by start_date desc, id;
comment on view public.trips_by_start_date_desc is 'Trips, the last to begin first.';

create view public.trips_by_start_date_desc_reversed with (security_invoker = true) as
    select * from public.trips order by start_date, id desc;
comment on view public.trips_by_start_date_desc_reversed is 'The same as trips_by_start_date_desc, from its end.';

create view public.trip_items_by_day_number_order_index with (security_invoker = true) as
    select * from public.trip_items order by day_number, order_index, id;
comment on view public.trip_items_by_day_number_order_index is 'Items, by day and position.';

create view public.trip_items_by_day_number_order_index_reversed with (security_invoker = true) as
    select * from public.trip_items order by day_number desc, order_index desc, id desc;
comment on view public.trip_items_by_day_number_order_index_reversed is 'The same as trip_items_by_day_number_order_index, from its end.';

create view public.collections_by_created_at_desc with (security_invoker = true) as
    select * from public.collections order by created_at desc, id;
comment on view public.collections_by_created_at_desc is 'Collections, the newest first.';

create view public.collections_by_created_at_desc_reversed with (security_invoker = true) as
    select * from public.collections order by created_at, id desc;
comment on view public.collections_by_created_at_desc_reversed is 'The same as collections_by_created_at_desc, from its end.';

create view public.tags_by_name with (security_invoker = true) as
    select * from public.tags order by name, id;
comment on view public.tags_by_name is 'Tags, by name.';

create view public.tags_by_name_reversed with (security_invoker = true) as
    select * from public.tags order by name desc, id desc;
comment on view public.tags_by_name_reversed is 'The same as tags_by_name, from its end.';

-- Older projects grant everything on a new view.
revoke all on
    public.profiles_by_display_name,
    public.profiles_by_display_name_reversed,
    public.places_by_created_at_desc,
    public.places_by_created_at_desc_reversed,
    public.trips_by_created_at_desc,
    public.trips_by_created_at_desc_reversed,
    public.trips_by_start_date,
    public.trips_by_start_date_reversed,
    public.trips_by_start_date_desc,
    public.trips_by_start_date_desc_reversed,
    public.trip_items_by_day_number_order_index,
    public.trip_items_by_day_number_order_index_reversed,
    public.collections_by_created_at_desc,
    public.collections_by_created_at_desc_reversed,
    public.tags_by_name,
    public.tags_by_name_reversed
    from anon, authenticated, service_role;
grant select on
    public.profiles_by_display_name,
    public.profiles_by_display_name_reversed,
    public.places_by_created_at_desc,
    public.places_by_created_at_desc_reversed,
    public.trips_by_created_at_desc,
    public.trips_by_created_at_desc_reversed,
    public.trips_by_start_date,
    public.trips_by_start_date_reversed,
    public.trips_by_start_date_desc,
    public.trips_by_start_date_desc_reversed,
    public.trip_items_by_day_number_order_index,
    public.trip_items_by_day_number_order_index_reversed,
    public.collections_by_created_at_desc,
    public.collections_by_created_at_desc_reversed,
    public.tags_by_name,
    public.tags_by_name_reversed
    to authenticated;
