-- What a database consists of: one row for every object outside the system's schemas, (kind and name, properties).
-- Read by catalog.py with an empty search_path, so that every name in a definition carries its schema.

create function pg_temp.is_ours(schema oid) returns boolean language sql stable as $$
    -- supabase_migrations is the CLI's own record of which migrations it has applied.
    select nspname !~ '^pg_' and nspname not in ('information_schema', 'supabase_migrations')
    from pg_namespace where pg_namespace.oid = schema
$$;

-- Who holds which rights; the same whether they were granted or are the kind's defaults.
create function pg_temp.rights(acl aclitem[]) returns jsonb language sql stable as $$
    select jsonb_object_agg(grantee, rights)
    from (
        select
            case when held.grantee = 0 then 'public' else held.grantee::regrole::text end as grantee,
            jsonb_agg(
                privilege_type || case when is_grantable then ' with grant option' else '' end order by privilege_type
            ) as rights
        from aclexplode(acl) as held
        group by 1
    ) as by_grantee
$$;

select 'schema ' || quote_ident(nspname), jsonb_build_object(
    'owner', nspowner::regrole, 'rights', pg_temp.rights(coalesce(nspacl, acldefault('n', nspowner))),
    'comment', obj_description(oid, 'pg_namespace'))
from pg_namespace where pg_temp.is_ours(oid)
union all
select case relkind when 'r' then 'table' when 'p' then 'table' when 'v' then 'view' when 'S' then 'sequence'
        when 'm' then 'materialized view' when 'c' then 'composite type' else 'foreign table' end
    || ' ' || c.oid::regclass,
    jsonb_build_object(
    'owner', relowner::regrole, 'persistence', relpersistence, 'partitioned by', pg_get_partkeydef(c.oid),
    'partition', pg_get_expr(relpartbound, c.oid),
    'inherits', (select jsonb_agg(inhparent::regclass order by inhseqno) from pg_inherits where inhrelid = c.oid),
    'row level security', relrowsecurity, 'forced on owner', relforcerowsecurity, 'options', to_jsonb(reloptions),
    'replica identity', relreplident,
    'definition', case when relkind in ('v', 'm') then pg_get_viewdef(c.oid) end,
    'sequence', (
        select jsonb_build_array(seqtypid::regtype, seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle)
        from pg_sequence where seqrelid = c.oid),
    'owned by', (
        select refobjid::regclass || '.' || attname from pg_depend
        join pg_attribute on attrelid = refobjid and attnum = refobjsubid
        where classid = 'pg_class'::regclass and objid = c.oid and deptype in ('a', 'i') and relkind = 'S'),
    'rights', pg_temp.rights(coalesce(relacl, acldefault((case relkind when 'S' then 's' else 'r' end)::"char", relowner))),
    'comment', obj_description(c.oid, 'pg_class'))
from pg_class c
where pg_temp.is_ours(relnamespace) and relkind in ('r', 'p', 'v', 'm', 'S', 'f', 'c')
union all
select 'column ' || attrelid::regclass || '.' || quote_ident(attname), jsonb_build_object(
    'type', format_type(atttypid, atttypmod), 'nullable', not attnotnull,
    'collation', nullif(attcollation, typcollation)::regcollation, 'identity', attidentity,
    'generated', attgenerated, 'default', pg_get_expr(adbin, adrelid), 'storage', attstorage,
    'compression', attcompression, 'options', to_jsonb(attoptions),
    'rights', pg_temp.rights(attacl), 'comment', col_description(attrelid, attnum))
from pg_attribute join pg_class c on c.oid = attrelid
join pg_type t on t.oid = atttypid left join pg_attrdef on adrelid = attrelid and adnum = attnum
where pg_temp.is_ours(relnamespace) and relkind in ('r', 'p', 'v', 'm', 'f', 'c') and attnum > 0 and not attisdropped
union all
select 'constraint ' || quote_ident(conname) || ' on '
    || case when conrelid = 0 then contypid::regtype::text else conrelid::regclass::text end,
    jsonb_build_object('definition', pg_get_constraintdef(k.oid), 'comment', obj_description(k.oid, 'pg_constraint'))
from pg_constraint k
where pg_temp.is_ours(connamespace) and contype <> 'n'
union all
select 'index ' || indexrelid::regclass, jsonb_build_object(
    'definition', pg_get_indexdef(indexrelid), 'valid', indisvalid, 'clustered', indisclustered,
    'replica identity', indisreplident, 'comment', obj_description(indexrelid, 'pg_class'))
from pg_index join pg_class c on c.oid = indexrelid
where pg_temp.is_ours(relnamespace)
union all
select 'policy ' || quote_ident(polname) || ' on ' || polrelid::regclass, jsonb_build_object(
    'permissive', polpermissive, 'command', polcmd,
    'roles', (select jsonb_agg(member::regrole order by member::regrole::text)
        from unnest(polroles) as member),
    'using', pg_get_expr(polqual, polrelid), 'with check', pg_get_expr(polwithcheck, polrelid),
    'comment', obj_description(p.oid, 'pg_policy'))
from pg_policy p join pg_class c on c.oid = polrelid
where pg_temp.is_ours(relnamespace)
union all
select 'trigger ' || quote_ident(tgname) || ' on ' || tgrelid::regclass, jsonb_build_object(
    'definition', pg_get_triggerdef(t.oid), 'enabled', tgenabled, 'comment', obj_description(t.oid, 'pg_trigger'))
from pg_trigger t join pg_class c on c.oid = tgrelid
where pg_temp.is_ours(relnamespace) and not tgisinternal
union all
select 'rule ' || quote_ident(rulename) || ' on ' || ev_class::regclass, jsonb_build_object(
    'definition', pg_get_ruledef(r.oid), 'enabled', ev_enabled, 'comment', obj_description(r.oid, 'pg_rewrite'))
from pg_rewrite r join pg_class c on c.oid = ev_class
where pg_temp.is_ours(relnamespace) and rulename <> '_RETURN'
union all
select 'function ' || p.oid::regprocedure, jsonb_build_object(
    'owner', proowner::regrole, 'result', pg_get_function_result(p.oid),
    'definition', case when prokind <> 'a' then pg_get_functiondef(p.oid) end,
    'aggregate', (
        select jsonb_build_array(aggtransfn, aggfinalfn, aggtranstype::regtype, agginitval)
        from pg_aggregate where aggfnoid = p.oid),
    'rights', pg_temp.rights(coalesce(proacl, acldefault('f', proowner))),
    'comment', obj_description(p.oid, 'pg_proc'))
from pg_proc p
where pg_temp.is_ours(pronamespace)
union all
select 'type ' || t.oid::regtype, jsonb_build_object(
    'owner', typowner::regrole, 'kind', typtype, 'base', format_type(nullif(typbasetype, 0), typtypmod),
    'not null', typnotnull, 'default', typdefault,
    'labels', (select jsonb_agg(enumlabel order by enumsortorder) from pg_enum where enumtypid = t.oid),
    'range of', (select rngsubtype::regtype from pg_range where rngtypid = t.oid),
    'rights', pg_temp.rights(coalesce(typacl, acldefault('T', typowner))),
    'comment', obj_description(t.oid, 'pg_type'))
from pg_type t
where pg_temp.is_ours(typnamespace) and typtype in ('e', 'd', 'r')
union all
select 'extension ' || quote_ident(extname),
    jsonb_build_object('schema', extnamespace::regnamespace, 'version', extversion)
from pg_extension
union all
select 'publication ' || quote_ident(pubname), jsonb_build_object(
    'owner', pubowner::regrole, 'all tables', puballtables, 'via root', pubviaroot,
    'operations', jsonb_build_array(pubinsert, pubupdate, pubdelete, pubtruncate),
    'tables', (
        select jsonb_agg(jsonb_build_array(prrelid::regclass, pg_get_expr(prqual, prrelid), prattrs)
            order by prrelid::regclass::text)
        from pg_publication_rel where prpubid = p.oid),
    'schemas', (select jsonb_agg(pnnspid::regnamespace order by pnnspid::regnamespace::text)
        from pg_publication_namespace where pnpubid = p.oid),
    'comment', obj_description(p.oid, 'pg_publication'))
from pg_publication p
union all
select 'event trigger ' || quote_ident(evtname), jsonb_build_object(
    'owner', evtowner::regrole, 'event', evtevent, 'function', evtfoid::regprocedure, 'enabled', evtenabled,
    'tags', to_jsonb(evttags), 'comment', obj_description(oid, 'pg_event_trigger'))
from pg_event_trigger
union all
select 'default privileges of ' || defaclrole::regrole || ' on ' || defaclobjtype::text
        || coalesce(' in ' || nullif(defaclnamespace, 0)::regnamespace, ''),
    jsonb_build_object('rights', pg_temp.rights(defaclacl))
from pg_default_acl
union all
select 'statistics ' || stxnamespace::regnamespace || '.' || quote_ident(stxname), jsonb_build_object(
    'definition', pg_get_statisticsobjdef(s.oid), 'comment', obj_description(s.oid, 'pg_statistic_ext'))
from pg_statistic_ext s
where pg_temp.is_ours(stxnamespace)
union all
-- Rare kinds: that they are there, and what they are called. Numbers below 16384 are the system's.
select identity.type || ' ' || identity.identity,
    jsonb_build_object('comment', obj_description(rare.objid, rare.classid::regclass::name))
from (
    select 'pg_operator'::regclass::oid as classid, oid as objid from pg_operator
    union all select 'pg_opclass'::regclass, oid from pg_opclass
    union all select 'pg_opfamily'::regclass, oid from pg_opfamily
    union all select 'pg_collation'::regclass, oid from pg_collation
    union all select 'pg_conversion'::regclass, oid from pg_conversion
    union all select 'pg_cast'::regclass, oid from pg_cast
    union all select 'pg_ts_config'::regclass, oid from pg_ts_config
    union all select 'pg_ts_dict'::regclass, oid from pg_ts_dict
    union all select 'pg_ts_parser'::regclass, oid from pg_ts_parser
    union all select 'pg_ts_template'::regclass, oid from pg_ts_template
    union all select 'pg_language'::regclass, oid from pg_language
    union all select 'pg_foreign_data_wrapper'::regclass, oid from pg_foreign_data_wrapper
    union all select 'pg_foreign_server'::regclass, oid from pg_foreign_server
    union all select 'pg_am'::regclass, oid from pg_am
) as rare, pg_identify_object(rare.classid, rare.objid, 0) as identity
where rare.objid >= 16384;
