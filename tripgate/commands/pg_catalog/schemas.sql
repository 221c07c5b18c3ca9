-- Schemas: rows of (name, properties as JSON). Of those that are served, who may use them; of `private`, which functions
-- without arguments there are, by which policies find a caller's own.
select nspname, json_strip_nulls(json_build_object(
    'usage', case when nspname <> 'private' then (
        select json_agg(rolname order by rolname) from pg_roles
        where rolname in ('anon', 'authenticated', 'service_role') and has_schema_privilege(pg_roles.oid, n.oid, 'usage')
    ) end,
    'helpers', case when nspname = 'private' then (
        select json_agg(proname order by proname) from pg_proc
        where pronamespace = n.oid and prokind = 'f' and pronargs = 0 and proretset
    ) end
))
from pg_namespace n
where nspname = any (%s) or nspname = 'private'
order by 1
