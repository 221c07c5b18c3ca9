SET local check_function_bodies = off;

DROP FUNCTION "private"."leaving"();

DROP VIEW "private"."leaving_common";

CREATE TABLE "public"."membership_invitations" (
  "id"          uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "scope"       text                     NOT NULL,
  "scope_id"    uuid                     NOT NULL,
  "email"       text                     NOT NULL,
  "role"        text                     NOT NULL,
  "token_hash"  text                     NOT NULL,
  "status"      text                     NOT NULL DEFAULT 'pending'::text,
  "expires_at"  timestamp with time zone NOT NULL DEFAULT (now() + '7 days'::interval),
  "accepted_at" timestamp with time zone,
  "created_at"  timestamp with time zone NOT NULL DEFAULT now(),
  "updated_at"  timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "membership_invitations_accepted_at_check" CHECK (((accepted_at IS NOT NULL) = (status = 'accepted'::text))),
  CONSTRAINT "membership_invitations_email_check"
    CHECK
    (((char_length(email) <= 254) AND (email = lower(email)) AND (email ~
    '^[^\s[:cntrl:]@<>()\[\]\\,;:"]+@[^\s[:cntrl:]@<>()\[\]\\,;:"]+\.[^\s[:cntrl:]@<>()\[\]\\,;:"]+$'::text))),
  CONSTRAINT "membership_invitations_pkey" PRIMARY KEY (id),
  CONSTRAINT "membership_invitations_role_check" CHECK ((role ~ '^[a-z][a-z0-9_]{0,40}$'::text)),
  CONSTRAINT "membership_invitations_scope_check" CHECK (((scope ~ '^[a-z][a-z0-9_]{0,40}$'::text) AND (scope <> 'trip'::text))),
  CONSTRAINT "membership_invitations_status_check" CHECK ((status = ANY (ARRAY['pending'::text, 'accepted'::text, 'declined'::text, 'revoked'::text, 'expired'::text]))),
  CONSTRAINT "membership_invitations_token_hash_check" CHECK ((token_hash ~ '^[0-9a-f]{64}$'::text)),
  CONSTRAINT "membership_invitations_token_hash_key" UNIQUE (token_hash),
  "invited_by"  uuid                     NOT NULL DEFAULT auth.uid()
);

ALTER TABLE "public"."membership_invitations"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."membership_invitations" FROM "anon";

CREATE OR REPLACE FUNCTION private.broadcast_address()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    before constant text := case when old.email_confirmed_at is not null then lower(old.email) end;
    after constant text := case when new.email_confirmed_at is not null then lower(new.email) end;
    kept constant text := coalesce(tg_argv[0], 'invitations');
    invitation jsonb;
begin
    if before is not distinct from after then
        return null;
    end if;
    for invitation in execute format(
        $sql$
            select to_jsonb(found) - 'token_hash' from public.%I as found where email in ($1, $2)
            order by status = 'pending' desc, created_at desc limit 100
        $sql$,
        kept
    ) using before, after loop
        perform private.broadcast_change(
            'user', case when invitation ->> 'email' = before then new.id::text end,
            case when invitation ->> 'email' = after then new.id::text end,
            'id', '{}', 'public', kept, invitation, invitation
        );
    end loop;
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

CREATE OR REPLACE FUNCTION private.check_offer()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    offer record;
begin
    select * into offer from private.offer_of(new.scope, new.scope_id, new.invited_by);
    if not found then
        perform private.refuse('FORBIDDEN', 'You may not invite to this.');
    end if;
    if new.role <> all (offer.roles) then
        perform private.refuse(
            'BAD_USER_INPUT', 'One is invited as ' || array_to_string(offer.roles, ' or ') || '.', '{"field": "role"}'
        );
    end if;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.collection_membership (
  collection uuid,
  person     uuid
)
  RETURNS uuid
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select members.id from public.collection_members as members
    where members.collection_id = collection and members.user_id = person
    union all
    select collections.id from public.collections where collections.id = collection and collections.user_id = person
$function$;

CREATE OR REPLACE FUNCTION private.collection_offer (
  collection uuid,
  inviter    uuid
)
  RETURNS TABLE (
    name  text,
    roles text[]
  )
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
    select collections.name, array['viewer', 'editor'] from public.collections
    where collections.id = collection and collections.user_id = inviter
$function$;

CREATE OR REPLACE FUNCTION private.forget_invitations()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    delete from public.membership_invitations where scope = tg_argv[0] and scope_id = old.id;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.join_collection (
  collection uuid,
  person     uuid,
  as_role    text
)
  RETURNS uuid
  LANGUAGE sql
  SET search_path TO ''
  AS $function$
    insert into public.collection_members (collection_id, user_id, role) values (collection, person, as_role)
    on conflict (collection_id, user_id) do update set role = excluded.role
    returning id
$function$;

CREATE OR REPLACE FUNCTION private.offer_of (
  scope    text,
  scope_id uuid,
  inviter  uuid
)
  RETURNS TABLE (
    name  text,
    roles text[]
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
begin
    return query execute format('select * from %s($1, $2)', private.function_of_scope('%s_offer', scope))
        using scope_id, inviter;
end
$function$;

CREATE OR REPLACE FUNCTION public.accept_membership (
  token    text,
  of_scope text DEFAULT NULL::text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    me constant uuid := auth.uid();
    accepted public.membership_invitations :=
        jsonb_populate_record(null::public.membership_invitations, private.take_invitation('public.membership_invitations', token));
    membership uuid;
begin
    if accepted.id is null then
        select * into accepted from public.membership_invitations as known
        where known.token_hash = encode(sha256(convert_to(token, 'UTF8')), 'hex') and known.status = 'accepted'
            and known.email = (select private.my_email());
        if accepted.id is not null then
            membership := private.membership_of(accepted.scope, accepted.scope_id, me);
        end if;
    elsif accepted.scope_id is distinct from private.membership_of(accepted.scope, accepted.scope_id, me)
        -- Who invited may not do so any longer.
        and exists (
            select from private.offer_of(accepted.scope, accepted.scope_id, accepted.invited_by) as offer
            where accepted.role = any (offer.roles)
        )
    then
        execute format('select %s($1, $2, $3)', private.function_of_scope('join_%s', accepted.scope))
            into membership using accepted.scope_id, me, accepted.role;
    end if;
    if membership is null or accepted.scope <> of_scope then
        perform private.refuse_invitation();
    end if;
    return jsonb_build_object(
        'id', membership, 'scope', accepted.scope, 'scope_id', accepted.scope_id, 'role', accepted.role
    );
end
$function$;

REVOKE ALL ON FUNCTION "public"."accept_membership"(text, text) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.announce_membership_invitation (
  scope    text,
  scope_id uuid,
  email    text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    me constant uuid := auth.uid();
    offer record;
begin
    select * into offer from private.offer_of(scope, scope_id, me);
    if not found then
        if private.membership_of(scope, scope_id, me) is null then
            perform private.refuse('NOT_FOUND', format('There is no such %s, or you may not see it.', replace(scope, '_', ' ')));
        end if;
        perform private.refuse('FORBIDDEN', format('You may not invite to this %s.', replace(scope, '_', ' ')));
    end if;
    perform private.count_invitation(me, scope, scope_id, email);
    return jsonb_build_object(
        'name', offer.name, 'roles', offer.roles,
        'inviter', (select profiles.display_name from public.profiles where profiles.id = me)
    );
end
$function$;

REVOKE ALL ON FUNCTION "public"."announce_membership_invitation"(text, uuid, text) FROM PUBLIC, "anon", "service_role";

CREATE VIEW "private"."leaving_common" AS  SELECT relation,
    person,
    does,
    kind,
    columns,
    why
   FROM ( VALUES ('storage.objects'::text,'owner_id'::text,'task'::text,'remove_objects'::text,ARRAY['bucket_id'::text, 'name'::text],'No longer than until the task is done.'::text), ('public.invitations'::text,'email'::text,'retain'::text,NULL::text,NULL::text[],'It is the inviter''s, who wrote the address down.'::text), ('public.membership_invitations'::text,'email'::text,'retain'::text,NULL::text,NULL::text[],'It is the inviter''s, who wrote the address down.'::text), ('private.tasks'::text,'subject'::text,'retain'::text,NULL::text,NULL::text[],'It names whom something is still to be done for.'::text), ('realtime.messages'::text,'payload'::text,'retain'::text,NULL::text,NULL::text[],'What was told; Realtime drops it after three days.'::text)) declared(relation, person, does, kind, columns, why);

CREATE OR REPLACE FUNCTION private.leaving()
  RETURNS SETOF private.leaving_common
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    of_domain regclass;
begin
    for of_domain in
        select pg_class.oid from pg_catalog.pg_class
        where relnamespace = 'private'::regnamespace and relkind = 'v' and relname like 'leaving\_%'
        order by relname
    loop
        return query execute format('select * from %s', of_domain);
    end loop;
end
$function$;

CREATE INDEX idx_membership_invitations_email_status ON public.membership_invitations USING btree (email, status);

CREATE INDEX idx_membership_invitations_scope_id_status ON public.membership_invitations USING btree (scope_id, status);

CREATE TRIGGER broadcast_users_address_to_members
  AFTER UPDATE OF email, email_confirmed_at ON auth.users
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_address('membership_invitations');

CREATE TRIGGER forget_collections_invitations
  AFTER DELETE ON public.collections
  FOR EACH ROW
  EXECUTE FUNCTION private.forget_invitations('collection');

CREATE TRIGGER broadcast_membership_invitations_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.membership_invitations
  FOR EACH ROW
  EXECUTE FUNCTION
    private.broadcast_user_by_invited_by('id', 'id', 'scope', 'scope_id', 'email', 'role', 'status', 'invited_by', 'expires_at', 'accepted_at', 'created_at', 'updated_at');

CREATE TRIGGER broadcast_membership_invitations_to_invited
  AFTER INSERT OR DELETE OR UPDATE ON public.membership_invitations
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_invitation();

CREATE TRIGGER check_membership_invitations_offer
  AFTER INSERT ON public.membership_invitations
  FOR EACH ROW
  EXECUTE FUNCTION private.check_offer();

CREATE TRIGGER limit_membership_invitations
  AFTER INSERT ON public.membership_invitations
  FOR EACH ROW
  EXECUTE FUNCTION private.limit_invitations();

CREATE TRIGGER set_membership_invitations_updated_at
  BEFORE UPDATE ON public.membership_invitations
  FOR EACH ROW
  EXECUTE FUNCTION private.set_updated_at();

COMMENT ON COLUMN "public"."membership_invitations"."accepted_at" IS 'When it was accepted.';

COMMENT ON COLUMN "public"."membership_invitations"."created_at" IS 'When it was sent.';

COMMENT ON COLUMN "public"."membership_invitations"."email" IS 'The address it was sent to, in lower case; only its account can accept.';

COMMENT ON COLUMN "public"."membership_invitations"."expires_at" IS 'Until when it can be accepted.';

COMMENT ON COLUMN "public"."membership_invitations"."id" IS 'The invitation''s id.';

COMMENT ON COLUMN "public"."membership_invitations"."role" IS 'As what the invited person will take part, such as viewer.';

COMMENT ON COLUMN "public"."membership_invitations"."scope" IS 'What kind of thing is to be shared, such as collection.';

COMMENT ON COLUMN "public"."membership_invitations"."scope_id" IS 'The id of what is to be shared.';

COMMENT ON COLUMN "public"."membership_invitations"."status" IS 'What has become of it; one past its time cannot be accepted, though it be still pending.';

COMMENT ON COLUMN "public"."membership_invitations"."token_hash" IS 'SHA-256 of the secret in the mail''s link, which is itself not kept.';

COMMENT ON COLUMN "public"."membership_invitations"."updated_at" IS 'When the invitation last changed.';

COMMENT ON CONSTRAINT "membership_invitations_accepted_at_check" ON "public"."membership_invitations" IS 'An invitation says when it was accepted once it was, and not before.';

COMMENT ON CONSTRAINT "membership_invitations_email_check" ON "public"."membership_invitations" IS 'An invitation goes to one e-mail address in lower case, of at most 254 characters, without a name or a comment.';

COMMENT ON CONSTRAINT "membership_invitations_role_check" ON "public"."membership_invitations" IS 'A role is called by small letters, digits and underscores.';

COMMENT ON CONSTRAINT "membership_invitations_scope_check" ON "public"."membership_invitations" IS 'A scope is called by small letters, digits and underscores; trips have invitations of their own.';

COMMENT ON CONSTRAINT "membership_invitations_status_check" ON "public"."membership_invitations" IS 'There is no such status of invitations.';

COMMENT ON CONSTRAINT "membership_invitations_token_hash_check" ON "public"."membership_invitations" IS 'The hash of a secret is 64 hexadecimal digits.';

COMMENT ON FUNCTION "private"."leaving"() IS 'What every domain says of people who leave.';

COMMENT ON FUNCTION "public"."accept_membership"(text, text) IS 'Accepts an invitation by the secret in its link, once, and to this scope alone where one is named. Returns the membership: its id, scope, scope_id and role.';

COMMENT ON FUNCTION "public"."announce_membership_invitation"(text, uuid, text) IS 'Counts an invitation that the caller is about to send to this address; without it, none is taken. Good for ten minutes. Returns what the thing and the inviter are called, and as what one may join.';

COMMENT ON TABLE "public"."membership_invitations" IS 'An offer, sent by e-mail, to take part in what somebody shares, such as a collection.';

COMMENT ON VIEW "private"."leaving_common" IS 'What becomes of references to a person who leaves, beside foreign keys, of what all systems share.';

REVOKE ALL ON FUNCTION "private"."broadcast_user_by_invited_by"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_offer"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."collection_membership"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."collection_offer"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."forget_invitations"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."join_collection"(uuid, uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."leaving"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."offer_of"(text, uuid, uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."accept_membership"(text, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."announce_membership_invitation"(text, uuid, text) TO "authenticated";

REVOKE ALL ON TABLE "public"."membership_invitations" FROM "authenticated";

REVOKE ALL ("accepted_at") ON TABLE "public"."membership_invitations" FROM "authenticated";

GRANT SELECT ("accepted_at") ON TABLE "public"."membership_invitations" TO "authenticated";

REVOKE ALL ("created_at") ON TABLE "public"."membership_invitations" FROM "authenticated";

GRANT SELECT ("created_at") ON TABLE "public"."membership_invitations" TO "authenticated";

REVOKE ALL ("email") ON TABLE "public"."membership_invitations" FROM "authenticated";

GRANT INSERT ("email"), SELECT ("email") ON TABLE "public"."membership_invitations" TO "authenticated";

REVOKE ALL ("expires_at") ON TABLE "public"."membership_invitations" FROM "authenticated";

GRANT SELECT ("expires_at") ON TABLE "public"."membership_invitations" TO "authenticated";

REVOKE ALL ("id") ON TABLE "public"."membership_invitations" FROM "authenticated";

GRANT INSERT ("id"), SELECT ("id") ON TABLE "public"."membership_invitations" TO "authenticated";

REVOKE ALL ("role") ON TABLE "public"."membership_invitations" FROM "authenticated";

GRANT INSERT ("role"), SELECT ("role") ON TABLE "public"."membership_invitations" TO "authenticated";

REVOKE ALL ("scope_id") ON TABLE "public"."membership_invitations" FROM "authenticated";

GRANT INSERT ("scope_id"), SELECT ("scope_id") ON TABLE "public"."membership_invitations" TO "authenticated";

REVOKE ALL ("scope") ON TABLE "public"."membership_invitations" FROM "authenticated";

GRANT INSERT ("scope"), SELECT ("scope") ON TABLE "public"."membership_invitations" TO "authenticated";

REVOKE ALL ("status") ON TABLE "public"."membership_invitations" FROM "authenticated";

GRANT SELECT ("status"), UPDATE ("status") ON TABLE "public"."membership_invitations" TO "authenticated";

REVOKE ALL ("token_hash") ON TABLE "public"."membership_invitations" FROM "authenticated";

GRANT INSERT ("token_hash") ON TABLE "public"."membership_invitations" TO "authenticated";

REVOKE ALL ("updated_at") ON TABLE "public"."membership_invitations" FROM "authenticated";

GRANT SELECT ("updated_at") ON TABLE "public"."membership_invitations" TO "authenticated";

REVOKE ALL ON TABLE "public"."membership_invitations" FROM "service_role";

REVOKE ALL ("accepted_at") ON TABLE "public"."membership_invitations" FROM "service_role";

GRANT SELECT ("accepted_at") ON TABLE "public"."membership_invitations" TO "service_role";

REVOKE ALL ("created_at") ON TABLE "public"."membership_invitations" FROM "service_role";

GRANT SELECT ("created_at") ON TABLE "public"."membership_invitations" TO "service_role";

REVOKE ALL ("email") ON TABLE "public"."membership_invitations" FROM "service_role";

GRANT SELECT ("email") ON TABLE "public"."membership_invitations" TO "service_role";

REVOKE ALL ("expires_at") ON TABLE "public"."membership_invitations" FROM "service_role";

GRANT SELECT ("expires_at") ON TABLE "public"."membership_invitations" TO "service_role";

REVOKE ALL ("id") ON TABLE "public"."membership_invitations" FROM "service_role";

GRANT SELECT ("id") ON TABLE "public"."membership_invitations" TO "service_role";

REVOKE ALL ("role") ON TABLE "public"."membership_invitations" FROM "service_role";

GRANT SELECT ("role") ON TABLE "public"."membership_invitations" TO "service_role";

REVOKE ALL ("scope_id") ON TABLE "public"."membership_invitations" FROM "service_role";

GRANT SELECT ("scope_id") ON TABLE "public"."membership_invitations" TO "service_role";

REVOKE ALL ("scope") ON TABLE "public"."membership_invitations" FROM "service_role";

GRANT SELECT ("scope") ON TABLE "public"."membership_invitations" TO "service_role";

REVOKE ALL ("status") ON TABLE "public"."membership_invitations" FROM "service_role";

GRANT SELECT ("status") ON TABLE "public"."membership_invitations" TO "service_role";

REVOKE ALL ("updated_at") ON TABLE "public"."membership_invitations" FROM "service_role";

GRANT SELECT ("updated_at") ON TABLE "public"."membership_invitations" TO "service_role";

GRANT DELETE, INSERT, REFERENCES, TRIGGER, TRUNCATE, UPDATE ON TABLE "public"."membership_invitations" TO "service_role";

ALTER TABLE "public"."membership_invitations"
  ADD CONSTRAINT "fk_membership_invitations_invited_by" FOREIGN KEY (invited_by) REFERENCES public.profiles(id) ON DELETE CASCADE;

CREATE INDEX idx_membership_invitations_invited_by_created_at ON public.membership_invitations USING btree (invited_by, created_at DESC);

CREATE POLICY "Inviters and the invited can view invitations" ON "public"."membership_invitations"
  FOR SELECT
  TO "authenticated"
  USING (((invited_by = ( SELECT auth.uid() AS uid)) OR (email = ( SELECT private.my_email() AS my_email))));

CREATE POLICY "Open invitations can be revoked or declined" ON "public"."membership_invitations"
  FOR UPDATE
  TO "authenticated"
  USING (((status = 'pending'::text) AND ((invited_by = ( SELECT auth.uid() AS uid)) OR (email = ( SELECT private.my_email() AS my_email)))))
  WITH CHECK ((((status = 'revoked'::text) AND (invited_by = ( SELECT auth.uid() AS uid))) OR ((status = 'declined'::text) AND (email = ( SELECT private.my_email() AS my_email)))));

CREATE POLICY "People can invite in their own name" ON "public"."membership_invitations"
  FOR INSERT
  TO "authenticated"
  WITH CHECK ((invited_by = ( SELECT auth.uid() AS uid)));

COMMENT ON COLUMN "public"."membership_invitations"."invited_by" IS 'The person who sent it.';

REVOKE ALL ("invited_by") ON TABLE "public"."membership_invitations" FROM "authenticated";

GRANT SELECT ("invited_by") ON TABLE "public"."membership_invitations" TO "authenticated";

REVOKE ALL ("invited_by") ON TABLE "public"."membership_invitations" FROM "service_role";

GRANT SELECT ("invited_by") ON TABLE "public"."membership_invitations" TO "service_role";
