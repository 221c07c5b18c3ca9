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
