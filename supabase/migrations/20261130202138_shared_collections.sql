SET local check_function_bodies = off;

REVOKE ALL ON FUNCTION "private"."my_trip_place_ids"() FROM "authenticated";

DROP POLICY "People can put places they can see into their collections" ON "public"."collection_places";

DROP POLICY "People can take places out of their collections" ON "public"."collection_places";

DROP POLICY "People can update what is in their collections" ON "public"."collection_places";

DROP POLICY "People can view what is in their collections" ON "public"."collection_places";

DROP POLICY "People can view their own collections" ON "public"."collections";

DROP POLICY "People can view their own places and those on their trips" ON "public"."places";

DROP POLICY "People can view themselves and those they travel with" ON "public"."profiles";

DROP TRIGGER "refuse_owner_as_collaborator" ON "public"."collaborators";

DROP TRIGGER "broadcast_collection_places_changes" ON "public"."collection_places";

DROP TRIGGER "broadcast_collections_changes" ON "public"."collections";

DROP FUNCTION "private"."refuse_owner_as_collaborator"();

CREATE TABLE "public"."collection_members" (
  "id"            uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "collection_id" uuid                     NOT NULL,
  "user_id"       uuid                     NOT NULL,
  "role"          text                     NOT NULL DEFAULT 'viewer'::text,
  "created_at"    timestamp with time zone NOT NULL DEFAULT now(),
  "updated_at"    timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "collection_members_collection_id_user_id_key" UNIQUE (collection_id, user_id),
  CONSTRAINT "collection_members_pkey" PRIMARY KEY (id),
  CONSTRAINT "collection_members_role_check" CHECK ((role = ANY (ARRAY['viewer'::text, 'editor'::text])))
);

ALTER TABLE "public"."collection_members"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."collection_members" FROM "anon";

CREATE OR REPLACE FUNCTION private.broadcast_collection()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.broadcast_change(
        'collection', old.id::text, new.id::text, tg_argv[0], tg_argv[1:],
        tg_table_schema, tg_table_name, to_jsonb(new), to_jsonb(old)
    );
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.broadcast_collection_by_collection_id()
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
    perform private.broadcast_change(
        'collection', old.collection_id::text, new.collection_id::text, tg_argv[0], tg_argv[1:],
        tg_table_schema, tg_table_name, to_jsonb(new), to_jsonb(old)
    );
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.my_collection_companion_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        select distinct people.user_id from private.collection_people as people
        where people.collection_id = any (array(select private.my_collection_ids()))
        order by 1;
end
$function$;

CREATE OR REPLACE FUNCTION private.my_collection_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        select people.collection_id from private.collection_people as people
        where people.user_id = (select auth.uid())
        order by 1;
end
$function$;

CREATE OR REPLACE FUNCTION private.my_collection_place_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        select distinct entries.place_id from public.collection_places as entries
        join public.places on places.id = entries.place_id and places.user_id = entries.user_id
        where entries.collection_id = any (array(select private.my_collection_ids()))
            and entries.user_id <> (select auth.uid())
        order by 1;
end
$function$;

CREATE OR REPLACE FUNCTION private.my_companion_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        select private.my_trip_companion_ids()
        union
        select private.my_collection_companion_ids()
        order by 1;
end
$function$;

CREATE OR REPLACE FUNCTION private.my_editable_collection_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        select people.collection_id from private.collection_people as people
        where people.user_id = (select auth.uid()) and people.may_edit
        order by 1;
end
$function$;

CREATE OR REPLACE FUNCTION private.my_own_collection_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        select people.collection_id from private.collection_people as people
        where people.user_id = (select auth.uid()) and people.is_owner
        order by 1;
end
$function$;

CREATE OR REPLACE FUNCTION private.my_place_ids_by_words (
  words text
)
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    -- What is typed means what it means to `filter: { search }`, `or`, `-` and "…" too, but that each word also stands for
    -- those that begin with it. In the text of a query every word is quoted, so no text is taken for an operator.
    wanted constant tsquery := regexp_replace(
        websearch_to_tsquery('simple', words)::text, '''(?:[^'']|'''')*''', '\&:*', 'g'
    );
begin
    return query
        select places.id from public.places
        where (
                places.user_id = (select auth.uid())
                or places.id = any (array(select private.my_shown_place_ids()))
            )
            and to_tsvector('simple', places.name || ' ' || coalesce(places.city, '') || ' ' || coalesce(places.address, '') || ' ' || coalesce(places.notes, ''))
                @@ wanted;
end
$function$;

CREATE OR REPLACE FUNCTION private.my_shared_collection_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        select people.collection_id from private.collection_people as people
        where people.user_id = (select auth.uid()) and not people.is_owner
        order by 1;
end
$function$;

CREATE OR REPLACE FUNCTION private.my_shown_place_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        select private.my_trip_place_ids()
        union
        select private.my_collection_place_ids()
        order by 1;
end
$function$;

CREATE OR REPLACE FUNCTION private.my_topics()
  RETURNS SETOF text
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        select 'user:' || auth.uid()
        union all
        select 'trip:' || key from private.my_trip_ids() as key
        union all
        select 'collection:' || key from private.my_collection_ids() as key;
end
$function$;

CREATE OR REPLACE FUNCTION private.my_trip_companion_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        -- Of the caller's own trips the owner is known.
        select people.user_id from private.trip_people as people
        join private.trip_people as joined on joined.trip_id = people.trip_id
        where joined.user_id = (select auth.uid()) and not joined.is_owner and people.is_owner
        union
        select people.user_id from private.trip_people as people
        where people.trip_id = any (array(select private.my_trip_ids())) and not people.is_owner
        order by 1;
end
$function$;

CREATE OR REPLACE FUNCTION private.refuse_owner_as_member()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    owned boolean;
begin
    execute format(
        'select exists (select from public.%I as shared where shared.id = ($1).%I and shared.user_id = ($1).user_id)',
        tg_argv[0], tg_argv[1]
    ) into owned using new;
    if owned then
        raise check_violation using
            message = format(
                'new row for relation "%1$s" violates check constraint "%1$s_user_id_check"', tg_table_name
            ),
            hint = format('The owner of a %s takes part in it already.', rtrim(tg_argv[0], 's')),
            schema = 'public', table = tg_table_name, constraint = tg_table_name || '_user_id_check';
    end if;
    return new;
end
$function$;

CREATE OR REPLACE FUNCTION private.tell_collection_of_places()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.broadcast(
        'collection:' || seen_in, 'UPDATE', tg_table_schema, tg_table_name, null,
        jsonb_build_object('id', new.id)
    ) from (
        select distinct collection_id from public.collection_places where place_id = new.id
    ) as seen (seen_in);
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.tell_collection_of_profiles()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.broadcast(
        'collection:' || seen_in, 'UPDATE', tg_table_schema, tg_table_name, null,
        jsonb_build_object('id', new.id)
    ) from (
        select distinct id from public.collections where user_id = new.id
        union
        select distinct collection_id from public.collection_members where user_id = new.id
    ) as seen (seen_in);
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION public.collection_members_by_ids (
  ids uuid[]
)
  RETURNS SETOF public.collection_members
  LANGUAGE sql
  STABLE
  AS $function$
    select * from public.collection_members where id = any (ids)
$function$;

REVOKE ALL ON FUNCTION "public"."collection_members_by_ids"(uuid[]) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.whole_collection_members (
  public .collection_members
)
  RETURNS SETOF public.collection_members
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select ($1).*
$function$;

REVOKE ALL ON FUNCTION "public"."whole_collection_members"(public.collection_members) FROM PUBLIC, "anon", "service_role";

ALTER TABLE "public"."collection_members"
  ADD CONSTRAINT "fk_collection_members_collection_id" FOREIGN KEY (collection_id) REFERENCES public.collections(id) ON DELETE CASCADE;

ALTER TABLE "public"."collection_members"
  ADD CONSTRAINT "fk_collection_members_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

CREATE VIEW "private"."collection_people" WITH (security_invoker=true) AS  SELECT collections.id AS collection_id,
    collections.user_id,
    true AS is_owner,
    true AS may_edit
   FROM public.collections
UNION ALL
 SELECT members.collection_id,
    members.user_id,
    false AS is_owner,
    (members.role = 'editor'::text) AS may_edit
   FROM public.collection_members members;

CREATE INDEX idx_collection_members_user_id_collection_id ON public.collection_members USING btree (user_id, collection_id);

CREATE TRIGGER refuse_owner_as_collaborator
  BEFORE INSERT OR UPDATE OF trip_id, user_id ON public.collaborators
  FOR EACH ROW
  EXECUTE FUNCTION private.refuse_owner_as_member('trips', 'trip_id');

CREATE TRIGGER broadcast_collection_members_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.collection_members
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_collection_by_collection_id('id');

CREATE TRIGGER broadcast_collection_members_membership
  AFTER INSERT OR DELETE OR UPDATE ON public.collection_members
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_by_user_id('id,collection_id');

CREATE TRIGGER expect_collection_members_deletes
  AFTER DELETE ON public.collection_members REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

CREATE TRIGGER expect_collection_members_updates
  AFTER UPDATE ON public.collection_members REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.expect_rows();

CREATE TRIGGER refuse_owner_as_collection_member
  BEFORE INSERT OR UPDATE OF collection_id, user_id ON public.collection_members
  FOR EACH ROW
  EXECUTE FUNCTION private.refuse_owner_as_member('collections', 'collection_id');

CREATE TRIGGER set_collection_members_updated_at
  BEFORE UPDATE ON public.collection_members
  FOR EACH ROW
  EXECUTE FUNCTION private.set_updated_at();

CREATE TRIGGER broadcast_collection_places_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.collection_places
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_collection_by_collection_id('id');

CREATE TRIGGER broadcast_collections_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.collections
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_collection('id');

CREATE TRIGGER broadcast_collections_ownership
  AFTER INSERT OR DELETE OR UPDATE OF user_id ON public.collections
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_user_by_user_id('id');

CREATE TRIGGER tell_collection_of_places
  AFTER UPDATE ON public.places
  FOR EACH ROW
  WHEN ((old.* IS DISTINCT FROM new.*))
  EXECUTE FUNCTION private.tell_collection_of_places();

CREATE TRIGGER tell_collection_of_profiles
  AFTER UPDATE ON public.profiles
  FOR EACH ROW
  WHEN ((old.* IS DISTINCT FROM new.*))
  EXECUTE FUNCTION private.tell_collection_of_profiles();

CREATE POLICY "Owners can change the roles in their collections" ON "public"."collection_members"
  FOR UPDATE
  TO "authenticated"
  USING ((collection_id = ANY (ARRAY( SELECT private.my_own_collection_ids() AS my_own_collection_ids))))
  WITH CHECK ((collection_id = ANY (ARRAY( SELECT private.my_own_collection_ids() AS my_own_collection_ids))));

CREATE POLICY "Owners can remove members of collections and they can leave" ON "public"."collection_members"
  FOR DELETE
  TO "authenticated"
  USING (((user_id = ( SELECT auth.uid() AS uid)) OR (collection_id = ANY (ARRAY( SELECT private.my_own_collection_ids() AS my_own_collection_ids)))));

CREATE POLICY "People can view with whom they share collections" ON "public"."collection_members"
  FOR SELECT
  TO "authenticated"
  USING ((collection_id = ANY (ARRAY( SELECT private.my_collection_ids() AS my_collection_ids))));

CREATE POLICY "People can put places they see into collections they may change" ON "public"."collection_places"
  FOR INSERT
  TO "authenticated"
  WITH
    CHECK
    (((user_id = ( SELECT auth.uid() AS uid)) AND (collection_id = ANY (ARRAY( SELECT private.my_editable_collection_ids() AS my_editable_collection_ids))) AND (EXISTS ( SELECT
   FROM public.places
  WHERE (places.id = collection_places.place_id)))));

CREATE POLICY "People can take places out of collections they may change" ON "public"."collection_places"
  FOR DELETE
  TO "authenticated"
  USING ((collection_id = ANY (ARRAY( SELECT private.my_editable_collection_ids() AS my_editable_collection_ids))));

CREATE POLICY "People can update what is in collections they may change" ON "public"."collection_places"
  FOR UPDATE
  TO "authenticated"
  USING ((collection_id = ANY (ARRAY( SELECT private.my_editable_collection_ids() AS my_editable_collection_ids))))
  WITH CHECK ((collection_id = ANY (ARRAY( SELECT private.my_editable_collection_ids() AS my_editable_collection_ids))));

CREATE POLICY "People can view what is in the collections they share" ON "public"."collection_places"
  FOR SELECT
  TO "authenticated"
  USING ((collection_id = ANY (ARRAY( SELECT private.my_collection_ids() AS my_collection_ids))));

CREATE POLICY "People can view their collections and those shared with them" ON "public"."collections"
  FOR SELECT
  TO "authenticated"
  USING (((user_id = ( SELECT auth.uid() AS uid)) OR (id = ANY (ARRAY( SELECT private.my_shared_collection_ids() AS my_shared_collection_ids)))));

CREATE POLICY "People can view their own places and those that they are shown" ON "public"."places"
  FOR SELECT
  TO "authenticated"
  USING (((user_id = ( SELECT auth.uid() AS uid)) OR (id = ANY (ARRAY( SELECT private.my_shown_place_ids() AS my_shown_place_ids)))));

CREATE POLICY "People can view themselves and those they share something with" ON "public"."profiles"
  FOR SELECT
  TO "authenticated"
  USING (((id = ( SELECT auth.uid() AS uid)) OR (id = ANY (ARRAY( SELECT private.my_companion_ids() AS my_companion_ids)))));

COMMENT ON COLUMN "public"."collection_members"."collection_id" IS 'The collection that is shared.';

COMMENT ON COLUMN "public"."collection_members"."created_at" IS 'When the person joined.';

COMMENT ON COLUMN "public"."collection_members"."id" IS 'The member''s id.';

COMMENT ON COLUMN "public"."collection_members"."role" IS 'What the person may do: a viewer looks, an editor puts places in, orders them and takes them out as well.';

COMMENT ON COLUMN "public"."collection_members"."updated_at" IS 'When the role last changed.';

COMMENT ON COLUMN "public"."collection_members"."user_id" IS 'The person it is shared with, never its owner.';

COMMENT ON COLUMN "public"."collection_places"."user_id" IS 'The person who put the place into the collection.';

COMMENT ON CONSTRAINT "collection_members_role_check" ON "public"."collection_members" IS 'A member of a collection is a viewer or an editor.';

COMMENT ON FUNCTION "private"."my_collection_companion_ids"() IS 'Those who share the collections that the caller may see.';

COMMENT ON FUNCTION "private"."my_collection_ids"() IS 'The collections that the caller may see.';

COMMENT ON FUNCTION "private"."my_collection_place_ids"() IS 'The places of others that collections show to the caller.';

COMMENT ON FUNCTION "private"."my_companion_ids"() IS 'The other people with whom the caller shares something.';

COMMENT ON FUNCTION "private"."my_editable_collection_ids"() IS 'The collections whose places the caller may change.';

COMMENT ON FUNCTION "private"."my_own_collection_ids"() IS 'The collections that the caller owns.';

COMMENT ON FUNCTION "private"."my_shared_collection_ids"() IS 'The collections of others that the caller may see.';

COMMENT ON FUNCTION "private"."my_shown_place_ids"() IS 'The places, others'' among them, that the caller is shown where they take part.';

COMMENT ON FUNCTION "private"."my_trip_companion_ids"() IS 'The other people on the trips that the caller may see.';

COMMENT ON FUNCTION "public"."collection_members_by_ids"(uuid[]) IS 'The rows of collection_members with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."whole_collection_members"(public.collection_members) IS 'The row of collection_members itself.';

COMMENT ON TABLE "public"."collection_members" IS 'Somebody with whom a collection is shared.';

COMMENT ON TABLE "public"."collections" IS 'Places that a person keeps together under a name, alone or with others.';

COMMENT ON VIEW "private"."collection_people" IS 'Who shares which collection, and what they may do there: once a person and collection.';

REVOKE ALL ON FUNCTION "private"."broadcast_collection"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."broadcast_collection_by_collection_id"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."my_collection_companion_ids"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."my_collection_ids"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "private"."my_collection_ids"() TO "authenticated";

REVOKE ALL ON FUNCTION "private"."my_collection_place_ids"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."my_editable_collection_ids"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "private"."my_editable_collection_ids"() TO "authenticated";

REVOKE ALL ON FUNCTION "private"."my_own_collection_ids"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "private"."my_own_collection_ids"() TO "authenticated";

REVOKE ALL ON FUNCTION "private"."my_shared_collection_ids"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "private"."my_shared_collection_ids"() TO "authenticated";

REVOKE ALL ON FUNCTION "private"."my_shown_place_ids"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "private"."my_shown_place_ids"() TO "authenticated";

REVOKE ALL ON FUNCTION "private"."my_trip_companion_ids"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."refuse_owner_as_member"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."tell_collection_of_places"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."tell_collection_of_profiles"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."collection_members_by_ids"(uuid[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."whole_collection_members"(public.collection_members) TO "authenticated";

REVOKE ALL ON TABLE "public"."collection_members" FROM "authenticated";

REVOKE ALL ("role") ON TABLE "public"."collection_members" FROM "authenticated";

GRANT UPDATE ("role") ON TABLE "public"."collection_members" TO "authenticated";

GRANT DELETE, SELECT ON TABLE "public"."collection_members" TO "authenticated";

GRANT DELETE, INSERT, MAINTAIN, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE ON TABLE "public"."collection_members" TO "service_role";
