-- What Postgres knows of the tables and views of some schemas: rows of (schema.name, properties as JSON).
-- Read with an empty search_path, so that every name carries its schema. What is usual is left out: a column that may
-- not be null, an index of kind btree, a trigger that is on.
select n.nspname || '.' || c.relname, json_strip_nulls(json_build_object(
    'comment', obj_description(c.oid, 'pg_class'),
    'view', case when relkind in ('v', 'm') then true end,
    'invoker', case when relkind = 'v' then
        coalesce(reloptions && array['security_invoker=true', 'security_invoker=on'], false) end,
    'rls', case when relkind in ('r', 'p') then relrowsecurity end,
    'columns', (
        select json_object_agg(attname, json_build_object(
            'type', format_type(atttypid, atttypmod),
            'nullable', case when not attnotnull and relkind in ('r', 'p') then true end,
            'default', pg_get_expr(adbin, adrelid),
            'generated', case when attgenerated <> '' or attidentity = 'a' then true end,
            'identity', case when attidentity = 'd' then true end,
            'labels', (select json_agg(enumlabel order by enumsortorder) from pg_enum where enumtypid = atttypid),
            'comment', col_description(attrelid, attnum)
        ) order by attnum)
        from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
        where attrelid = c.oid and attnum > 0 and not attisdropped
    ),
    'foreign_keys', (
        select json_object_agg(conname, json_build_object(
            'columns', (select json_agg(attname order by place) from unnest(conkey) with ordinality as k (number, place)
                join pg_attribute on attrelid = conrelid and attnum = number),
            'to', to_n.nspname || '.' || target.relname,
            'on', (select json_agg(attname order by place) from unnest(confkey) with ordinality as k (number, place)
                join pg_attribute on attrelid = confrelid and attnum = number),
            'delete', case confdeltype when 'c' then 'cascade' when 'n' then 'set null' when 'd' then 'set default'
                when 'r' then 'restrict' end
        ) order by conname)
        from pg_constraint join pg_class target on target.oid = confrelid
        join pg_namespace to_n on to_n.oid = target.relnamespace
        where conrelid = c.oid and contype = 'f'
    ),
    'checks', (
        select json_object_agg(conname, json_build_object(
            'check', pg_get_constraintdef(k.oid),
            'columns', (select json_agg(attname order by attnum) from pg_attribute
                where attrelid = conrelid and attnum = any (conkey)),
            'comment', obj_description(k.oid, 'pg_constraint')
        ) order by conname)
        from pg_constraint k where conrelid = c.oid and contype = 'c'
    ),
    'indexes', (
        select json_object_agg(i.relname, json_build_object(
            'keys', (
                select json_agg(
                    pg_get_indexdef(indexrelid, place, true)
                    || case when indoption[place - 1] & 1 = 1 then ' desc' else '' end order by place
                ) from generate_series(1, indnkeyatts) as place
            ),
            'primary', case when indisprimary then true end,
            'unique', case when indisunique then true end,
            'constraint', case when exists (select from pg_constraint where conindid = indexrelid and contype = 'u')
                then true end,
            'method', nullif(amname, 'btree'),
            'where', pg_get_expr(indpred, indrelid),
            'invalid', case when not indisvalid then true end
        ) order by i.relname)
        from pg_index join pg_class i on i.oid = indexrelid join pg_am on pg_am.oid = i.relam
        where indrelid = c.oid
    ),
    'grants', (
        select json_object_agg(rolname, held order by rolname)
        from pg_roles join lateral (
            select json_object_agg(privilege, case
                when has_table_privilege(pg_roles.oid, c.oid, privilege) then to_json(true)
                else (
                    select json_agg(attname order by attnum) from pg_attribute
                    where attrelid = c.oid and attnum > 0 and not attisdropped
                        and has_column_privilege(pg_roles.oid, c.oid, attnum, privilege)
                ) end order by place) as held
            from unnest(array['select', 'insert', 'update', 'delete']) with ordinality as p (privilege, place)
            where has_table_privilege(pg_roles.oid, c.oid, privilege)
                or privilege <> 'delete' and has_any_column_privilege(pg_roles.oid, c.oid, privilege)
        ) as rights on held is not null
        where rolname in ('anon', 'authenticated', 'service_role')
    ),
    'policies', (
        select json_object_agg(polname, json_build_object(
            'command', case polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
                when 'd' then 'delete' else 'all' end,
            'to', case when polroles = '{0}' then '["public"]'::json
                else (select json_agg(rolname order by rolname) from pg_roles where oid = any (polroles)) end,
            'restrictive', case when not polpermissive then true end
        ) order by polname)
        from pg_policy where polrelid = c.oid
    ),
    'triggers', (
        select json_object_agg(tgname, json_build_object(
            'function', f_n.nspname || '.' || proname,
            'when', case when tgtype & 2 = 2 then 'before' when tgtype & 64 = 64 then 'instead' else 'after' end,
            'on', (select json_agg(event order by place) from unnest(array['insert', 'delete', 'update', 'truncate'])
                with ordinality as e (event, place) where tgtype & (4 << (place - 1)::integer) > 0),
            'each', case when tgtype & 1 = 1 then 'row' else 'statement' end,
            'off', case when tgenabled = 'D' then true end
        ) order by tgname)
        from pg_trigger join pg_proc on pg_proc.oid = tgfoid join pg_namespace f_n on f_n.oid = pronamespace
        where tgrelid = c.oid and not tgisinternal
    ),
    'publications', (
        select json_agg(pubname order by pubname) from pg_publication_tables
        where schemaname = n.nspname and tablename = c.relname
    )
))
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where nspname = any (%s) and relkind in ('r', 'p', 'v', 'm') and not relispartition and not exists (
    select from pg_depend where classid = 'pg_class'::regclass and objid = c.oid and deptype = 'e'
)
order by 1
