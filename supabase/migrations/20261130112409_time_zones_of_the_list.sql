SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.check_timezone()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
    if not exists (
        select from pg_timezone_names
        -- What systems add to the list of the IANA.
        where name = new.timezone and name !~ '^(posix|right)/' and name not in ('Factory', 'localtime', 'posixrules')
    ) then
        raise check_violation using
            schema = 'public', table = 'user_preferences', constraint = 'user_preferences_timezone_check',
            message = 'new row for relation "user_preferences" violates check constraint "user_preferences_timezone_check"',
            hint = 'Take a name of the IANA list as it is written there, such as Europe/Lisbon.';
    end if;
    return new;
end
$function$;

CREATE TRIGGER check_user_preferences_timezone_of_new
  BEFORE INSERT ON public.user_preferences
  FOR EACH ROW
  WHEN ((new.timezone <> 'UTC'::text))
  EXECUTE FUNCTION private.check_timezone();

CREATE TRIGGER check_user_preferences_timezone
  BEFORE UPDATE OF timezone ON public.user_preferences
  FOR EACH ROW
  WHEN ((new.timezone IS DISTINCT FROM old.timezone))
  EXECUTE FUNCTION private.check_timezone();

REVOKE ALL ON FUNCTION "private"."check_timezone"() FROM PUBLIC;
