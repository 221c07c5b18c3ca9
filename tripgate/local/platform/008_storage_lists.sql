-- How the Storage API lists objects. A folder is the part of names up to the next delimiter; it is found by one look into
-- an index and then stepped over, whatever it holds. The caller's policies decide which objects are seen.

create function storage.get_common_prefix(p_key text, p_prefix text, p_delimiter text) returns text
language sql immutable as $$
    select left(p_key, length(p_prefix) + position)
    from position(p_delimiter in substr(p_key, length(p_prefix) + 1)) as position where position > 0
$$;
comment on function storage.get_common_prefix(text, text, text) is
    'The folder right below the prefix in which an object lies, with its delimiter; null for one that lies in none.';

-- Behind all names that begin with a text: no character sorts behind the last one.
create function storage.behind(prefix text) returns text language sql immutable as $$
    select prefix || chr(1114111)
$$;
comment on function storage.behind(text) is 'What sorts, by bytes, behind everything that begins with this.';

create function storage.list_objects_with_delimiter(
    _bucket_id text,
    prefix_param text,
    delimiter_param text,
    max_keys integer default 100,
    start_after text default '',
    next_token text default '',
    sort_order text default 'asc'
)
returns table (
    name text,
    id uuid,
    metadata jsonb,
    updated_at timestamptz,
    created_at timestamptz,
    last_accessed_at timestamptz
)
language plpgsql stable as $$
declare
    ascending constant boolean := lower(coalesce(sort_order, 'asc')) = 'asc';
    prefix constant text := coalesce(prefix_param, '');
    start constant text := coalesce(nullif(next_token, ''), nullif(start_after, ''));
    lowest text := prefix;
    -- Not part of the range; the lowest is, unless it is where the page before this one ended.
    highest text := storage.behind(prefix);
    excluded text := '';
    folder text;
    remaining integer := max_keys;
    stepped boolean := true;
    object record;
begin
    if start is not null and ascending then
        -- A folder's delimiter says that it was one.
        lowest := greatest(
            lowest collate "C", (case when right(start, 1) = delimiter_param then storage.behind(start) else start end) collate "C"
        );
        excluded := start;
    elsif start is not null then
        highest := least(highest collate "C", start collate "C");
    end if;
    while remaining > 0 and stepped loop
        stepped := false;
        for object in execute format(
            'select o.name, o.id, o.metadata, o.updated_at, o.created_at, o.last_accessed_at from storage.objects o'
            ' where o.bucket_id = $1 and o.name collate "C" >= $2 and o.name collate "C" < $3'
            ' order by o.name collate "C" %s limit $4', case when ascending then 'asc' else 'desc' end
        ) using _bucket_id, lowest, highest, remaining + 1
        loop
            exit when remaining = 0;
            continue when object.name = excluded;
            folder := storage.get_common_prefix(object.name, prefix, delimiter_param);
            remaining := remaining - 1;
            if folder is not null then
                list_objects_with_delimiter.name := rtrim(folder, delimiter_param);
                list_objects_with_delimiter.id := null;
                list_objects_with_delimiter.metadata := null;
                list_objects_with_delimiter.updated_at := null;
                list_objects_with_delimiter.created_at := null;
                list_objects_with_delimiter.last_accessed_at := null;
                return next;
                if ascending then
                    lowest := storage.behind(folder);
                else
                    highest := folder;
                end if;
                stepped := true;
                exit;
            end if;
            list_objects_with_delimiter.name := object.name;
            list_objects_with_delimiter.id := object.id;
            list_objects_with_delimiter.metadata := object.metadata;
            list_objects_with_delimiter.updated_at := object.updated_at;
            list_objects_with_delimiter.created_at := object.created_at;
            list_objects_with_delimiter.last_accessed_at := object.last_accessed_at;
            return next;
        end loop;
    end loop;
end
$$;
comment on function storage.list_objects_with_delimiter(text, text, text, integer, text, text, text) is
    'A page of objects and folders below a prefix in the order of their names'' bytes; a folder has no id.';

create function storage.search(
    prefix text,
    bucketname text,
    limits integer default 100,
    levels integer default 1,
    offsets integer default 0,
    search text default '',
    sortcolumn text default 'name',
    sortorder text default 'asc'
)
returns table (
    name text,
    id uuid,
    updated_at timestamptz,
    created_at timestamptz,
    last_accessed_at timestamptz,
    metadata jsonb
)
language plpgsql stable as $$
declare
    ascending constant boolean := lower(coalesce(sortorder, 'asc')) = 'asc';
    direction constant text := case when ascending then 'asc' else 'desc' end;
    wanted constant text := lower(coalesce(prefix, '') || coalesce(search, ''));
    -- What comes before the names that are given back.
    cut constant integer := length(coalesce(prefix, '')) + 1;
    lowest text := wanted;
    highest text := storage.behind(wanted);
    folder text;
    remaining integer := least(coalesce(limits, 100), 1500);
    skipping integer := coalesce(offsets, 0);
    stepped boolean := true;
    object record;
begin
    if lower(coalesce(sortcolumn, 'name')) in ('updated_at', 'created_at', 'last_accessed_at') then
        return query execute format(
            'with found as materialized ('
            '    select o.*, storage.get_common_prefix(o.name, left(o.name, length($2)), ''/'') as folder'
            '    from storage.objects o where o.bucket_id = $1'
            '    and lower(o.name) collate "C" >= $2 and lower(o.name) collate "C" < storage.behind($2)'
            ') select * from ('
            '    (select distinct rtrim(substr(f.folder, $3), ''/''), null::uuid, null::timestamptz, null::timestamptz,'
            '        null::timestamptz, null::jsonb from found f where f.folder is not null order by 1 %1$s)'
            '    union all'
            '    (select substr(f.name, $3), f.id, f.updated_at, f.created_at, f.last_accessed_at, f.metadata'
            '        from found f where f.folder is null order by f.%2$I %1$s, f.name %1$s)'
            ') as listed limit $4 offset $5', direction, lower(sortcolumn)
        ) using bucketname, wanted, cut, remaining, skipping;
        return;
    end if;
    while remaining > 0 and stepped loop
        stepped := false;
        for object in execute format(
            'select o.name, o.id, o.metadata, o.updated_at, o.created_at, o.last_accessed_at from storage.objects o'
            ' where o.bucket_id = $1 and lower(o.name) collate "C" >= $2 and lower(o.name) collate "C" < $3'
            ' order by lower(o.name) collate "C" %s limit $4', direction
        ) using bucketname, lowest, highest, remaining + skipping
        loop
            folder := storage.get_common_prefix(object.name, left(object.name, length(wanted)), '/');
            if skipping > 0 then
                skipping := skipping - 1;
            else
                remaining := remaining - 1;
                search.name := rtrim(substr(coalesce(folder, object.name), cut), '/');
                search.id := case when folder is null then object.id end;
                search.updated_at := case when folder is null then object.updated_at end;
                search.created_at := case when folder is null then object.created_at end;
                search.last_accessed_at := case when folder is null then object.last_accessed_at end;
                search.metadata := case when folder is null then object.metadata end;
                return next;
            end if;
            if folder is not null then
                if ascending then
                    lowest := storage.behind(lower(folder));
                else
                    highest := lower(folder);
                end if;
                stepped := true;
                exit;
            end if;
            exit when remaining = 0;
        end loop;
    end loop;
end
$$;
comment on function storage.search(text, text, integer, integer, integer, text, text, text) is
    'Objects and folders below a folder, whose names begin with the text searched for in capitals or not; names are'
    ' relative to the folder.';

create function storage.search_by_timestamp(
    p_prefix text,
    p_bucket_id text,
    p_limit integer,
    p_level integer,
    p_start_after text,
    p_sort_order text,
    p_sort_column text,
    p_sort_column_after text
)
returns table (
    key text,
    name text,
    id uuid,
    updated_at timestamptz,
    created_at timestamptz,
    last_accessed_at timestamptz,
    metadata jsonb
)
language plpgsql stable as $$
begin
    return query execute format(
        'with found as materialized ('
        '    select o.*, storage.get_common_prefix(o.name, $1, ''/'') as folder from storage.objects o'
        '    where o.bucket_id = $2 and o.name collate "C" >= $1 and o.name collate "C" < storage.behind($1)'
        '), listed as ('
        '    select rtrim(f.folder, ''/'') as name, null::uuid as id, min(f.created_at) as updated_at,'
        '        min(f.created_at) as created_at, null::timestamptz as last_accessed_at, null::jsonb as metadata'
        '    from found f where f.folder is not null group by f.folder'
        '    union all'
        '    select f.name, f.id, f.updated_at, f.created_at, f.last_accessed_at, f.metadata'
        '    from found f where f.folder is null'
        ') select split_part(l.name, ''/'', $3), l.name, l.id, l.updated_at, l.created_at, l.last_accessed_at, l.metadata'
        ' from listed l where $5 = '''' or (date_trunc(''milliseconds'', l.%1$I), l.name collate "C") %2$s'
        '    (coalesce(nullif($6, '''')::timestamptz, ''epoch''), rtrim($5, ''/'') collate "C")'
        ' order by date_trunc(''milliseconds'', l.%1$I) %3$s, l.name collate "C" %3$s limit $4',
        p_sort_column, case p_sort_order when 'asc' then '>' else '<' end, p_sort_order
    ) using coalesce(p_prefix, ''), p_bucket_id, p_level, p_limit, coalesce(p_start_after, ''), p_sort_column_after;
end
$$;
comment on function storage.search_by_timestamp(text, text, integer, integer, text, text, text, text) is
    'A page of objects and folders below a prefix by a time; a folder is as old as its oldest object.';

create function storage.search_v2(
    prefix text,
    bucket_name text,
    limits integer default 100,
    levels integer default 1,
    start_after text default '',
    sort_order text default 'asc',
    sort_column text default 'name',
    sort_column_after text default ''
)
returns table (
    key text,
    name text,
    id uuid,
    updated_at timestamptz,
    created_at timestamptz,
    last_accessed_at timestamptz,
    metadata jsonb
)
language plpgsql stable as $$
declare
    direction constant text := case lower(sort_order) when 'desc' then 'desc' else 'asc' end;
    page constant integer := least(coalesce(limits, 100), 1500);
begin
    if lower(sort_column) in ('updated_at', 'created_at') then
        return query select * from storage.search_by_timestamp(
            prefix, bucket_name, page, levels, start_after, direction, lower(sort_column), sort_column_after
        );
    else
        return query select
            split_part(l.name, '/', levels), l.name, l.id, l.updated_at, l.created_at, l.last_accessed_at, l.metadata
        from storage.list_objects_with_delimiter(bucket_name, prefix, '/', page, start_after, '', direction) as l;
    end if;
end
$$;
comment on function storage.search_v2(text, text, integer, integer, text, text, text, text) is
    'A page of objects and folders below a prefix by name or by a time; names are whole, keys are relative.';

alter function storage.get_common_prefix(text, text, text) owner to supabase_storage_admin;
alter function storage.behind(text) owner to supabase_storage_admin;
alter function storage.list_objects_with_delimiter(text, text, text, integer, text, text, text)
    owner to supabase_storage_admin;
alter function storage.search(text, text, integer, integer, integer, text, text, text) owner to supabase_storage_admin;
alter function storage.search_by_timestamp(text, text, integer, integer, text, text, text, text)
    owner to supabase_storage_admin;
alter function storage.search_v2(text, text, integer, integer, text, text, text, text)
    owner to supabase_storage_admin;
