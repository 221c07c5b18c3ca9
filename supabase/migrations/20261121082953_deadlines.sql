SET local check_function_bodies = off;

CREATE SCHEMA "requests";

CREATE OR REPLACE FUNCTION requests.keep_deadline()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
    asked constant text := nullif(current_setting('request.headers', true), '')::json ->> 'x-deadline-ms';
    allowed constant interval := current_setting('statement_timeout')::interval;
begin
    if asked ~ '^[1-9][0-9]{0,8}$'
        and (allowed = interval '0' or asked::integer * interval '1 millisecond' < allowed)
    then
        perform set_config('statement_timeout', asked, true);
    end if;
end
$function$;

COMMENT ON FUNCTION "requests"."keep_deadline"() IS 'Ends the request''s statement after as many milliseconds as its header X-Deadline-Ms says, where that is less than its role may take.';

COMMENT ON SCHEMA "requests" IS 'What PostgREST calls as a request begins; never exposed by the API.';

REVOKE ALL ON FUNCTION "requests"."keep_deadline"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "requests"."keep_deadline"() TO "anon", "authenticated", "service_role";

GRANT USAGE ON SCHEMA "requests" TO "anon", "authenticated", "service_role";


-- Written by hand: the differ compares databases, and this belongs to a role.
ALTER ROLE "authenticator" SET "pgrst.db_pre_request" TO 'requests.keep_deadline';

NOTIFY pgrst, 'reload config';
