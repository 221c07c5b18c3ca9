SET local check_function_bodies = off;

DROP TRIGGER "broadcast_collaborators_membership" ON "public"."collaborators";

CREATE OR REPLACE FUNCTION private.broadcast_address()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    before constant text := case when old.email_confirmed_at is not null then lower(old.email) end;
    after constant text := case when new.email_confirmed_at is not null then lower(new.email) end;
    invitation public.invitations;
begin
    for invitation in
        select * from public.invitations where email in (before, after) and before is distinct from after
        order by status = 'pending' desc, created_at desc limit 100
    loop
        perform private.broadcast_change(
            'user', case when invitation.email = before then new.id::text end,
            case when invitation.email = after then new.id::text end,
            'id', '{}', 'public', 'invitations', to_jsonb(invitation) - 'token_hash', to_jsonb(invitation) - 'token_hash'
        );
    end loop;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.broadcast_change (
  scope         text,
  before        text,
  after         text,
  key           text,
  shown         text[],
  source_schema name,
  source        name,
  new_row       jsonb,
  old_row       jsonb
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    gone jsonb;
begin
    if cardinality(shown) > 0 then
        new_row := (
            select jsonb_object_agg(name, value) from jsonb_each(new_row) as part (name, value) where name = any (shown)
        );
        old_row := (
            select jsonb_object_agg(name, value) from jsonb_each(old_row) as part (name, value) where name = any (shown)
        );
    end if;
    if before = after then
        perform private.broadcast(scope || ':' || after, 'UPDATE', source_schema, source, new_row, old_row);
        return;
    end if;
    if before is not null then
        gone := (
            select jsonb_object_agg(name, old_row -> name) from unnest(string_to_array(key, ',')) as part (name)
        );
        perform private.broadcast(scope || ':' || before, 'DELETE', source_schema, source, null, gone);
    end if;
    if after is not null then
        perform private.broadcast(scope || ':' || after, 'INSERT', source_schema, source, new_row, null);
    end if;
end
$function$;

CREATE OR REPLACE FUNCTION private.broadcast_invitation()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    before constant uuid[] := array(select private.people_at(old.email));
    after constant uuid[] := array(select private.people_at(new.email));
    person uuid;
begin
    for person in select distinct unnest(before || after) loop
        perform private.broadcast_change(
            'user', case when person = any (before) then person::text end, case when person = any (after) then person::text end,
            'id', '{}', tg_table_schema, tg_table_name, to_jsonb(new) - 'token_hash', to_jsonb(old) - 'token_hash'
        );
    end loop;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.people_at (
  address text
)
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        select users.id from auth.users
        where users.email = address and users.is_sso_user = false and users.email_confirmed_at is not null
        union
        select users.id from auth.users
        where users.instance_id = '00000000-0000-0000-0000-000000000000' and lower(users.email) = address
            and users.email_confirmed_at is not null;
end
$function$;

CREATE TRIGGER broadcast_users_address
  AFTER UPDATE OF email, email_confirmed_at ON auth.users
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_address();

CREATE TRIGGER broadcast_collaborators_membership
  AFTER INSERT OR DELETE OR UPDATE ON public.collaborators
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_by_user_id('id,trip_id');

REVOKE ALL ON FUNCTION "private"."broadcast_address"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."people_at"(text) FROM PUBLIC;
