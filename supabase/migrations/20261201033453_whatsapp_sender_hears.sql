SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.tell_whatsapp_sender()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.broadcast_change(
        'user', nullif(old.sender_id, old.user_id)::text, nullif(new.sender_id, new.user_id)::text, 'id', '{}',
        tg_table_schema, tg_table_name, to_jsonb(new) - 'wamid', to_jsonb(old) - 'wamid'
    );
    return null;
end
$function$;

CREATE TRIGGER tell_whatsapp_sender
  AFTER INSERT OR DELETE OR UPDATE ON public.whatsapp_messages
  FOR EACH ROW
  EXECUTE FUNCTION private.tell_whatsapp_sender();

REVOKE ALL ON FUNCTION "private"."tell_whatsapp_sender"() FROM PUBLIC;
