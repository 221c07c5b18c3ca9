SET local check_function_bodies = off;

CREATE EXTENSION IF NOT EXISTS "pg_cron";

CREATE EXTENSION IF NOT EXISTS "pg_net" SCHEMA "extensions";

CREATE OR REPLACE FUNCTION private.invoke_function (
  name text,
  body jsonb DEFAULT '{}'::jsonb
)
  RETURNS bigint
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    secrets constant jsonb := (
        select jsonb_object_agg(secret.name, btrim(secret.decrypted_secret, e' \t\r\n'))
        from vault.decrypted_secrets as secret
        where secret.name in ('project_url', 'cron_secret') and secret.decrypted_secret ~ '\S'
    );
    missing constant text := (
        select string_agg(each, ' and ') from unnest(array['project_url', 'cron_secret']) as each
        where not coalesce(secrets ? each, false)
    );
begin
    if missing is not null then
        raise exception using
            errcode = 'object_not_in_prerequisite_state',
            message = format('Vault lacks %s, without which no Edge Function can be called', missing),
            hint = 'Create it with vault.create_secret: docs/deploy.md says which value it has.';
    elsif name is null or name !~ '^[A-Za-z][A-Za-z0-9_-]*$' then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = format('%L cannot be the name of an Edge Function', name);
    end if;
    return net.http_post(
        url => rtrim(secrets ->> 'project_url', '/') || '/functions/v1/' || name,
        body => body,
        headers => jsonb_build_object('Content-Type', 'application/json', 'x-cron-secret', secrets ->> 'cron_secret'),
        timeout_milliseconds => 5000
    );
end
$function$;

COMMENT ON FUNCTION "private"."invoke_function"(text, jsonb) IS 'Calls an Edge Function when the transaction commits; the id finds the answer in net._http_response.';

REVOKE ALL ON FUNCTION "private"."invoke_function"(text, jsonb) FROM PUBLIC;
