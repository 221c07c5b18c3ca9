-- Schemas, and who may look into them. Tables say for themselves who may use them: in a new project nothing in schema
-- public is granted to the API's roles by default, neither tables nor sequences.

grant usage on schema public to anon, authenticated, service_role;

create schema extensions authorization postgres;
grant usage on schema extensions to anon, authenticated, service_role;

-- Unexposed: the Data API never serves it.
create schema private authorization postgres;

create schema auth authorization supabase_admin;
grant all on schema auth to supabase_auth_admin;
grant usage on schema auth to postgres, anon, authenticated, service_role;

create schema storage authorization supabase_admin;
grant all on schema storage to supabase_storage_admin with grant option;
grant usage on schema storage to postgres with grant option;
grant usage on schema storage to anon, authenticated, service_role;

create schema realtime authorization supabase_admin;
grant all on schema realtime to supabase_realtime_admin with grant option;
grant usage on schema realtime to postgres with grant option;
grant usage on schema realtime to anon, authenticated, service_role;

-- Realtime policies and broadcasts ask who is calling.
grant usage on schema auth to supabase_realtime_admin, supabase_storage_admin;
