-- Vault, which every project of the platform has from the first day: extensions/supabase_vault--0.3.1.sql.

create schema vault authorization supabase_admin;
grant usage on schema vault to postgres with grant option;
grant usage on schema vault to service_role;
create extension supabase_vault with schema vault;
