-- What the project has put on tables of the platform's own schemas: rows of (schema.name, properties as JSON), of those
-- tables that have policies, or triggers that call no function of the platform's.
with platform as (
    select oid, nspname from pg_namespace where nspname in ('auth', 'realtime', 'storage')
),
ours as (
    select t.*, f_n.nspname as function_schema, proname from pg_trigger t
    join pg_proc on pg_proc.oid = tgfoid join pg_namespace f_n on f_n.oid = pronamespace
    where not tgisinternal and f_n.nspname not in (
        'auth', 'realtime', 'storage', 'extensions', 'pg_catalog', 'graphql', 'net', 'supabase_functions'
    )
)
select platform.nspname || '.' || c.relname, json_strip_nulls(json_build_object(
    'rls', relrowsecurity,
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
            'function', function_schema || '.' || proname,
            'when', case when tgtype & 2 = 2 then 'before' when tgtype & 64 = 64 then 'instead' else 'after' end,
            'on', (select json_agg(event order by place) from unnest(array['insert', 'delete', 'update', 'truncate'])
                with ordinality as e (event, place) where tgtype & (4 << (place - 1)::integer) > 0),
            'each', case when tgtype & 1 = 1 then 'row' else 'statement' end,
            'off', case when tgenabled = 'D' then true end
        ) order by tgname)
        from ours where tgrelid = c.oid
    )
))
from pg_class c join platform on platform.oid = relnamespace
where relkind in ('r', 'p') and not relispartition and (
    exists (select from pg_policy where polrelid = c.oid) or exists (select from ours where tgrelid = c.oid)
)
order by 1
