-- Comparing with texts that no URL would hold, as the cursor behind five thousand characters does. A request brings them in
-- headers, `X-Text-<number>-<piece>` in base64, and tests what a row's column is against each: 1 for greater, 0 for equal,
-- -1 for less. So `notes > <the first text>` is `notes_against->>0=eq.1`, and means the same.


-- The texts are taken apart once a request: the rows that follow find them in a setting.
create function public.compare_with_texts(value text) returns jsonb language plpgsql stable set search_path = '' as $$
declare
    texts text[] := nullif(current_setting('tripgate.texts', true), '')::text[];
begin
    if texts is null then
        select coalesce(array_agg(whole order by number), '{}') into texts
        from (
            select
                split_part(header.key, '-', 3)::int as number,
                convert_from(
                    decode(string_agg(header.value, '' order by split_part(header.key, '-', 4)::int), 'base64'), 'UTF8'
                ) as whole
            from json_each_text(nullif(current_setting('request.headers', true), '')::json) as header
            where header.key ~ '^x-text-[0-9]{1,2}-[0-9]{1,3}$'
            group by 1
        ) as brought;
        perform set_config('tripgate.texts', texts::text, true);
    end if;
    return (
        select jsonb_agg(case when value > given.text then 1 when value = given.text then 0 else -1 end order by number)
        from unnest(texts) with ordinality as given (text, number)
        where value is not null
    );
end
$$;
comment on function public.compare_with_texts(text) is 'How a text compares with each text that the request brings along: 1, 0 or -1.';
revoke execute on function public.compare_with_texts(text) from public, anon, authenticated, service_role;
grant execute on function public.compare_with_texts(text) to authenticated;

-- Named, the parameter makes these no fields of the API. Each is for a column whose texts may have more than 254 characters.

create function public.avatar_path_against(profile public.profiles) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(profile.avatar_path)
$$;
comment on function public.avatar_path_against(public.profiles) is 'How the column compares with each text that the request brings along.';

create function public.address_against(place public.places) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(place.address)
$$;
comment on function public.address_against(public.places) is 'How the column compares with each text that the request brings along.';

create function public.website_against(place public.places) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(place.website)
$$;
comment on function public.website_against(public.places) is 'How the column compares with each text that the request brings along.';

create function public.notes_against(place public.places) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(place.notes)
$$;
comment on function public.notes_against(public.places) is 'How the column compares with each text that the request brings along.';

create function public.description_against(trip public.trips) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(trip.description)
$$;
comment on function public.description_against(public.trips) is 'How the column compares with each text that the request brings along.';

create function public.notes_against(item public.trip_items) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(item.notes)
$$;
comment on function public.notes_against(public.trip_items) is 'How the column compares with each text that the request brings along.';

create function public.notes_against(saved public.saved_places) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(saved.notes)
$$;
comment on function public.notes_against(public.saved_places) is 'How the column compares with each text that the request brings along.';

create function public.description_against(collection public.collections) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(collection.description)
$$;
comment on function public.description_against(public.collections) is 'How the column compares with each text that the request brings along.';

create function public.notes_against(entry public.collection_places) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(entry.notes)
$$;
comment on function public.notes_against(public.collection_places) is 'How the column compares with each text that the request brings along.';

create function public.comment_against(vote public.votes) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(vote.comment)
$$;
comment on function public.comment_against(public.votes) is 'How the column compares with each text that the request brings along.';

revoke execute on function
    public.avatar_path_against(public.profiles),
    public.address_against(public.places),
    public.website_against(public.places),
    public.notes_against(public.places),
    public.description_against(public.trips),
    public.notes_against(public.trip_items),
    public.notes_against(public.saved_places),
    public.description_against(public.collections),
    public.notes_against(public.collection_places),
    public.comment_against(public.votes)
    from public, anon, authenticated, service_role;
grant execute on function
    public.avatar_path_against(public.profiles),
    public.address_against(public.places),
    public.website_against(public.places),
    public.notes_against(public.places),
    public.description_against(public.trips),
    public.notes_against(public.trip_items),
    public.notes_against(public.saved_places),
    public.description_against(public.collections),
    public.notes_against(public.collection_places),
    public.comment_against(public.votes)
    to authenticated;
