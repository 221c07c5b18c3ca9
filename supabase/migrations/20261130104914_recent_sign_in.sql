SET local check_function_bodies = off;

DROP FUNCTION "public"."delete_my_account"();

CREATE OR REPLACE FUNCTION public.delete_my_account()
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    me constant uuid := auth.uid();
    methods constant jsonb := auth.jwt() -> 'amr';
    proof text := 'otp';
begin
    if exists (select from auth.users where users.id = me and users.encrypted_password <> '') then
        proof := 'password';
    end if;
    if not exists (
        select from jsonb_array_elements(case jsonb_typeof(methods) when 'array' then methods else '[]' end) as entry
        where entry ->> 'method' = proof
            and case jsonb_typeof(entry -> 'timestamp')
                when 'number' then to_timestamp((entry ->> 'timestamp')::double precision) > now() - interval '5 minutes'
            end
    ) then
        raise sqlstate 'PT403' using
            message = 'this takes a sign-in of the last five minutes',
            hint = 'Sign in again: with the password, or with a mailed code where there is none.';
    end if;
    delete from auth.users where users.id = me;
end
$function$;

REVOKE ALL ON FUNCTION "public"."delete_my_account"() FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION requests.begin_request()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
    perform requests.keep_deadline();
    perform requests.check_account();
end
$function$;

CREATE OR REPLACE FUNCTION requests.check_account()
  RETURNS void
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    me constant uuid := auth.uid();
begin
    if me is not null and current_setting('request.method', true) not in ('GET', 'HEAD')
        and not exists (select from auth.users where users.id = me and users.deleted_at is null)
    then
        raise sqlstate 'PT401' using message = 'this account does not exist any more';
    end if;
end
$function$;

COMMENT ON FUNCTION "public"."delete_my_account"() IS 'Deletes the caller''s account and all that belongs to it. Takes the token of a sign-in of the last five minutes: with the password, or with a mailed code or link where the account has no password.';

COMMENT ON FUNCTION "requests"."begin_request"() IS 'What PostgREST calls before each request: keeps its deadline, and refuses writes of accounts that are gone.';

COMMENT ON FUNCTION "requests"."check_account"() IS 'Refuses writes under the token of an account that does not exist any more.';

GRANT EXECUTE ON FUNCTION "public"."delete_my_account"() TO "authenticated";

REVOKE ALL ON FUNCTION "requests"."begin_request"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "requests"."begin_request"() TO "anon", "authenticated", "service_role";

REVOKE ALL ON FUNCTION "requests"."check_account"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "requests"."check_account"() TO "anon", "authenticated", "service_role";

-- The setting by which PostgREST calls it; `tripgate migration` compares no roles.
ALTER ROLE "authenticator" SET "pgrst.db_pre_request" TO 'requests.begin_request';

NOTIFY pgrst, 'reload config';
