SET local check_function_bodies = off;

DROP TRIGGER "broadcast_collaborators_changes" ON "public"."collaborators";

DROP TRIGGER "broadcast_collection_members_changes" ON "public"."collection_members";

CREATE OR REPLACE FUNCTION private.broadcast_collection()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    -- Whom it lets in only now is not told what it was before.
    perform private.broadcast_change(
        'collection', old.id::text, new.id::text, tg_argv[0], tg_argv[1:],
        tg_table_schema, tg_table_name, to_jsonb(new),
        case when old.user_id = new.user_id then to_jsonb(old) else jsonb_build_object('id', old.id, 'user_id', old.user_id) end
    );
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.broadcast_collection_of_collection_members()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    -- What goes with its collection is not told.
    if tg_op = 'DELETE'
        and not exists (select from public.collections where id = old.collection_id)
    then
        return null;
    end if;
    -- Whom it lets in only now is not told what it was before.
    perform private.broadcast_change(
        'collection', old.collection_id::text, new.collection_id::text, tg_argv[0], tg_argv[1:],
        tg_table_schema, tg_table_name, to_jsonb(new),
        case when old.user_id = new.user_id then to_jsonb(old) else jsonb_build_object('id', old.id, 'user_id', old.user_id) end
    );
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.broadcast_trip()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    -- Whom it lets in only now is not told what it was before.
    perform private.broadcast_change(
        'trip', old.id::text, new.id::text, tg_argv[0], tg_argv[1:],
        tg_table_schema, tg_table_name, to_jsonb(new),
        case when old.user_id = new.user_id then to_jsonb(old) else jsonb_build_object('id', old.id, 'user_id', old.user_id) end
    );
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.broadcast_trip_of_collaborators()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    -- What goes with its trip is not told.
    if tg_op = 'DELETE'
        and not exists (select from public.trips where id = old.trip_id)
    then
        return null;
    end if;
    -- Whom it lets in only now is not told what it was before.
    perform private.broadcast_change(
        'trip', old.trip_id::text, new.trip_id::text, tg_argv[0], tg_argv[1:],
        tg_table_schema, tg_table_name, to_jsonb(new),
        case when old.user_id = new.user_id then to_jsonb(old) else jsonb_build_object('id', old.id, 'user_id', old.user_id) end
    );
    return null;
end
$function$;

CREATE TRIGGER broadcast_collaborators_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.collaborators
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_trip_of_collaborators('id');

CREATE TRIGGER broadcast_collection_members_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.collection_members
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_collection_of_collection_members('id');

REVOKE ALL ON FUNCTION "private"."broadcast_collection_of_collection_members"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."broadcast_trip_of_collaborators"() FROM PUBLIC;
