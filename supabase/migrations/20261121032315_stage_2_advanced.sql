SET local check_function_bodies = off;

DROP POLICY "People can view their own places" ON "public"."places";

DROP POLICY "People can view their own profile" ON "public"."profiles";

DROP POLICY "People can add items to trips they may change" ON "public"."trip_items";

DROP POLICY "People can update items of trips they may change" ON "public"."trip_items";

CREATE TABLE "private"."sent_invitations" (
  "id"      uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "user_id" uuid                     NOT NULL,
  "sent_at" timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "sent_invitations_pkey" PRIMARY KEY (id)
);

ALTER TABLE "private"."sent_invitations"
  ENABLE ROW LEVEL SECURITY;

CREATE TABLE "public"."collaborators" (
  "id"         uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "trip_id"    uuid                     NOT NULL,
  "user_id"    uuid                     NOT NULL,
  "role"       text                     NOT NULL DEFAULT 'viewer'::text,
  "created_at" timestamp with time zone NOT NULL DEFAULT now(),
  "updated_at" timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "collaborators_pkey" PRIMARY KEY (id),
  CONSTRAINT "collaborators_role_check" CHECK ((role = ANY (ARRAY['viewer'::text, 'editor'::text]))),
  CONSTRAINT "collaborators_trip_id_user_id_key" UNIQUE (trip_id, user_id)
);

ALTER TABLE "public"."collaborators"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."collaborators" FROM "anon";

CREATE TABLE "public"."collection_places" (
  "id"            uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "collection_id" uuid                     NOT NULL,
  "place_id"      uuid                     NOT NULL,
  "order_index"   integer                  NOT NULL DEFAULT 0,
  "notes"         text,
  "created_at"    timestamp with time zone NOT NULL DEFAULT now(),
  "updated_at"    timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "collection_places_collection_id_place_id_key" UNIQUE (collection_id, place_id),
  CONSTRAINT "collection_places_notes_check" CHECK ((char_length(notes) <= 5000)),
  CONSTRAINT "collection_places_order_index_check" CHECK ((order_index >= 0)),
  CONSTRAINT "collection_places_pkey" PRIMARY KEY (id),
  "user_id"       uuid                     NOT NULL DEFAULT auth.uid()
);

ALTER TABLE "public"."collection_places"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."collection_places" FROM "anon";

CREATE TABLE "public"."collections" (
  "id"          uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "name"        text                     NOT NULL,
  "description" text,
  "created_at"  timestamp with time zone NOT NULL DEFAULT now(),
  "updated_at"  timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "collections_description_check" CHECK ((char_length(description) <= 5000)),
  CONSTRAINT "collections_name_check" CHECK (((char_length(name) <= 200) AND (name ~ '\S'::text))),
  CONSTRAINT "collections_pkey" PRIMARY KEY (id),
  "user_id"     uuid                     NOT NULL DEFAULT auth.uid()
);

ALTER TABLE "public"."collections"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."collections" FROM "anon";

CREATE TABLE "public"."invitations" (
  "id"          uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "trip_id"     uuid                     NOT NULL,
  "email"       text                     NOT NULL,
  "role"        text                     NOT NULL DEFAULT 'viewer'::text,
  "token_hash"  text                     NOT NULL,
  "status"      text                     NOT NULL DEFAULT 'pending'::text,
  "expires_at"  timestamp with time zone NOT NULL DEFAULT (now() + '7 days'::interval),
  "accepted_at" timestamp with time zone,
  "created_at"  timestamp with time zone NOT NULL DEFAULT now(),
  "updated_at"  timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "invitations_accepted_at_check" CHECK (((accepted_at IS NOT NULL) = (status = 'accepted'::text))),
  CONSTRAINT "invitations_email_check" CHECK (((char_length(email) <= 254) AND (email = lower(email)) AND (email ~ '^[^\s@]+@[^\s@]+\.[^\s@]+$'::text))),
  CONSTRAINT "invitations_pkey" PRIMARY KEY (id),
  CONSTRAINT "invitations_role_check" CHECK ((role = ANY (ARRAY['viewer'::text, 'editor'::text]))),
  CONSTRAINT "invitations_status_check" CHECK ((status = ANY (ARRAY['pending'::text, 'accepted'::text, 'revoked'::text, 'expired'::text]))),
  CONSTRAINT "invitations_token_hash_check" CHECK ((token_hash ~ '^[0-9a-f]{64}$'::text)),
  CONSTRAINT "invitations_token_hash_key" UNIQUE (token_hash),
  "invited_by"  uuid                     NOT NULL DEFAULT auth.uid()
);

ALTER TABLE "public"."invitations"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."invitations" FROM "anon";

CREATE TABLE "public"."place_tags" (
  "id"         uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "place_id"   uuid                     NOT NULL,
  "tag_id"     uuid                     NOT NULL,
  "created_at" timestamp with time zone NOT NULL DEFAULT now(),
  "updated_at" timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "place_tags_pkey" PRIMARY KEY (id),
  CONSTRAINT "place_tags_place_id_tag_id_key" UNIQUE (place_id, tag_id),
  "user_id"    uuid                     NOT NULL DEFAULT auth.uid()
);

ALTER TABLE "public"."place_tags"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."place_tags" FROM "anon";

CREATE TABLE "public"."saved_places" (
  "id"         uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "place_id"   uuid,
  "name"       text                     NOT NULL DEFAULT ''::text,
  "category"   text                     NOT NULL DEFAULT 'other'::text,
  "notes"      text,
  "created_at" timestamp with time zone NOT NULL DEFAULT now(),
  "updated_at" timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "saved_places_category_check"
    CHECK
    ((category = ANY (ARRAY['attraction'::text, 'museum'::text, 'nature'::text, 'beach'::text, 'restaurant'::text, 'cafe'::text, 'bar'::text, 'shop'::text, 'lodging'::text,
    'transport'::text, 'other'::text]))),
  CONSTRAINT "saved_places_name_check" CHECK (((char_length(name) <= 200) AND (name ~ '\S'::text))),
  CONSTRAINT "saved_places_notes_check" CHECK ((char_length(notes) <= 5000)),
  CONSTRAINT "saved_places_pkey" PRIMARY KEY (id),
  "user_id"    uuid                     NOT NULL DEFAULT auth.uid(),
  CONSTRAINT "saved_places_user_id_place_id_key" UNIQUE (user_id, place_id)
);

ALTER TABLE "public"."saved_places"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."saved_places" FROM "anon";

CREATE TABLE "public"."tags" (
  "id"         uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "name"       text                     NOT NULL,
  "colour"     text                     NOT NULL DEFAULT '#64748b'::text,
  "created_at" timestamp with time zone NOT NULL DEFAULT now(),
  "updated_at" timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "tags_colour_check" CHECK ((colour ~ '^#[0-9A-Fa-f]{6}$'::text)),
  CONSTRAINT "tags_name_check" CHECK (((char_length(name) <= 50) AND (name ~ '\S'::text))),
  CONSTRAINT "tags_pkey" PRIMARY KEY (id),
  "user_id"    uuid                     NOT NULL DEFAULT auth.uid(),
  CONSTRAINT "tags_user_id_name_key" UNIQUE (user_id, name)
);

ALTER TABLE "public"."tags"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."tags" FROM "anon";

CREATE TABLE "public"."votes" (
  "id"           uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "trip_id"      uuid                     NOT NULL,
  "trip_item_id" uuid                     NOT NULL,
  "value"        smallint                 NOT NULL,
  "comment"      text,
  "created_at"   timestamp with time zone NOT NULL DEFAULT now(),
  "updated_at"   timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "votes_comment_check" CHECK ((char_length(comment) <= 1000)),
  CONSTRAINT "votes_pkey" PRIMARY KEY (id),
  CONSTRAINT "votes_value_check" CHECK ((value = ANY (ARRAY['-1'::integer, 0, 1]))),
  "user_id"      uuid                     NOT NULL DEFAULT auth.uid(),
  CONSTRAINT "votes_trip_item_id_user_id_key" UNIQUE (trip_item_id, user_id)
);

ALTER TABLE "public"."votes"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."votes" FROM "anon";

CREATE OR REPLACE FUNCTION private.broadcast_change (
  topic     text,
  operation text,
  source    name,
  new_row   record,
  old_row   record
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    gone record;
begin
    if operation = 'DELETE' then
        select old_row.id as id into gone;
        perform realtime.broadcast_changes(topic, operation, operation, source::text, 'public', null, gone);
    else
        perform realtime.broadcast_changes(topic, operation, operation, source::text, 'public', new_row, old_row);
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
    invited uuid := (
        select users.id from auth.users where users.email = new.email and users.email_confirmed_at is not null
    );
    shown record;
begin
    if invited is not null then
        -- All but the hash of the token.
        select
            new.id as id, new.trip_id as trip_id, new.email as email, new.role as role, new.status as status,
            new.invited_by as invited_by, new.expires_at as expires_at, new.accepted_at as accepted_at,
            new.created_at as created_at, new.updated_at as updated_at
        into shown;
        perform private.broadcast_change('user:' || invited, tg_op, tg_table_name, shown, null);
    end if;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.broadcast_membership()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.broadcast_change(
        'user:' || coalesce(new.user_id, old.user_id), tg_op, tg_table_name, new, old
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
    perform private.broadcast_change('trip:' || coalesce(new.id, old.id), tg_op, tg_table_name, new, old);
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.broadcast_trip_part()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    -- What moves to another trip goes from the one and comes to the other.
    if tg_op = 'UPDATE' and new.trip_id <> old.trip_id then
        perform private.broadcast_change('trip:' || old.trip_id, 'DELETE', tg_table_name, null, old);
        perform private.broadcast_change('trip:' || new.trip_id, 'INSERT', tg_table_name, new, null);
    elsif tg_op <> 'DELETE' or exists (select from public.trips where trips.id = old.trip_id) then
        perform private.broadcast_change(
            'trip:' || coalesce(new.trip_id, old.trip_id), tg_op, tg_table_name, new, old
        );
    end if;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.carry_votes()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    delete from public.votes
    where trip_item_id = new.id
        and not exists (select from public.trips where trips.id = new.trip_id and trips.user_id = votes.user_id)
        and not exists (
            select from public.collaborators
            where collaborators.trip_id = new.trip_id and collaborators.user_id = votes.user_id
        );
    update public.votes set trip_id = new.trip_id where trip_item_id = new.id;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.limit_invitations()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    -- One at a time, or two at once would both count the same.
    perform from public.profiles where profiles.id = new.invited_by for no key update;

    update public.invitations set status = case when expires_at <= now() then 'expired' else 'revoked' end
    where trip_id = new.trip_id and status = 'pending' and id <> new.id and (expires_at <= now() or email = new.email);

    delete from private.sent_invitations where user_id = new.invited_by and sent_at < now() - interval '1 hour';
    insert into private.sent_invitations (user_id) values (new.invited_by);

    -- PostgREST answers PTxyz with HTTP status xyz.
    if (select count(*) from public.invitations where trip_id = new.trip_id and status = 'pending') > 20 then
        raise sqlstate 'PT429' using
            message = 'a trip can have 20 open invitations', hint = 'Revoke one, or wait until one is answered.';
    end if;
    if (select count(*) from private.sent_invitations where user_id = new.invited_by) > 30 then
        raise sqlstate 'PT429' using
            message = 'a person can send 30 invitations an hour', hint = 'Wait an hour, then invite again.';
    end if;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.my_companion_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    shared uuid[] := array(select private.my_trip_ids());
begin
    return query
        select trips.user_id from public.trips where trips.id = any (shared)
        union
        select collaborators.user_id from public.collaborators where collaborators.trip_id = any (shared);
end
$function$;

CREATE OR REPLACE FUNCTION private.my_editable_trip_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        select trips.id from public.trips where trips.user_id = (select auth.uid())
        union all
        select collaborators.trip_id from public.collaborators
        where collaborators.user_id = (select auth.uid()) and collaborators.role = 'editor';
end
$function$;

CREATE OR REPLACE FUNCTION private.my_email()
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return (
        select lower(users.email) from auth.users
        where users.id = (select auth.uid()) and users.email_confirmed_at is not null
    );
end
$function$;

CREATE OR REPLACE FUNCTION private.my_own_trip_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query select trips.id from public.trips where trips.user_id = (select auth.uid());
end
$function$;

CREATE OR REPLACE FUNCTION private.my_trip_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        select trips.id from public.trips where trips.user_id = (select auth.uid())
        union all
        select collaborators.trip_id from public.collaborators where collaborators.user_id = (select auth.uid());
end
$function$;

CREATE OR REPLACE FUNCTION private.my_trip_places()
  RETURNS TABLE (
    trip_id  uuid,
    place_id uuid
  )
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return query
        select trip_items.trip_id, trip_items.place_id from public.trip_items
        where trip_items.trip_id = any (array(select private.my_trip_ids())) and trip_items.place_id is not null;
end
$function$;

CREATE OR REPLACE FUNCTION private.name_saved_place()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
    select places.name into new.name from public.places where places.id = new.place_id;
    new.name := coalesce(new.name, '');
    return new;
end
$function$;

CREATE OR REPLACE FUNCTION private.refuse_owner_as_collaborator()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    if exists (select from public.trips where trips.id = new.trip_id and trips.user_id = new.user_id) then
        raise check_violation using
            message = 'new row for relation "collaborators" violates check constraint "collaborators_user_id_check"',
            hint = 'The owner of a trip takes part in it already.',
            schema = 'public', table = 'collaborators', constraint = 'collaborators_user_id_check';
    end if;
    return new;
end
$function$;

CREATE OR REPLACE FUNCTION private.set_vote_trip()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    new.trip_id := (select trip_items.trip_id from public.trip_items where trip_items.id = new.trip_item_id);
    return new;
end
$function$;

CREATE OR REPLACE FUNCTION private.withdraw_votes()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    delete from public.votes where trip_id = old.trip_id and user_id = old.user_id;
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION public.accept_invitation (
  token text
)
  RETURNS public.collaborators
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    accepted public.invitations;
    collaborator public.collaborators;
begin
    update public.invitations set status = 'accepted', accepted_at = now()
    where token_hash = encode(sha256(convert_to(token, 'UTF8')), 'hex')
        and status = 'pending'
        and expires_at > now()
        and email = (select private.my_email())
        and trip_id <> all (array(select private.my_own_trip_ids()))
    returning * into accepted;
    if not found then
        raise sqlstate 'PT404' using message = 'there is no such invitation to this account that is still open';
    end if;

    insert into public.collaborators (trip_id, user_id, role) values (accepted.trip_id, auth.uid(), accepted.role)
    on conflict (trip_id, user_id) do update set role = excluded.role
    returning * into collaborator;
    return collaborator;
end
$function$;

REVOKE ALL ON FUNCTION "public"."accept_invitation"(text) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.cast_vote (
  item        uuid,
  new_value   integer,
  new_comment text
)
  RETURNS public.votes
  LANGUAGE sql
  SET search_path TO ''
  AS $function$
    insert into public.votes (trip_item_id, value, comment) values (item, new_value, new_comment)
    on conflict (trip_item_id, user_id) do update set value = excluded.value, comment = excluded.comment
    returning *;
$function$;

REVOKE ALL ON FUNCTION "public"."cast_vote"(uuid, integer, text) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.move_trip_item (
  item         uuid,
  day          integer,
  new_position integer
)
  RETURNS public.trip_items
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
    moved public.trip_items;
    trip uuid;
begin
    if day is null or new_position is null or new_position < 0 then
        raise numeric_value_out_of_range using message = 'a day is counted from 1, a position from 0';
    end if;

    -- Movers on one trip take turns: each waits here, then sees what the one before has done.
    loop
        select trip_items.trip_id into trip from public.trip_items where trip_items.id = item;
        if not found then
            raise sqlstate 'PT404' using message = 'there is no such item, or you may not see it';
        end if;
        perform from public.trips where trips.id = trip for no key update;
        if not found then
            raise insufficient_privilege using message = 'you may not change this trip';
        end if;
        select * into moved from public.trip_items where trip_items.id = item and trip_items.trip_id = trip;
        exit when found;
    end loop;

    with others as (
        select
            id,
            day_number,
            row_number() over (partition by day_number order by order_index, created_at, id) - 1 as place
        from public.trip_items
        where trip_id = trip and day_number in (moved.day_number, day) and id <> item
    ),
    wanted as (
        select id, day_number, place + case when day_number = day and place >= new_position then 1 else 0 end as place
        from others
        union all
        select item, day, least(new_position, (select count(*) from others where day_number = day))
    )
    update public.trip_items
    set day_number = wanted.day_number, order_index = wanted.place
    from wanted
    where trip_items.id = wanted.id
        and (trip_items.day_number, trip_items.order_index) <> (wanted.day_number, wanted.place);

    select * into moved from public.trip_items where trip_items.id = item;
    return moved;
end
$function$;

REVOKE ALL ON FUNCTION "public"."move_trip_item"(uuid, integer, integer) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.vote_summary (
  public .trip_items
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    item alias for $1;
    caller uuid := auth.uid();
begin
    if not exists (select from public.trips where trips.id = item.trip_id and trips.user_id = caller)
        and not exists (
            select from public.collaborators
            where collaborators.trip_id = item.trip_id and collaborators.user_id = caller
        )
    then
        return null;
    end if;
    return (
        select jsonb_build_object(
            'up', count(*) filter (where value = 1),
            'neutral', count(*) filter (where value = 0),
            'down', count(*) filter (where value = -1),
            'score', coalesce(sum(value), 0),
            'mine', max(value) filter (where user_id = caller)
        )
        from public.votes
        where votes.trip_item_id = item.id and votes.trip_id = item.trip_id
    );
end
$function$;

REVOKE ALL ON FUNCTION "public"."vote_summary"(public.trip_items) FROM PUBLIC, "anon", "service_role";

ALTER TABLE "private"."sent_invitations"
  ADD CONSTRAINT "fk_sent_invitations_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

ALTER TABLE "public"."collaborators"
  ADD CONSTRAINT "fk_collaborators_trip_id" FOREIGN KEY (trip_id) REFERENCES public.trips(id) ON DELETE CASCADE;

ALTER TABLE "public"."collaborators"
  ADD CONSTRAINT "fk_collaborators_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

ALTER TABLE "public"."collection_places"
  ADD CONSTRAINT "fk_collection_places_place_id" FOREIGN KEY (place_id) REFERENCES public.places(id) ON DELETE CASCADE;

ALTER TABLE "public"."collection_places"
  ADD CONSTRAINT "fk_collection_places_collection_id" FOREIGN KEY (collection_id) REFERENCES public.collections(id) ON DELETE CASCADE;

ALTER TABLE "public"."invitations"
  ADD CONSTRAINT "fk_invitations_trip_id" FOREIGN KEY (trip_id) REFERENCES public.trips(id) ON DELETE CASCADE;

ALTER TABLE "public"."place_tags"
  ADD CONSTRAINT "fk_place_tags_place_id" FOREIGN KEY (place_id) REFERENCES public.places(id) ON DELETE CASCADE;

ALTER TABLE "public"."saved_places"
  ADD CONSTRAINT "fk_saved_places_place_id" FOREIGN KEY (place_id) REFERENCES public.places(id) ON DELETE SET NULL;

ALTER TABLE "public"."place_tags"
  ADD CONSTRAINT "fk_place_tags_tag_id" FOREIGN KEY (tag_id) REFERENCES public.tags(id) ON DELETE CASCADE;

ALTER TABLE "public"."votes"
  ADD CONSTRAINT "fk_votes_trip_id" FOREIGN KEY (trip_id) REFERENCES public.trips(id) ON DELETE CASCADE;

ALTER TABLE "public"."votes"
  ADD CONSTRAINT "fk_votes_trip_item_id" FOREIGN KEY (trip_item_id) REFERENCES public.trip_items(id) ON DELETE CASCADE;

CREATE INDEX idx_sent_invitations_user_id_sent_at ON private.sent_invitations USING btree (user_id, sent_at);

CREATE INDEX idx_collaborators_user_id_trip_id ON public.collaborators USING btree (user_id, trip_id);

CREATE INDEX idx_collection_places_place_id ON public.collection_places USING btree (place_id);

CREATE INDEX idx_invitations_email_status ON public.invitations USING btree (email, status);

CREATE INDEX idx_invitations_trip_id_created_at ON public.invitations USING btree (trip_id, created_at DESC);

CREATE INDEX idx_place_tags_tag_id ON public.place_tags USING btree (tag_id);

CREATE INDEX idx_saved_places_category ON public.saved_places USING btree (category);

CREATE INDEX idx_saved_places_place_id ON public.saved_places USING btree (place_id);

CREATE TRIGGER broadcast_collaborators_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.collaborators
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_trip_part();

CREATE TRIGGER broadcast_collaborators_membership
  AFTER INSERT OR DELETE ON public.collaborators
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_membership();

CREATE TRIGGER refuse_owner_as_collaborator
  BEFORE INSERT OR UPDATE OF trip_id, user_id ON public.collaborators
  FOR EACH ROW
  EXECUTE FUNCTION private.refuse_owner_as_collaborator();

CREATE TRIGGER set_collaborators_updated_at
  BEFORE UPDATE ON public.collaborators
  FOR EACH ROW
  EXECUTE FUNCTION private.set_updated_at();

CREATE TRIGGER withdraw_collaborators_votes
  AFTER DELETE ON public.collaborators
  FOR EACH ROW
  EXECUTE FUNCTION private.withdraw_votes();

CREATE TRIGGER set_collection_places_updated_at
  BEFORE UPDATE ON public.collection_places
  FOR EACH ROW
  EXECUTE FUNCTION private.set_updated_at();

CREATE TRIGGER set_collections_updated_at
  BEFORE UPDATE ON public.collections
  FOR EACH ROW
  EXECUTE FUNCTION private.set_updated_at();

CREATE TRIGGER broadcast_invitations_changes
  AFTER INSERT OR UPDATE ON public.invitations
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_invitation();

CREATE TRIGGER limit_invitations
  AFTER INSERT ON public.invitations
  FOR EACH ROW
  EXECUTE FUNCTION private.limit_invitations();

CREATE TRIGGER set_invitations_updated_at
  BEFORE UPDATE ON public.invitations
  FOR EACH ROW
  EXECUTE FUNCTION private.set_updated_at();

CREATE TRIGGER set_place_tags_updated_at
  BEFORE UPDATE ON public.place_tags
  FOR EACH ROW
  EXECUTE FUNCTION private.set_updated_at();

CREATE TRIGGER name_saved_places
  BEFORE INSERT ON public.saved_places
  FOR EACH ROW
  WHEN (((new.name = ''::text) AND (new.place_id IS NOT NULL)))
  EXECUTE FUNCTION private.name_saved_place();

CREATE TRIGGER set_saved_places_updated_at
  BEFORE UPDATE ON public.saved_places
  FOR EACH ROW
  EXECUTE FUNCTION private.set_updated_at();

CREATE TRIGGER set_tags_updated_at
  BEFORE UPDATE ON public.tags
  FOR EACH ROW
  EXECUTE FUNCTION private.set_updated_at();

CREATE TRIGGER broadcast_trip_items_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.trip_items
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_trip_part();

CREATE TRIGGER carry_trip_items_votes
  AFTER UPDATE OF trip_id ON public.trip_items
  FOR EACH ROW
  WHEN ((old.trip_id <> new.trip_id))
  EXECUTE FUNCTION private.carry_votes();

CREATE TRIGGER broadcast_trips_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.trips
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_trip();

CREATE TRIGGER broadcast_votes_changes
  AFTER INSERT OR DELETE OR UPDATE ON public.votes
  FOR EACH ROW
  EXECUTE FUNCTION private.broadcast_trip_part();

CREATE TRIGGER set_votes_trip_id
  BEFORE INSERT OR UPDATE OF trip_id, trip_item_id ON public.votes
  FOR EACH ROW
  EXECUTE FUNCTION private.set_vote_trip();

CREATE TRIGGER set_votes_updated_at
  BEFORE UPDATE ON public.votes
  FOR EACH ROW
  EXECUTE FUNCTION private.set_updated_at();

CREATE POLICY "Owners can change the roles on their trips" ON "public"."collaborators"
  FOR UPDATE
  TO "authenticated"
  USING ((trip_id = ANY (ARRAY( SELECT private.my_own_trip_ids() AS my_own_trip_ids))))
  WITH CHECK ((trip_id = ANY (ARRAY( SELECT private.my_own_trip_ids() AS my_own_trip_ids))));

CREATE POLICY "Owners can remove collaborators and they can leave" ON "public"."collaborators"
  FOR DELETE
  TO "authenticated"
  USING (((user_id = ( SELECT auth.uid() AS uid)) OR (trip_id = ANY (ARRAY( SELECT private.my_own_trip_ids() AS my_own_trip_ids)))));

CREATE POLICY "People can view who is on their trips" ON "public"."collaborators"
  FOR SELECT
  TO "authenticated"
  USING ((trip_id = ANY (ARRAY( SELECT private.my_trip_ids() AS my_trip_ids))));

CREATE POLICY "Owners and the invited can view invitations" ON "public"."invitations"
  FOR SELECT
  TO "authenticated"
  USING (((trip_id = ANY (ARRAY( SELECT private.my_own_trip_ids() AS my_own_trip_ids))) OR (email = ( SELECT private.my_email() AS my_email))));

CREATE POLICY "Owners can revoke invitations that are open" ON "public"."invitations"
  FOR UPDATE
  TO "authenticated"
  USING (((trip_id = ANY (ARRAY( SELECT private.my_own_trip_ids() AS my_own_trip_ids))) AND (status = 'pending'::text)))
  WITH CHECK (((trip_id = ANY (ARRAY( SELECT private.my_own_trip_ids() AS my_own_trip_ids))) AND (status = 'revoked'::text)));

CREATE POLICY "People can view their own places and those on their trips" ON "public"."places"
  FOR SELECT
  TO "authenticated"
  USING (((user_id = ( SELECT auth.uid() AS uid)) OR (id = ANY (ARRAY( SELECT shown.place_id
   FROM private.my_trip_places() shown(trip_id, place_id))))));

CREATE POLICY "People can view themselves and those they travel with" ON "public"."profiles"
  FOR SELECT
  TO "authenticated"
  USING (((id = ( SELECT auth.uid() AS uid)) OR (id = ANY (ARRAY( SELECT private.my_companion_ids() AS my_companion_ids)))));

CREATE POLICY "People can add items to trips they may change" ON "public"."trip_items"
  FOR INSERT
  TO "authenticated"
  WITH CHECK (((trip_id = ANY (ARRAY( SELECT private.my_editable_trip_ids() AS my_editable_trip_ids))) AND ((place_id IS NULL) OR (EXISTS ( SELECT
   FROM public.places
  WHERE ((places.id = trip_items.place_id) AND (places.user_id = ( SELECT auth.uid() AS uid))))) OR ((trip_id, place_id) IN ( SELECT shown.trip_id,
    shown.place_id
   FROM private.my_trip_places() shown(trip_id, place_id))))));

CREATE POLICY "People can update items of trips they may change" ON "public"."trip_items"
  FOR UPDATE
  TO "authenticated"
  USING ((trip_id = ANY (ARRAY( SELECT private.my_editable_trip_ids() AS my_editable_trip_ids))))
  WITH CHECK (((trip_id = ANY (ARRAY( SELECT private.my_editable_trip_ids() AS my_editable_trip_ids))) AND ((place_id IS NULL) OR (EXISTS ( SELECT
   FROM public.places
  WHERE ((places.id = trip_items.place_id) AND (places.user_id = ( SELECT auth.uid() AS uid))))) OR ((trip_id, place_id) IN ( SELECT shown.trip_id,
    shown.place_id
   FROM private.my_trip_places() shown(trip_id, place_id))))));

CREATE POLICY "People can view the votes on their trips" ON "public"."votes"
  FOR SELECT
  TO "authenticated"
  USING ((trip_id = ANY (ARRAY( SELECT private.my_trip_ids() AS my_trip_ids))));

CREATE POLICY "People can be seen on their trips" ON "realtime"."messages"
  FOR INSERT
  TO "authenticated"
  WITH CHECK (((extension = 'presence'::text) AND (( SELECT realtime.topic() AS topic) = ANY (ARRAY( SELECT ('trip:'::text || private.my_trip_ids()))))));

CREATE POLICY "People can listen to their trips and to what concerns them" ON "realtime"."messages"
  FOR SELECT
  TO "authenticated"
  USING
    (((EXTENSION = ANY (ARRAY['broadcast'::text, 'presence'::text])) AND ((( SELECT realtime.topic() AS topic) = ('user:'::text || ( SELECT auth.uid() AS uid))) OR (( SELECT
    realtime.topic() AS topic) = ANY (ARRAY( SELECT ('trip:'::text || private.my_trip_ids())))))));

ALTER PUBLICATION "supabase_realtime" ADD TABLE "public"."collaborators";

ALTER PUBLICATION "supabase_realtime" ADD TABLE "public"."votes";

COMMENT ON COLUMN "public"."collaborators"."created_at" IS 'When the person joined the trip.';

COMMENT ON COLUMN "public"."collaborators"."id" IS 'The collaborator''s id.';

COMMENT ON COLUMN "public"."collaborators"."role" IS 'What the person may do: a viewer looks and votes, an editor changes the trip as well.';

COMMENT ON COLUMN "public"."collaborators"."trip_id" IS 'The trip that is shared.';

COMMENT ON COLUMN "public"."collaborators"."updated_at" IS 'When the role last changed.';

COMMENT ON COLUMN "public"."collaborators"."user_id" IS 'The person it is shared with, never its owner.';

COMMENT ON COLUMN "public"."collection_places"."collection_id" IS 'The collection that holds the place.';

COMMENT ON COLUMN "public"."collection_places"."created_at" IS 'When the place was put into the collection.';

COMMENT ON COLUMN "public"."collection_places"."id" IS 'The entry''s id.';

COMMENT ON COLUMN "public"."collection_places"."notes" IS 'Why the place is in the collection, up to 5,000 characters long.';

COMMENT ON COLUMN "public"."collection_places"."order_index" IS 'The place''s position within the collection, counted from 0.';

COMMENT ON COLUMN "public"."collection_places"."place_id" IS 'The place, at most once in a collection.';

COMMENT ON COLUMN "public"."collection_places"."updated_at" IS 'When the entry last changed.';

COMMENT ON COLUMN "public"."collections"."created_at" IS 'When the collection was made.';

COMMENT ON COLUMN "public"."collections"."description" IS 'What the collection is for, up to 5,000 characters long.';

COMMENT ON COLUMN "public"."collections"."id" IS 'The collection''s id.';

COMMENT ON COLUMN "public"."collections"."name" IS 'What the collection is called, up to 200 characters long.';

COMMENT ON COLUMN "public"."collections"."updated_at" IS 'When the collection last changed.';

COMMENT ON COLUMN "public"."invitations"."accepted_at" IS 'When it was accepted.';

COMMENT ON COLUMN "public"."invitations"."created_at" IS 'When it was sent.';

COMMENT ON COLUMN "public"."invitations"."email" IS 'The address it was sent to, in lower case; only its account can accept.';

COMMENT ON COLUMN "public"."invitations"."expires_at" IS 'Until when it can be accepted.';

COMMENT ON COLUMN "public"."invitations"."id" IS 'The invitation''s id.';

COMMENT ON COLUMN "public"."invitations"."role" IS 'What the invited person will be allowed to do.';

COMMENT ON COLUMN "public"."invitations"."status" IS 'What has become of it; one past its time cannot be accepted, though it be still pending.';

COMMENT ON COLUMN "public"."invitations"."token_hash" IS 'SHA-256 of the secret in the mail''s link, which is itself not kept.';

COMMENT ON COLUMN "public"."invitations"."trip_id" IS 'The trip that is to be shared.';

COMMENT ON COLUMN "public"."invitations"."updated_at" IS 'When the invitation last changed.';

COMMENT ON COLUMN "public"."place_tags"."created_at" IS 'When the place was tagged.';

COMMENT ON COLUMN "public"."place_tags"."id" IS 'The mark''s id.';

COMMENT ON COLUMN "public"."place_tags"."place_id" IS 'The place that is tagged.';

COMMENT ON COLUMN "public"."place_tags"."tag_id" IS 'The tag, at most once on a place.';

COMMENT ON COLUMN "public"."place_tags"."updated_at" IS 'When the mark last changed.';

COMMENT ON COLUMN "public"."saved_places"."category" IS 'What kind of place it is.';

COMMENT ON COLUMN "public"."saved_places"."created_at" IS 'When the place was saved.';

COMMENT ON COLUMN "public"."saved_places"."id" IS 'The saved place''s id.';

COMMENT ON COLUMN "public"."saved_places"."name" IS 'What the person calls it, up to 200 characters long; at first the place''s name.';

COMMENT ON COLUMN "public"."saved_places"."notes" IS 'Why the person saved it, up to 5,000 characters long.';

COMMENT ON COLUMN "public"."saved_places"."place_id" IS 'The place on the map, which may be that of a fellow traveller.';

COMMENT ON COLUMN "public"."saved_places"."updated_at" IS 'When the saved place last changed.';

COMMENT ON COLUMN "public"."tags"."colour" IS 'Colour to show the tag in, as #rrggbb.';

COMMENT ON COLUMN "public"."tags"."created_at" IS 'When the tag was made.';

COMMENT ON COLUMN "public"."tags"."id" IS 'The tag''s id.';

COMMENT ON COLUMN "public"."tags"."name" IS 'The word, up to 50 characters long; each person has it once.';

COMMENT ON COLUMN "public"."tags"."updated_at" IS 'When the tag last changed.';

COMMENT ON COLUMN "public"."votes"."comment" IS 'Why, up to 1,000 characters long.';

COMMENT ON COLUMN "public"."votes"."created_at" IS 'When the person first voted.';

COMMENT ON COLUMN "public"."votes"."id" IS 'The vote''s id.';

COMMENT ON COLUMN "public"."votes"."trip_id" IS 'The trip of the item, kept by the database.';

COMMENT ON COLUMN "public"."votes"."trip_item_id" IS 'The item that is voted on.';

COMMENT ON COLUMN "public"."votes"."updated_at" IS 'When the vote last changed.';

COMMENT ON COLUMN "public"."votes"."value" IS 'For (1), against (-1), or neither (0).';

COMMENT ON FUNCTION "private"."my_companion_ids"() IS 'The people on the trips that the caller may see.';

COMMENT ON FUNCTION "private"."my_email"() IS 'The caller''s e-mail address if it is confirmed, or null.';

COMMENT ON FUNCTION "private"."my_own_trip_ids"() IS 'The trips that the caller owns.';

COMMENT ON FUNCTION "private"."my_trip_places"() IS 'The places that the items of each trip name, of the trips that the caller may see.';

COMMENT ON FUNCTION "public"."accept_invitation"(text) IS 'Accepts an invitation by the secret in its link, once.';

COMMENT ON FUNCTION "public"."cast_vote"(uuid, integer, text) IS 'Sets the caller''s vote on an item, and replaces the one before.';

COMMENT ON FUNCTION "public"."move_trip_item"(uuid, integer, integer) IS 'Moves an item to a position of a day, at most the last; the others close up.';

COMMENT ON FUNCTION "public"."vote_summary"(public.trip_items) IS 'What the people on the trip think of an item, and the caller''s own vote.';

COMMENT ON TABLE "private"."sent_invitations" IS 'One entry for each invitation of the last hour, for limits.';

COMMENT ON TABLE "public"."collaborators" IS 'Somebody who plans a trip together with its owner.';

COMMENT ON TABLE "public"."collection_places" IS 'A place within a collection.';

COMMENT ON TABLE "public"."collections" IS 'Places that a person keeps together under a name.';

COMMENT ON TABLE "public"."invitations" IS 'An offer, sent by e-mail, to plan a trip together.';

COMMENT ON TABLE "public"."place_tags" IS 'A tag on a place, for the eyes of the one who put it there.';

COMMENT ON TABLE "public"."saved_places" IS 'Somewhere that a person wants to remember, on a trip or not.';

COMMENT ON TABLE "public"."tags" IS 'A word that a person marks places with.';

COMMENT ON TABLE "public"."votes" IS 'What one person on a trip thinks of one of its items.';

REVOKE ALL ON FUNCTION "private"."broadcast_change"(text, text, name, record, record) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."broadcast_invitation"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."broadcast_membership"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."broadcast_trip"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."broadcast_trip_part"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."carry_votes"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."limit_invitations"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."my_companion_ids"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "private"."my_companion_ids"() TO "authenticated";

REVOKE ALL ON FUNCTION "private"."my_email"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "private"."my_email"() TO "authenticated";

REVOKE ALL ON FUNCTION "private"."my_own_trip_ids"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "private"."my_own_trip_ids"() TO "authenticated";

REVOKE ALL ON FUNCTION "private"."my_trip_places"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "private"."my_trip_places"() TO "authenticated";

REVOKE ALL ON FUNCTION "private"."name_saved_place"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."refuse_owner_as_collaborator"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."set_vote_trip"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."withdraw_votes"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."accept_invitation"(text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."cast_vote"(uuid, integer, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."move_trip_item"(uuid, integer, integer) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."vote_summary"(public.trip_items) TO "authenticated";

REVOKE ALL ON TABLE "public"."collaborators" FROM "authenticated";

REVOKE ALL ("role") ON TABLE "public"."collaborators" FROM "authenticated";

GRANT UPDATE ("role") ON TABLE "public"."collaborators" TO "authenticated";

GRANT DELETE, SELECT ON TABLE "public"."collaborators" TO "authenticated";

GRANT DELETE, INSERT, MAINTAIN, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE ON TABLE "public"."collaborators" TO "service_role";

REVOKE ALL ON TABLE "public"."collection_places" FROM "authenticated";

REVOKE ALL ("collection_id") ON TABLE "public"."collection_places" FROM "authenticated";

GRANT INSERT ("collection_id") ON TABLE "public"."collection_places" TO "authenticated";

REVOKE ALL ("id") ON TABLE "public"."collection_places" FROM "authenticated";

GRANT INSERT ("id") ON TABLE "public"."collection_places" TO "authenticated";

REVOKE ALL ("notes") ON TABLE "public"."collection_places" FROM "authenticated";

GRANT INSERT ("notes"), UPDATE ("notes") ON TABLE "public"."collection_places" TO "authenticated";

REVOKE ALL ("order_index") ON TABLE "public"."collection_places" FROM "authenticated";

GRANT INSERT ("order_index"), UPDATE ("order_index") ON TABLE "public"."collection_places" TO "authenticated";

REVOKE ALL ("place_id") ON TABLE "public"."collection_places" FROM "authenticated";

GRANT INSERT ("place_id") ON TABLE "public"."collection_places" TO "authenticated";

GRANT DELETE, SELECT ON TABLE "public"."collection_places" TO "authenticated";

GRANT DELETE, INSERT, MAINTAIN, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE ON TABLE "public"."collection_places" TO "service_role";

REVOKE ALL ON TABLE "public"."collections" FROM "authenticated";

REVOKE ALL ("description") ON TABLE "public"."collections" FROM "authenticated";

GRANT INSERT ("description"), UPDATE ("description") ON TABLE "public"."collections" TO "authenticated";

REVOKE ALL ("id") ON TABLE "public"."collections" FROM "authenticated";

GRANT INSERT ("id") ON TABLE "public"."collections" TO "authenticated";

REVOKE ALL ("name") ON TABLE "public"."collections" FROM "authenticated";

GRANT INSERT ("name"), UPDATE ("name") ON TABLE "public"."collections" TO "authenticated";

GRANT DELETE, SELECT ON TABLE "public"."collections" TO "authenticated";

GRANT DELETE, INSERT, MAINTAIN, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE ON TABLE "public"."collections" TO "service_role";

REVOKE ALL ON TABLE "public"."invitations" FROM "authenticated";

REVOKE ALL ("accepted_at") ON TABLE "public"."invitations" FROM "authenticated";

GRANT SELECT ("accepted_at") ON TABLE "public"."invitations" TO "authenticated";

REVOKE ALL ("created_at") ON TABLE "public"."invitations" FROM "authenticated";

GRANT SELECT ("created_at") ON TABLE "public"."invitations" TO "authenticated";

REVOKE ALL ("email") ON TABLE "public"."invitations" FROM "authenticated";

GRANT INSERT ("email"), SELECT ("email") ON TABLE "public"."invitations" TO "authenticated";

REVOKE ALL ("expires_at") ON TABLE "public"."invitations" FROM "authenticated";

GRANT SELECT ("expires_at") ON TABLE "public"."invitations" TO "authenticated";

REVOKE ALL ("id") ON TABLE "public"."invitations" FROM "authenticated";

GRANT INSERT ("id"), SELECT ("id") ON TABLE "public"."invitations" TO "authenticated";

REVOKE ALL ("role") ON TABLE "public"."invitations" FROM "authenticated";

GRANT INSERT ("role"), SELECT ("role") ON TABLE "public"."invitations" TO "authenticated";

REVOKE ALL ("status") ON TABLE "public"."invitations" FROM "authenticated";

GRANT SELECT ("status"), UPDATE ("status") ON TABLE "public"."invitations" TO "authenticated";

REVOKE ALL ("token_hash") ON TABLE "public"."invitations" FROM "authenticated";

GRANT INSERT ("token_hash") ON TABLE "public"."invitations" TO "authenticated";

REVOKE ALL ("trip_id") ON TABLE "public"."invitations" FROM "authenticated";

GRANT INSERT ("trip_id"), SELECT ("trip_id") ON TABLE "public"."invitations" TO "authenticated";

REVOKE ALL ("updated_at") ON TABLE "public"."invitations" FROM "authenticated";

GRANT SELECT ("updated_at") ON TABLE "public"."invitations" TO "authenticated";

REVOKE ALL ON TABLE "public"."invitations" FROM "service_role";

REVOKE ALL ("accepted_at") ON TABLE "public"."invitations" FROM "service_role";

GRANT SELECT ("accepted_at") ON TABLE "public"."invitations" TO "service_role";

REVOKE ALL ("created_at") ON TABLE "public"."invitations" FROM "service_role";

GRANT SELECT ("created_at") ON TABLE "public"."invitations" TO "service_role";

REVOKE ALL ("email") ON TABLE "public"."invitations" FROM "service_role";

GRANT SELECT ("email") ON TABLE "public"."invitations" TO "service_role";

REVOKE ALL ("expires_at") ON TABLE "public"."invitations" FROM "service_role";

GRANT SELECT ("expires_at") ON TABLE "public"."invitations" TO "service_role";

REVOKE ALL ("id") ON TABLE "public"."invitations" FROM "service_role";

GRANT SELECT ("id") ON TABLE "public"."invitations" TO "service_role";

REVOKE ALL ("role") ON TABLE "public"."invitations" FROM "service_role";

GRANT SELECT ("role") ON TABLE "public"."invitations" TO "service_role";

REVOKE ALL ("status") ON TABLE "public"."invitations" FROM "service_role";

GRANT SELECT ("status") ON TABLE "public"."invitations" TO "service_role";

REVOKE ALL ("trip_id") ON TABLE "public"."invitations" FROM "service_role";

GRANT SELECT ("trip_id") ON TABLE "public"."invitations" TO "service_role";

REVOKE ALL ("updated_at") ON TABLE "public"."invitations" FROM "service_role";

GRANT SELECT ("updated_at") ON TABLE "public"."invitations" TO "service_role";

GRANT DELETE, INSERT, REFERENCES, TRIGGER, TRUNCATE, UPDATE ON TABLE "public"."invitations" TO "service_role";

REVOKE ALL ON TABLE "public"."place_tags" FROM "authenticated";

REVOKE ALL ("id") ON TABLE "public"."place_tags" FROM "authenticated";

GRANT INSERT ("id") ON TABLE "public"."place_tags" TO "authenticated";

REVOKE ALL ("place_id") ON TABLE "public"."place_tags" FROM "authenticated";

GRANT INSERT ("place_id") ON TABLE "public"."place_tags" TO "authenticated";

REVOKE ALL ("tag_id") ON TABLE "public"."place_tags" FROM "authenticated";

GRANT INSERT ("tag_id") ON TABLE "public"."place_tags" TO "authenticated";

GRANT DELETE, SELECT ON TABLE "public"."place_tags" TO "authenticated";

GRANT DELETE, INSERT, MAINTAIN, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE ON TABLE "public"."place_tags" TO "service_role";

REVOKE ALL ON TABLE "public"."saved_places" FROM "authenticated";

REVOKE ALL ("category") ON TABLE "public"."saved_places" FROM "authenticated";

GRANT INSERT ("category"), UPDATE ("category") ON TABLE "public"."saved_places" TO "authenticated";

REVOKE ALL ("id") ON TABLE "public"."saved_places" FROM "authenticated";

GRANT INSERT ("id") ON TABLE "public"."saved_places" TO "authenticated";

REVOKE ALL ("name") ON TABLE "public"."saved_places" FROM "authenticated";

GRANT INSERT ("name"), UPDATE ("name") ON TABLE "public"."saved_places" TO "authenticated";

REVOKE ALL ("notes") ON TABLE "public"."saved_places" FROM "authenticated";

GRANT INSERT ("notes"), UPDATE ("notes") ON TABLE "public"."saved_places" TO "authenticated";

REVOKE ALL ("place_id") ON TABLE "public"."saved_places" FROM "authenticated";

GRANT INSERT ("place_id") ON TABLE "public"."saved_places" TO "authenticated";

GRANT DELETE, SELECT ON TABLE "public"."saved_places" TO "authenticated";

GRANT DELETE, INSERT, MAINTAIN, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE ON TABLE "public"."saved_places" TO "service_role";

REVOKE ALL ON TABLE "public"."tags" FROM "authenticated";

REVOKE ALL ("colour") ON TABLE "public"."tags" FROM "authenticated";

GRANT INSERT ("colour"), UPDATE ("colour") ON TABLE "public"."tags" TO "authenticated";

REVOKE ALL ("id") ON TABLE "public"."tags" FROM "authenticated";

GRANT INSERT ("id") ON TABLE "public"."tags" TO "authenticated";

REVOKE ALL ("name") ON TABLE "public"."tags" FROM "authenticated";

GRANT INSERT ("name"), UPDATE ("name") ON TABLE "public"."tags" TO "authenticated";

GRANT DELETE, SELECT ON TABLE "public"."tags" TO "authenticated";

GRANT DELETE, INSERT, MAINTAIN, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE ON TABLE "public"."tags" TO "service_role";

REVOKE ALL ON TABLE "public"."votes" FROM "authenticated";

REVOKE ALL ("comment") ON TABLE "public"."votes" FROM "authenticated";

GRANT INSERT ("comment"), UPDATE ("comment") ON TABLE "public"."votes" TO "authenticated";

REVOKE ALL ("id") ON TABLE "public"."votes" FROM "authenticated";

GRANT INSERT ("id") ON TABLE "public"."votes" TO "authenticated";

REVOKE ALL ("trip_item_id") ON TABLE "public"."votes" FROM "authenticated";

GRANT INSERT ("trip_item_id") ON TABLE "public"."votes" TO "authenticated";

REVOKE ALL ("value") ON TABLE "public"."votes" FROM "authenticated";

GRANT INSERT ("value"), UPDATE ("value") ON TABLE "public"."votes" TO "authenticated";

GRANT DELETE, SELECT ON TABLE "public"."votes" TO "authenticated";

GRANT DELETE, INSERT, MAINTAIN, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE ON TABLE "public"."votes" TO "service_role";

ALTER TABLE "public"."collection_places"
  ADD CONSTRAINT "fk_collection_places_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

CREATE INDEX idx_collection_places_user_id ON public.collection_places USING btree (user_id);

CREATE POLICY "People can put places they can see into their collections" ON "public"."collection_places"
  FOR INSERT
  TO "authenticated"
  WITH CHECK (((user_id = ( SELECT auth.uid() AS uid)) AND (EXISTS ( SELECT
   FROM public.collections
  WHERE (collections.id = collection_places.collection_id))) AND (EXISTS ( SELECT
   FROM public.places
  WHERE (places.id = collection_places.place_id)))));

CREATE POLICY "People can take places out of their collections" ON "public"."collection_places"
  FOR DELETE
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "People can update what is in their collections" ON "public"."collection_places"
  FOR UPDATE
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)))
  WITH CHECK ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "People can view what is in their collections" ON "public"."collection_places"
  FOR SELECT
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)));

COMMENT ON COLUMN "public"."collection_places"."user_id" IS 'The person who keeps the collection.';

REVOKE ALL ("user_id") ON TABLE "public"."collection_places" FROM "authenticated";

GRANT INSERT ("user_id") ON TABLE "public"."collection_places" TO "authenticated";

ALTER TABLE "public"."collections"
  ADD CONSTRAINT "fk_collections_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

CREATE INDEX idx_collections_user_id_created_at ON public.collections USING btree (user_id, created_at DESC);

CREATE POLICY "People can create collections of their own" ON "public"."collections"
  FOR INSERT
  TO "authenticated"
  WITH CHECK ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "People can delete their own collections" ON "public"."collections"
  FOR DELETE
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "People can update their own collections" ON "public"."collections"
  FOR UPDATE
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)))
  WITH CHECK ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "People can view their own collections" ON "public"."collections"
  FOR SELECT
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)));

COMMENT ON COLUMN "public"."collections"."user_id" IS 'The person who keeps the collection.';

REVOKE ALL ("user_id") ON TABLE "public"."collections" FROM "authenticated";

GRANT INSERT ("user_id") ON TABLE "public"."collections" TO "authenticated";

ALTER TABLE "public"."invitations"
  ADD CONSTRAINT "fk_invitations_invited_by" FOREIGN KEY (invited_by) REFERENCES public.profiles(id) ON DELETE CASCADE;

CREATE INDEX idx_invitations_invited_by ON public.invitations USING btree (invited_by);

CREATE POLICY "Owners can invite to their trips" ON "public"."invitations"
  FOR INSERT
  TO "authenticated"
  WITH CHECK (((trip_id = ANY (ARRAY( SELECT private.my_own_trip_ids() AS my_own_trip_ids))) AND (invited_by = ( SELECT auth.uid() AS uid))));

COMMENT ON COLUMN "public"."invitations"."invited_by" IS 'The person who sent it.';

REVOKE ALL ("invited_by") ON TABLE "public"."invitations" FROM "authenticated";

GRANT SELECT ("invited_by") ON TABLE "public"."invitations" TO "authenticated";

REVOKE ALL ("invited_by") ON TABLE "public"."invitations" FROM "service_role";

GRANT SELECT ("invited_by") ON TABLE "public"."invitations" TO "service_role";

ALTER TABLE "public"."place_tags"
  ADD CONSTRAINT "fk_place_tags_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

CREATE INDEX idx_place_tags_user_id ON public.place_tags USING btree (user_id);

CREATE POLICY "People can tag places they can see" ON "public"."place_tags"
  FOR INSERT
  TO "authenticated"
  WITH CHECK (((user_id = ( SELECT auth.uid() AS uid)) AND (EXISTS ( SELECT
   FROM public.tags
  WHERE (tags.id = place_tags.tag_id))) AND (EXISTS ( SELECT
   FROM public.places
  WHERE (places.id = place_tags.place_id)))));

CREATE POLICY "People can take their tags off places" ON "public"."place_tags"
  FOR DELETE
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "People can view where they put their tags" ON "public"."place_tags"
  FOR SELECT
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)));

COMMENT ON COLUMN "public"."place_tags"."user_id" IS 'The person whose tag it is.';

REVOKE ALL ("user_id") ON TABLE "public"."place_tags" FROM "authenticated";

GRANT INSERT ("user_id") ON TABLE "public"."place_tags" TO "authenticated";

ALTER TABLE "public"."saved_places"
  ADD CONSTRAINT "fk_saved_places_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

CREATE INDEX idx_saved_places_user_id_category ON public.saved_places USING btree (user_id, category);

CREATE INDEX idx_saved_places_user_id_created_at ON public.saved_places USING btree (user_id, created_at DESC);

CREATE POLICY "People can delete the places they saved" ON "public"."saved_places"
  FOR DELETE
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "People can save places they can see" ON "public"."saved_places"
  FOR INSERT
  TO "authenticated"
  WITH CHECK (((user_id = ( SELECT auth.uid() AS uid)) AND ((place_id IS NULL) OR (EXISTS ( SELECT
   FROM public.places
  WHERE (places.id = saved_places.place_id))))));

CREATE POLICY "People can update the places they saved" ON "public"."saved_places"
  FOR UPDATE
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)))
  WITH CHECK ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "People can view the places they saved" ON "public"."saved_places"
  FOR SELECT
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)));

COMMENT ON COLUMN "public"."saved_places"."user_id" IS 'The person who saved the place.';

REVOKE ALL ("user_id") ON TABLE "public"."saved_places" FROM "authenticated";

GRANT INSERT ("user_id") ON TABLE "public"."saved_places" TO "authenticated";

ALTER TABLE "public"."tags"
  ADD CONSTRAINT "fk_tags_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

CREATE POLICY "People can create tags of their own" ON "public"."tags"
  FOR INSERT
  TO "authenticated"
  WITH CHECK ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "People can delete their own tags" ON "public"."tags"
  FOR DELETE
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "People can update their own tags" ON "public"."tags"
  FOR UPDATE
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)))
  WITH CHECK ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "People can view their own tags" ON "public"."tags"
  FOR SELECT
  TO "authenticated"
  USING ((user_id = ( SELECT auth.uid() AS uid)));

COMMENT ON COLUMN "public"."tags"."user_id" IS 'The person whose tag it is.';

REVOKE ALL ("user_id") ON TABLE "public"."tags" FROM "authenticated";

GRANT INSERT ("user_id") ON TABLE "public"."tags" TO "authenticated";

ALTER TABLE "public"."votes"
  ADD CONSTRAINT "fk_votes_user_id" FOREIGN KEY (user_id) REFERENCES public.profiles(id) ON DELETE CASCADE;

CREATE INDEX idx_votes_trip_id_user_id ON public.votes USING btree (trip_id, user_id);

CREATE INDEX idx_votes_user_id_created_at ON public.votes USING btree (user_id, created_at DESC);

CREATE POLICY "People can change their own votes" ON "public"."votes"
  FOR UPDATE
  TO "authenticated"
  USING (((user_id = ( SELECT auth.uid() AS uid)) AND (trip_id = ANY (ARRAY( SELECT private.my_trip_ids() AS my_trip_ids)))))
  WITH CHECK (((user_id = ( SELECT auth.uid() AS uid)) AND (trip_id = ANY (ARRAY( SELECT private.my_trip_ids() AS my_trip_ids)))));

CREATE POLICY "People can retract their own votes" ON "public"."votes"
  FOR DELETE
  TO "authenticated"
  USING (((user_id = ( SELECT auth.uid() AS uid)) AND (trip_id = ANY (ARRAY( SELECT private.my_trip_ids() AS my_trip_ids)))));

CREATE POLICY "People can vote as themselves on their trips" ON "public"."votes"
  FOR INSERT
  TO "authenticated"
  WITH CHECK (((user_id = ( SELECT auth.uid() AS uid)) AND (trip_id = ANY (ARRAY( SELECT private.my_trip_ids() AS my_trip_ids)))));

COMMENT ON COLUMN "public"."votes"."user_id" IS 'The person who votes, once an item.';

REVOKE ALL ("user_id") ON TABLE "public"."votes" FROM "authenticated";

GRANT INSERT ("user_id") ON TABLE "public"."votes" TO "authenticated";
