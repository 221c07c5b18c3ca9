"""Rules for a database that clients reach directly, after those of Supabase's public linter, each by the same name.

A rule is a query for what breaks it and, as proof that it can, statements that break it. Left out are rules about use
rather than making, which a new database has nothing to say to: unused_index, table_bloat and unused_replication_slot;
and pg_graphql_authenticated_table_exposed, since signed-in people are meant to read what the policies show them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import LiteralString

# Schemas that are this project's, whoever adds another.
OURS: LiteralString = """(
    select oid from pg_namespace
    where nspname !~ '^pg_' and nspname not in (
        'information_schema', 'auth', 'storage', 'realtime', 'extensions', 'vault', 'graphql', 'graphql_public',
        'net', 'cron', 'supabase_functions', 'supabase_migrations', 'pgbouncer', 'pgmq', 'pgmq_public'
    )
)"""
# What the API may serve: `schemas` of supabase/config.toml are among them.
EXPOSED: LiteralString = """(
    select oid from pg_namespace
    where nspname in ('public', 'household', 'together', 'insights', 'meetings', 'backoffice')
)"""
# Whoever holds a publishable key, and whoever has signed up.
CLIENTS: LiteralString = "unnest(array['anon', 'authenticated']) as client"

_POLICIES: LiteralString = """(
    select polrelid, polname, polpermissive, polcmd,
        case when polroles = '{0}' then array['anon', 'authenticated', 'service_role']::name[]
            else array(select rolname from pg_roles where pg_roles.oid = any (polroles)) end as roles,
        pg_get_expr(polqual, polrelid) as shows, pg_get_expr(polwithcheck, polrelid) as checks
    from pg_policy
)"""
_SECRETS: LiteralString = (
    "'(^|_)(password|passwd|pwd|secret|api_key|token|jwt|otp|ssn|passport|tax_id|credit_card|card_number|cvv|iban"
    "|account_number|mac_address|imei|ssh_key|pgp_key|fingerprint)(_|$)'"
)


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        finds: A query whose rows, of one text each, name what breaks the rule.
        breaks: Statements after which it finds `culprit` as well.
    """

    name: str
    finds: LiteralString
    breaks: LiteralString
    culprit: str


RULES = [
    Rule(
        "unindexed_foreign_keys",
        f"""select conname from pg_constraint where contype = 'f' and connamespace in {OURS} and not exists (
                select from pg_index
                where indrelid = conrelid and indisvalid and indpred is null and indnkeyatts >= cardinality(conkey)
                    and (indkey::int2[])[0:cardinality(conkey) - 1] @> conkey)""",
        "create table public.visits (id uuid primary key, trip_id uuid constraint bad references public.trips (id))",
        "bad",
    ),
    Rule(
        "auth_users_exposed",
        f"""select distinct relname from pg_depend join pg_rewrite on pg_rewrite.oid = objid
            join pg_class on pg_class.oid = ev_class, {CLIENTS}
            where refobjid = 'auth.users'::regclass and relnamespace in {EXPOSED}
                and has_any_column_privilege(client, pg_class.oid, 'select')""",
        """create view public.bad with (security_invoker = true) as select id, email from auth.users;
           grant select on public.bad to authenticated""",
        "bad",
    ),
    Rule(
        "auth_rls_initplan",
        # Where a policy calls a function within a query of its own, Postgres prints SELECT before the call.
        f"""select polname from {_POLICIES} as policy, unnest(array[shows, checks]) as text
            where regexp_replace(
                text, 'SELECT +(auth|realtime)\\.\\w+\\(|SELECT +current_setting\\(', '', 'gi'
            ) ~* '(auth\\.\\w+|realtime\\.topic|current_setting) *\\('""",
        "create policy bad on public.trips for select to authenticated using (user_id = auth.uid())",
        "bad",
    ),
    Rule(
        "no_primary_key",
        f"""select relname from pg_class where relkind in ('r', 'p') and relnamespace in {OURS}
            and not exists (select from pg_index where indrelid = pg_class.oid and indisprimary)""",
        "create table private.bad (id uuid not null)",
        "bad",
    ),
    Rule(
        "multiple_permissive_policies",
        f"""select concat_ws(' ', polrelid::regclass, command, role) from {_POLICIES} as policy, unnest(roles) as role,
                unnest(case polcmd when '*' then array['r', 'a', 'w', 'd'] else array[polcmd::text] end) as command
            where polpermissive group by polrelid, command, role having count(*) > 1""",
        "create policy bad on public.tags for delete to authenticated using (name = '')",
        "public.tags d authenticated",
    ),
    Rule(
        "policy_exists_rls_disabled",
        """select relname from pg_class where not relrowsecurity
           and exists (select from pg_policy where polrelid = pg_class.oid)""",
        "alter table public.tags disable row level security",
        "tags",
    ),
    Rule(
        "rls_enabled_no_policy",
        f"""select relname from pg_class where relrowsecurity and relnamespace in {OURS}
            and not exists (select from pg_policy where polrelid = pg_class.oid)""",
        "create table public.bad (id uuid primary key); alter table public.bad enable row level security",
        "bad",
    ),
    Rule(
        "duplicate_index",
        f"""select indrelid::regclass || ' ' || string_agg(relname, ' ' order by relname) from pg_index
            join pg_class on pg_class.oid = indexrelid where relnamespace in {OURS}
            group by indrelid, relam, indkey::text, indclass::text, indoption::text, indcollation::text,
                pg_get_expr(indpred, indrelid), pg_get_expr(indexprs, indrelid)
            having count(*) > 1""",
        "create index bad on public.trips (status)",
        "public.trips bad idx_trips_status",
    ),
    Rule(
        "security_definer_view",
        f"""select relname from pg_class, {CLIENTS} where relkind = 'v' and relnamespace in {EXPOSED}
            and has_any_column_privilege(client, pg_class.oid, 'select, insert, update')
            and not coalesce(reloptions && array['security_invoker=true', 'security_invoker=on'], false)""",
        "create view public.bad as select title from public.trips; grant select on public.bad to authenticated",
        "bad",
    ),
    Rule(
        # A body that was parsed when the function was made means what it meant then.
        "function_search_path_mutable",
        f"""select oid::regprocedure::text from pg_proc where pronamespace in {OURS} and prosqlbody is null
            and not coalesce(array_to_string(proconfig, ' ') ~ '\\msearch_path=', false)""",
        "create function private.bad() returns integer language sql as 'select 1'",
        "private.bad()",
    ),
    Rule(
        "rls_disabled_in_public",
        f"""select relname from pg_class where relkind in ('r', 'p') and relnamespace in {EXPOSED}
            and not relrowsecurity""",
        "create table public.bad (id uuid primary key)",
        "bad",
    ),
    Rule(
        "extension_in_public",
        f"select extname from pg_extension where extnamespace in {EXPOSED}",
        "update pg_extension set extnamespace = 'public'::regnamespace where extname = 'plpgsql'",
        "plpgsql",
    ),
    Rule(
        # People choose their own metadata.
        "rls_references_user_metadata",
        f"select polname from {_POLICIES} as policy where concat(shows, checks) ~* 'user_meta_?data'",
        """create policy bad on public.trips for select to authenticated
           using ((select auth.jwt()) -> 'user_metadata' ->> 'role' = 'admin')""",
        "bad",
    ),
    Rule(
        "materialized_view_in_api",
        f"""select relname from pg_class, {CLIENTS} where relkind = 'm' and relnamespace in {EXPOSED}
            and has_any_column_privilege(client, pg_class.oid, 'select')""",
        """create materialized view public.bad as select title from public.trips;
           grant select on public.bad to authenticated""",
        "bad",
    ),
    Rule(
        "foreign_table_in_api",
        f"""select relname from pg_class, {CLIENTS} where relkind = 'f' and relnamespace in {EXPOSED}
            and has_any_column_privilege(client, pg_class.oid, 'select')""",
        """create foreign data wrapper elsewhere; create server elsewhere foreign data wrapper elsewhere;
           create foreign table public.bad (id uuid) server elsewhere; grant select on public.bad to anon""",
        "bad",
    ),
    Rule(
        # An upgrade of Postgres cannot take them along.
        "unsupported_reg_types",
        f"""select relname || '.' || attname from pg_attribute join pg_class on pg_class.oid = attrelid
            where relnamespace in {OURS} and attnum > 0 and not attisdropped and atttypid in (
                'regcollation'::regtype, 'regconfig'::regtype, 'regdictionary'::regtype, 'regnamespace'::regtype,
                'regoper'::regtype, 'regoperator'::regtype, 'regproc'::regtype, 'regprocedure'::regtype)""",
        "create table private.bad (id uuid primary key, language regconfig)",
        "bad.language",
    ),
    Rule(
        "insecure_queue_exposed_in_api",
        """select relname from pg_class where relkind in ('r', 'p') and not relrowsecurity
           and relnamespace = to_regnamespace('pgmq') and to_regnamespace('pgmq_public') is not null""",
        "create schema pgmq; create schema pgmq_public; create table pgmq.q_bad (id bigint primary key)",
        "q_bad",
    ),
    Rule(
        # Auth keeps the primary keys of its tables, and may drop any other key.
        "fkey_to_auth_unique",
        """select conname from pg_constraint where contype = 'f'
           and confrelid in (select oid from pg_class where relnamespace = 'auth'::regnamespace)
           and connamespace <> 'auth'::regnamespace
           and not exists (select from pg_index where indexrelid = conindid and indisprimary)""",
        """alter table auth.users add constraint users_phone_once unique (phone);
           create table private.calls (id uuid primary key, phone text constraint bad references auth.users (phone))""",
        "bad",
    ),
    Rule(
        "extension_versions_outdated",
        """select extname from pg_extension join pg_available_extensions on name = extname
           where extversion <> default_version""",
        "update pg_extension set extversion = '0.9' where extname = 'plpgsql'",
        "plpgsql",
    ),
    Rule(
        # Stricter than the linter's: what is called a secret is not for clients, whatever policies say of its row.
        "sensitive_columns_exposed",
        f"""select distinct relname || '.' || attname from pg_attribute join pg_class on pg_class.oid = attrelid,
                {CLIENTS}
            where relnamespace in {EXPOSED} and relkind in ('r', 'p', 'v', 'm', 'f') and attnum > 0 and not attisdropped
                and attname ~ {_SECRETS} and has_column_privilege(client, attrelid, attnum, 'select')""",
        "grant select (token_hash) on public.invitations to authenticated",
        "invitations.token_hash",
    ),
    Rule(
        "rls_policy_always_true",
        f"""select polname from {_POLICIES} as policy where polpermissive and polcmd <> 'r'
            and ('true' in (shows, checks) or '(1 = 1)' in (shows, checks))""",
        "create policy bad on public.tags for delete to authenticated using (true)",
        "bad",
    ),
    Rule(
        # A bucket that is public serves whom it is told the path; a broad policy would list all paths as well.
        "public_bucket_allows_listing",
        f"""select polname from {_POLICIES} as policy, storage.buckets where public
            and polrelid = 'storage.objects'::regclass and polpermissive and polcmd in ('r', '*')
            and shows in ('true', format('(bucket_id = %L::text)', buckets.id))""",
        """insert into storage.buckets (id, name, public) values ('avatars', 'avatars', true);
           create policy bad on storage.objects for select to authenticated using (bucket_id = 'avatars')""",
        "bad",
    ),
    Rule(
        "pg_graphql_anon_table_exposed",
        f"""select relname from pg_class where relkind in ('r', 'p', 'v', 'm', 'f') and relnamespace in {EXPOSED}
            and has_any_column_privilege('anon', oid, 'select')""",
        "grant select (name) on public.tags to anon",
        "tags",
    ),
    Rule(
        # Stricter than the linter's: no function at all, whoever's rights it has.
        "anon_security_definer_function_executable",
        f"""select oid::regprocedure::text from pg_proc where pronamespace in {EXPOSED}
            and has_function_privilege('anon', oid, 'execute')""",
        "create function public.bad() returns integer language sql set search_path = '' as 'select 1'",
        "public.bad()",
    ),
    Rule(
        "authenticated_security_definer_function_executable",
        f"""select oid::regprocedure::text from pg_proc where pronamespace in {EXPOSED} and prosecdef
            and has_function_privilege('authenticated', oid, 'execute')""",
        """create function public.bad() returns integer
               language sql security definer set search_path = '' as 'select 1';
           grant execute on function public.bad() to authenticated""",
        "public.bad()",
    ),
    Rule(
        # Stricter than the linter's, which minds such a test only where it lets everybody in.
        "rls_policy_null_auth_disjunct",
        f"""select polname from {_POLICIES} as policy
            where shows ~* '(auth\\.\\w+\\(\\)|current_setting\\([^()]*\\))( AS \\w+)?\\)* IS NULL'""",
        """create policy bad on public.tags for update to authenticated
           using ((select auth.uid()) is null or user_id = (select auth.uid()))""",
        "bad",
    ),
    Rule(
        "invalid_index",
        f"""select relname from pg_index join pg_class on pg_class.oid = indexrelid
            where relnamespace in {OURS} and not (indisvalid and indisready)""",
        """update pg_index set indisvalid = false where indexrelid = 'public.idx_trips_status'::regclass""",
        "idx_trips_status",
    ),
    Rule(
        "autovacuum_disabled",
        f"""select relname from pg_class where relnamespace in {OURS}
            and reloptions && array['autovacuum_enabled=false', 'autovacuum_enabled=off']""",
        "alter table public.votes set (autovacuum_enabled = false)",
        "votes",
    ),
]
