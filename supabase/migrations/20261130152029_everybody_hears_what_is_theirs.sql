SET local check_function_bodies = off;

DROP TRIGGER "broadcast_collaborators_membership" ON "public"."collaborators";

DROP TRIGGER "broadcast_invitations_changes" ON "public"."invitations";

CREATE OR REPLACE FUNCTION private.broadcast_invitation()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    invited uuid := (
        select users.id from auth.users
        where users.email = coalesce(new.email, old.email) and users.email_confirmed_at is not null
    );
begin
    if invited is not null then
        perform private.broadcast(
            'user:' || invited, tg_op, tg_table_schema, tg_table_name, to_jsonb(new) - 'token_hash',
            case when tg_op = 'DELETE' then jsonb_build_object('id', old.id) end
        );
    end if;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.broadcast_user()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.broadcast_change(
        'user', old.id::text, new.id::text, tg_argv[0], tg_argv[1:],
        tg_table_schema, tg_table_name, to_jsonb(new), to_jsonb(old)
    );
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.broadcast_user_by_invited_by()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.broadcast_change(
        'user', old.invited_by::text, new.invited_by::text, tg_argv[0], tg_argv[1:],
        tg_table_schema, tg_table_name, to_jsonb(new), to_jsonb(old)
    );
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.tell_trip_of_places()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.broadcast(
        'trip:' || seen_in, 'UPDATE', tg_table_schema, tg_table_name, null,
        jsonb_build_object('id', new.id)
    ) from (
        select distinct trip_id from public.trip_items where place_id = new.id
    ) as seen (seen_in);
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.tell_trip_of_profiles()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.broadcast(
        'trip:' || seen_in, 'UPDATE', tg_table_schema, tg_table_name, null,
        jsonb_build_object('id', new.id)
    ) from (
        select distinct id from public.trips where user_id = new.id
        union
        select distinct trip_id from public.collaborators where user_id = new.id
    ) as seen (seen_in);
    return null;
end
$function$;

CREATE TRIGGER broadcast_collaborators_membership
  AFTER INSERT OR DELETE OR UPDATE ON public.collaborators
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_by_user_id('id');

CREATE TRIGGER broadcast_collection_places_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.collection_places
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_by_user_id('id');

CREATE TRIGGER broadcast_collections_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.collections
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_by_user_id('id');

CREATE TRIGGER broadcast_invitations_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.invitations
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_by_invited_by('id', 'id', 'trip_id', 'email', 'role', 'status', 'invited_by', 'expires_at', 'accepted_at', 'created_at', 'updated_at');

CREATE TRIGGER broadcast_invitations_to_invited
  AFTER INSERT OR DELETE OR UPDATE ON public.invitations
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_invitation();

CREATE TRIGGER broadcast_place_tags_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.place_tags
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_by_user_id('id');

CREATE TRIGGER broadcast_places_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.places
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_by_user_id('id');

CREATE TRIGGER tell_trip_of_places
  AFTER UPDATE ON public.places
  FOR EACH ROW
  WHEN ((old.* IS DISTINCT FROM new.*))
  EXECUTE FUNCTION private.tell_trip_of_places();

CREATE TRIGGER broadcast_profiles_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.profiles
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user('id');

CREATE TRIGGER tell_trip_of_profiles
  AFTER UPDATE ON public.profiles
  FOR EACH ROW
  WHEN ((old.* IS DISTINCT FROM new.*))
  EXECUTE FUNCTION private.tell_trip_of_profiles();

CREATE TRIGGER broadcast_saved_places_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.saved_places
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_by_user_id('id');

CREATE TRIGGER broadcast_tags_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.tags
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_by_user_id('id');

CREATE TRIGGER broadcast_trips_ownership
  AFTER INSERT OR DELETE OR UPDATE OF user_id ON public.trips
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_by_user_id('id');

CREATE TRIGGER broadcast_user_preferences_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.user_preferences
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_by_user_id('id');

REVOKE ALL ON FUNCTION "private"."broadcast_user"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."broadcast_user_by_invited_by"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."tell_trip_of_places"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."tell_trip_of_profiles"() FROM PUBLIC;
