SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.check_ai_person()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.refuse('BAD_USER_INPUT', 'A run and what is said in it stay with who asked.', '{"field": "user_id"}');
    return null;
end
$function$;

CREATE TRIGGER check_ai_messages_person
  BEFORE UPDATE OF user_id, run_id ON public.ai_messages
  FOR EACH ROW
  WHEN (((new.user_id IS DISTINCT FROM old.user_id) OR (new.run_id IS DISTINCT FROM old.run_id)))
  EXECUTE FUNCTION private.check_ai_person();

CREATE TRIGGER check_ai_runs_person
  BEFORE UPDATE OF user_id ON public.ai_runs
  FOR EACH ROW
  WHEN ((new.user_id IS DISTINCT FROM old.user_id))
  EXECUTE FUNCTION private.check_ai_person();

COMMENT ON FUNCTION "private"."check_ai_person"() IS 'Lets no run, and nothing that is said in one, be of somebody else.';

REVOKE ALL ON FUNCTION "private"."check_ai_person"() FROM PUBLIC;
