SET local check_function_bodies = off;

DROP TRIGGER "broadcast_invitations_changes" ON "public"."invitations";

DROP FUNCTION "private"."broadcast_user_by_invited_by"();

CREATE OR REPLACE FUNCTION private.broadcast_user_of_invitations()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    -- What goes with what it belongs to is not told: nothing is left that knows where.
    perform private.broadcast_change(
        'user', (select user_id from public.trips where id = old.trip_id)::text, (select user_id from public.trips where id = new.trip_id)::text, tg_argv[0], tg_argv[1:],
        tg_table_schema, tg_table_name, to_jsonb(new), to_jsonb(old)
    );
    return null;
end
$function$;

CREATE TRIGGER broadcast_invitations_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.invitations
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_of_invitations('id', 'id', 'trip_id', 'email', 'role', 'status', 'invited_by', 'expires_at', 'accepted_at', 'created_at', 'updated_at');

REVOKE ALL ON FUNCTION "private"."broadcast_user_of_invitations"() FROM PUBLIC;
