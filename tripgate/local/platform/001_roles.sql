-- The roles of a Supabase project. Runs as superuser `supabase_admin` on an empty database `postgres`; passwords are set
-- afterwards, by whoever starts the servers.
--
-- Left out of this stand-in, because no plain Postgres ships them: pgcrypto, uuid-ossp, pg_graphql, supautils and
-- safeupdate.

-- Whom the Data API acts as.
create role anon nologin;
create role authenticated nologin;
create role service_role nologin bypassrls;

-- How the Data API connects: it holds no rights of its own and becomes one of the three for each request.
create role authenticator login noinherit;
grant anon, authenticated, service_role to authenticator;

-- Who owns the services' tables.
create role supabase_auth_admin login noinherit createrole;
create role supabase_storage_admin login noinherit createrole;
create role supabase_realtime_admin login noinherit createrole replication;
grant authenticator to supabase_storage_admin;
grant anon, authenticated, service_role to supabase_realtime_admin;

-- The developer's role: it runs migrations and owns the project's tables, and is no superuser.
create role postgres login createrole createdb replication bypassrls;
grant anon, authenticated, service_role, authenticator to postgres with admin option;
grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres;

-- The platform lets `postgres` write policies on tables that Storage and Realtime own through an extension; membership in
-- the owners comes to the same.
grant supabase_storage_admin, supabase_realtime_admin to postgres;

-- And so with the settings of PostgREST that are kept with its role. The platform allows `pgrst.*`; Postgres grants by
-- name alone, so these are the names that PostgREST 12 to 16 reads from its role, and the older ones of four of them.
grant set on parameter
    pgrst.client_error_verbosity,
    pgrst.db_aggregates_enabled,
    pgrst.db_anon_role,
    pgrst.db_extra_search_path,
    pgrst.db_hoisted_tx_settings,
    pgrst.db_max_rows,
    pgrst.db_plan_enabled,
    pgrst.db_pre_config,
    pgrst.db_pre_request,
    pgrst.db_prepared_statements,
    pgrst.db_root_spec,
    pgrst.db_schema,
    pgrst.db_schemas,
    pgrst.db_timezone_enabled,
    pgrst.db_tx_end,
    pgrst.jwt_aud,
    pgrst.jwt_cache_max_entries,
    pgrst.jwt_cache_max_lifetime,
    pgrst.jwt_role_claim_key,
    pgrst.jwt_secret,
    pgrst.jwt_secret_is_base64,
    pgrst.log_level,
    pgrst.max_rows,
    pgrst.openapi_mode,
    pgrst.openapi_security_active,
    pgrst.openapi_server_proxy_uri,
    pgrst.pre_request,
    pgrst.raw_media_types,
    pgrst.root_spec,
    pgrst.server_cors_allowed_origins,
    pgrst.server_timing_enabled,
    pgrst.server_trace_header
to postgres;

-- Owning the database makes `postgres` the owner of schema public too (pg_database_owner).
alter database postgres owner to postgres;
grant create on database postgres to supabase_realtime_admin;

alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';
alter role supabase_auth_admin set idle_in_transaction_session_timeout = '60s';

alter role supabase_admin set search_path = "$user", public, auth, extensions;
alter role postgres set search_path = "$user", public, extensions;
alter role supabase_auth_admin set search_path = auth;
alter role supabase_storage_admin set search_path = storage;
alter role supabase_realtime_admin set search_path = public, extensions, realtime;

alter database postgres set timezone = 'UTC';
