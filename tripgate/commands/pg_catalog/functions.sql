-- What Postgres knows of the functions of some schemas: rows of (schema.name(types), properties as JSON).
-- Read with an empty search_path; extensions' own functions are left out.
select f.oid::regprocedure::text, json_strip_nulls(json_build_object(
    'comment', obj_description(f.oid, 'pg_proc'),
    'names', proargnames,
    'types', (
        select json_agg(format_type(type, null) order by place)
        from unnest(proargtypes) with ordinality as argument (type, place)
    ),
    'defaults', nullif(pronargdefaults, 0),
    'returns', pg_get_function_result(f.oid),
    'rows', case when proretset then prorows end,
    'language', lanname,
    'volatility', case provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
    'definer', case when prosecdef then true end,
    'strict', case when proisstrict then true end,
    'settings', proconfig,
    'roles', (
        select json_agg(rolname order by rolname) from pg_roles
        where rolname in ('anon', 'authenticated', 'service_role')
            and has_function_privilege(pg_roles.oid, f.oid, 'execute')
    )
))
from pg_proc f join pg_namespace n on n.oid = pronamespace join pg_language l on l.oid = prolang
where nspname = any (%s) and prokind = 'f' and not exists (
    select from pg_depend where classid = 'pg_proc'::regclass and objid = f.oid and deptype = 'e'
)
order by 1
