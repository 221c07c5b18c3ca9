-- Stage 2: what people keep (saved places, collections, tags), trips that several people plan together (invitations,
-- collaborators, votes), and collections that they share.
--
-- Every table carries the column that its policies ask for, `user_id` or `trip_id`, even where another table knows it:
-- a policy that must join is slow, and a broadcast has no other way to know its topic.


-- saved_places --------------------------------------------------------------------------------------------------------

create table public.saved_places (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null default auth.uid(),
    place_id uuid,
    name text not null default '',
    category text not null default 'other',
    notes text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint saved_places_pkey primary key (id),
    constraint saved_places_user_id_place_id_key unique (user_id, place_id),
    constraint fk_saved_places_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint fk_saved_places_place_id foreign key (place_id) references public.places (id) on delete set null,
    constraint saved_places_name_check check (char_length(name) <= 200 and name ~ '\S'),
    constraint saved_places_category_check check (
        category in (
            'attraction', 'museum', 'nature', 'beach', 'restaurant', 'cafe', 'bar', 'shop', 'lodging', 'transport', 'other'
        )
    ),
    constraint saved_places_notes_check check (char_length(notes) <= 5000)
);

comment on table public.saved_places is 'Somewhere that a person wants to remember, on a trip or not.';
comment on column public.saved_places.id is 'The saved place''s id.';
comment on column public.saved_places.user_id is 'The person who saved the place.';
comment on column public.saved_places.place_id is 'The place on the map, which may be that of a fellow traveller.';
comment on column public.saved_places.name is 'What the person calls it, up to 200 characters long; at first the place''s name.';
comment on column public.saved_places.category is 'What kind of place it is.';
comment on column public.saved_places.notes is 'Why the person saved it, up to 5,000 characters long.';
comment on column public.saved_places.created_at is 'When the place was saved.';
comment on column public.saved_places.updated_at is 'When the saved place last changed.';
-- What is told to whoever breaks them.
comment on constraint saved_places_name_check on public.saved_places is 'A saved place''s name is 1 to 200 characters long, and not all of them are blank.';
comment on constraint saved_places_category_check on public.saved_places is 'There is no such category of places.';
comment on constraint saved_places_notes_check on public.saved_places is 'Notes are at most 5,000 characters long.';

create index idx_saved_places_user_id_created_at on public.saved_places (user_id, created_at desc);
create index idx_saved_places_user_id_category on public.saved_places (user_id, category);
create index idx_saved_places_place_id on public.saved_places (place_id);

-- The name stays when the place goes, or is no longer shared. Looked up under the caller's own policies.
create function private.name_saved_place() returns trigger language plpgsql set search_path = '' as $$
begin
    select places.name into new.name from public.places where places.id = new.place_id;
    new.name := coalesce(new.name, '');
    return new;
end
$$;
revoke execute on function private.name_saved_place() from public;

create trigger name_saved_places before insert on public.saved_places
    for each row when (new.name = '' and new.place_id is not null) execute function private.name_saved_place();


-- collections ---------------------------------------------------------------------------------------------------------

create table public.collections (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null default auth.uid(),
    name text not null,
    description text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint collections_pkey primary key (id),
    constraint fk_collections_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint collections_name_check check (char_length(name) <= 200 and name ~ '\S'),
    constraint collections_description_check check (char_length(description) <= 5000)
);

comment on table public.collections is 'Places that a person keeps together under a name, alone or with others.';
comment on column public.collections.id is 'The collection''s id.';
comment on column public.collections.user_id is 'The person who keeps the collection.';
comment on column public.collections.name is 'What the collection is called, up to 200 characters long.';
comment on column public.collections.description is 'What the collection is for, up to 5,000 characters long.';
comment on column public.collections.created_at is 'When the collection was made.';
comment on column public.collections.updated_at is 'When the collection last changed.';
-- What is told to whoever breaks them.
comment on constraint collections_name_check on public.collections is 'A collection''s name is 1 to 200 characters long, and not all of them are blank.';
comment on constraint collections_description_check on public.collections is 'A collection''s description is at most 5,000 characters long.';

create index idx_collections_user_id_created_at on public.collections (user_id, created_at desc);


-- collection_places ---------------------------------------------------------------------------------------------------

create table public.collection_places (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null default auth.uid(),
    collection_id uuid not null,
    place_id uuid not null,
    order_index integer not null default nullif(0, 0), -- as of trip_items
    notes text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint collection_places_pkey primary key (id),
    constraint collection_places_collection_id_place_id_key unique (collection_id, place_id),
    constraint fk_collection_places_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint fk_collection_places_collection_id
        foreign key (collection_id) references public.collections (id) on delete cascade,
    constraint fk_collection_places_place_id foreign key (place_id) references public.places (id) on delete cascade,
    constraint collection_places_order_index_check check (order_index >= 0),
    constraint collection_places_notes_check check (char_length(notes) <= 5000)
);

comment on table public.collection_places is 'A place within a collection.';
comment on column public.collection_places.id is 'The entry''s id.';
comment on column public.collection_places.user_id is 'The person who put the place into the collection.';
comment on column public.collection_places.collection_id is 'The collection that holds the place.';
comment on column public.collection_places.place_id is 'The place, at most once in a collection.';
comment on column public.collection_places.order_index is 'The place''s position within the collection, counted from 0; without one it comes last.';
comment on column public.collection_places.notes is 'Why the place is in the collection, up to 5,000 characters long.';
comment on column public.collection_places.created_at is 'When the place was put into the collection.';
comment on column public.collection_places.updated_at is 'When the entry last changed.';
-- What is told to whoever breaks them.
comment on constraint collection_places_order_index_check on public.collection_places is 'Positions are counted from 0.';
comment on constraint collection_places_notes_check on public.collection_places is 'Notes are at most 5,000 characters long.';

create index idx_collection_places_user_id on public.collection_places (user_id);
create index idx_collection_places_place_id on public.collection_places (place_id);

-- A place that says no position comes last, as items of a trip do.
create function private.append_collection_place() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform from public.collections where collections.id = new.collection_id for no key update;
    new.order_index := (
        select least(coalesce(max(entries.order_index), -1), 2147483646) + 1 from public.collection_places as entries
        where entries.collection_id = new.collection_id
    );
    return new;
end
$$;
revoke execute on function private.append_collection_place() from public;

create trigger append_collection_places before insert on public.collection_places
    for each row when (new.order_index is null) execute function private.append_collection_place();

-- Others see a place where its keeper has put it, so that of the keeper takes the place of an entry that somebody else has
-- made: where it was, and with what was written there, unless something else is said. In the order of their names.
create function private.adopt_collection_place() returns trigger language plpgsql set search_path = '' as $$
declare
    before record;
begin
    delete from public.collection_places as entries
    where entries.collection_id = new.collection_id and entries.place_id = new.place_id
        and entries.user_id <> new.user_id
        and exists (select from public.places where places.id = new.place_id and places.user_id = new.user_id)
    returning entries.order_index, entries.notes into before;
    if found then
        new.order_index := coalesce(new.order_index, before.order_index);
        new.notes := coalesce(new.notes, before.notes);
    end if;
    return new;
end
$$;
revoke execute on function private.adopt_collection_place() from public;

create trigger adopt_collection_places before insert on public.collection_places
    for each row execute function private.adopt_collection_place();


-- tags ----------------------------------------------------------------------------------------------------------------

create table public.tags (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null default auth.uid(),
    name text not null,
    colour text not null default '#64748b',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint tags_pkey primary key (id),
    constraint tags_user_id_name_key unique (user_id, name),
    constraint fk_tags_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint tags_name_check check (char_length(name) <= 50 and name ~ '\S'),
    constraint tags_colour_check check (colour ~ '^#[0-9A-Fa-f]{6}$')
);

comment on table public.tags is 'A word that a person marks places with.';
comment on column public.tags.id is 'The tag''s id.';
comment on column public.tags.user_id is 'The person whose tag it is.';
comment on column public.tags.name is 'The word, up to 50 characters long; each person has it once.';
comment on column public.tags.colour is 'Colour to show the tag in, as #rrggbb.';
comment on column public.tags.created_at is 'When the tag was made.';
comment on column public.tags.updated_at is 'When the tag last changed.';
-- What is told to whoever breaks them.
comment on constraint tags_name_check on public.tags is 'A tag''s name is 1 to 50 characters long, and not all of them are blank.';
comment on constraint tags_colour_check on public.tags is 'A colour is written as #rrggbb.';


-- place_tags ----------------------------------------------------------------------------------------------------------

create table public.place_tags (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null default auth.uid(),
    place_id uuid not null,
    tag_id uuid not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint place_tags_pkey primary key (id),
    constraint place_tags_place_id_tag_id_key unique (place_id, tag_id),
    constraint fk_place_tags_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint fk_place_tags_place_id foreign key (place_id) references public.places (id) on delete cascade,
    constraint fk_place_tags_tag_id foreign key (tag_id) references public.tags (id) on delete cascade
);

comment on table public.place_tags is 'A tag on a place, for the eyes of the one who put it there.';
comment on column public.place_tags.id is 'The mark''s id.';
comment on column public.place_tags.user_id is 'The person whose tag it is.';
comment on column public.place_tags.place_id is 'The place that is tagged.';
comment on column public.place_tags.tag_id is 'The tag, at most once on a place.';
comment on column public.place_tags.created_at is 'When the place was tagged.';
comment on column public.place_tags.updated_at is 'When the mark last changed.';

create index idx_place_tags_user_id on public.place_tags (user_id);
create index idx_place_tags_tag_id on public.place_tags (tag_id);


-- collaborators -------------------------------------------------------------------------------------------------------

create table public.collaborators (
    id uuid not null default gen_random_uuid(),
    trip_id uuid not null,
    user_id uuid not null,
    role text not null default 'viewer',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint collaborators_pkey primary key (id),
    constraint collaborators_trip_id_user_id_key unique (trip_id, user_id),
    constraint fk_collaborators_trip_id foreign key (trip_id) references public.trips (id) on delete cascade,
    constraint fk_collaborators_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint collaborators_role_check check (role in ('viewer', 'editor'))
);

comment on table public.collaborators is 'Somebody who plans a trip together with its owner.';
comment on column public.collaborators.id is 'The collaborator''s id.';
comment on column public.collaborators.trip_id is 'The trip that is shared.';
comment on column public.collaborators.user_id is 'The person it is shared with, never its owner.';
comment on column public.collaborators.role is 'What the person may do: a viewer looks and votes, an editor changes the trip as well.';
comment on column public.collaborators.created_at is 'When the person joined the trip.';
comment on column public.collaborators.updated_at is 'When the role last changed.';
-- What is told to whoever breaks them.
comment on constraint collaborators_role_check on public.collaborators is 'A collaborator is a viewer or an editor.';

create index idx_collaborators_user_id_trip_id on public.collaborators (user_id, trip_id);

-- Worded and coded like a check, which cannot look into another table. Arguments: the table of what is shared, and the
-- column with its key.
create function private.refuse_owner_as_member() returns trigger
language plpgsql security definer set search_path = '' as $$
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
            hint = 'Whoever owns it takes part already.',
            schema = 'public', table = tg_table_name, constraint = tg_table_name || '_user_id_check';
    end if;
    return new;
end
$$;
revoke execute on function private.refuse_owner_as_member() from public;

create trigger refuse_owner_as_collaborator before insert or update of trip_id, user_id on public.collaborators
    for each row execute function private.refuse_owner_as_member('trips', 'trip_id');


-- collection_members --------------------------------------------------------------------------------------------------

create table public.collection_members (
    id uuid not null default gen_random_uuid(),
    collection_id uuid not null,
    user_id uuid not null,
    role text not null default 'viewer',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint collection_members_pkey primary key (id),
    constraint collection_members_collection_id_user_id_key unique (collection_id, user_id),
    constraint fk_collection_members_collection_id
        foreign key (collection_id) references public.collections (id) on delete cascade,
    constraint fk_collection_members_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint collection_members_role_check check (role in ('viewer', 'editor'))
);

comment on table public.collection_members is 'Somebody with whom a collection is shared.';
comment on column public.collection_members.id is 'The member''s id.';
comment on column public.collection_members.collection_id is 'The collection that is shared.';
comment on column public.collection_members.user_id is 'The person it is shared with, never its owner.';
comment on column public.collection_members.role is 'What the person may do: a viewer looks, an editor puts places in, orders them and takes them out as well.';
comment on column public.collection_members.created_at is 'When the person joined.';
comment on column public.collection_members.updated_at is 'When the role last changed.';
-- What is told to whoever breaks them.
comment on constraint collection_members_role_check on public.collection_members is 'A member of a collection is a viewer or an editor.';

create index idx_collection_members_user_id_collection_id on public.collection_members (user_id, collection_id);

create trigger refuse_owner_as_collection_member before insert or update of collection_id, user_id
    on public.collection_members
    for each row execute function private.refuse_owner_as_member('collections', 'collection_id');


-- invitations ---------------------------------------------------------------------------------------------------------

create table public.invitations (
    id uuid not null default gen_random_uuid(),
    trip_id uuid not null,
    email text not null,
    role text not null default 'viewer',
    token_hash text not null,
    status text not null default 'pending',
    invited_by uuid not null default auth.uid(),
    expires_at timestamptz not null default now() + interval '7 days',
    accepted_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint invitations_pkey primary key (id),
    constraint invitations_token_hash_key unique (token_hash),
    constraint fk_invitations_trip_id foreign key (trip_id) references public.trips (id) on delete cascade,
    constraint fk_invitations_invited_by foreign key (invited_by) references public.profiles (id) on delete cascade,
    -- Lower case, as Auth keeps addresses, so that two can be compared; and nothing that makes two addresses of one, or a
    -- name and an address, in a mail's header.
    constraint invitations_email_check
        check (
            char_length(email) <= 254 and email = lower(email)
            and email ~ '^[^\s[:cntrl:]@<>()\[\]\\,;:"]+@[^\s[:cntrl:]@<>()\[\]\\,;:"]+\.[^\s[:cntrl:]@<>()\[\]\\,;:"]+$'
        ),
    constraint invitations_role_check check (role in ('viewer', 'editor')),
    constraint invitations_token_hash_check check (token_hash ~ '^[0-9a-f]{64}$'),
    constraint invitations_status_check check (status in ('pending', 'accepted', 'revoked', 'expired')),
    constraint invitations_accepted_at_check check ((accepted_at is not null) = (status = 'accepted'))
);

comment on table public.invitations is 'An offer, sent by e-mail, to plan a trip together.';
comment on column public.invitations.id is 'The invitation''s id.';
comment on column public.invitations.trip_id is 'The trip that is to be shared.';
comment on column public.invitations.email is 'The address it was sent to, in lower case; only its account can accept.';
comment on column public.invitations.role is 'What the invited person will be allowed to do.';
comment on column public.invitations.token_hash is 'SHA-256 of the secret in the mail''s link, which is itself not kept.';
comment on column public.invitations.status is 'What has become of it; one past its time cannot be accepted, though it be still pending.';
comment on column public.invitations.invited_by is 'The person who sent it.';
comment on column public.invitations.expires_at is 'Until when it can be accepted.';
comment on column public.invitations.accepted_at is 'When it was accepted.';
comment on column public.invitations.created_at is 'When it was sent.';
comment on column public.invitations.updated_at is 'When the invitation last changed.';
-- What is told to whoever breaks them.
comment on constraint invitations_email_check on public.invitations is 'An invitation goes to one e-mail address in lower case, of at most 254 characters, without a name or a comment.';
comment on constraint invitations_role_check on public.invitations is 'Somebody is invited as a viewer or an editor.';
comment on constraint invitations_token_hash_check on public.invitations is 'The hash of a secret is 64 hexadecimal digits.';
comment on constraint invitations_status_check on public.invitations is 'There is no such status of invitations.';
comment on constraint invitations_accepted_at_check on public.invitations is 'An invitation says when it was accepted once it was, and not before.';

create index idx_invitations_trip_id_created_at on public.invitations (trip_id, created_at desc);
create index idx_invitations_email_status on public.invitations (email, status);
create index idx_invitations_invited_by on public.invitations (invited_by);

-- Who announced invitations within the last hour, to trips and to whatever else people share. Kept apart, so that deleting
-- a trip does not make room for more, and entered by a call of its own, so that undoing the invitation does not either: an
-- invitation that is refused tells something of the address, and whoever could ask without being counted could try one
-- address after the other.
create table private.announced_invitations (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    scope text not null,
    scope_id uuid not null,
    email_hash bytea not null,
    announced_at timestamptz not null default clock_timestamp(),

    constraint announced_invitations_pkey primary key (id),
    constraint fk_announced_invitations_user_id foreign key (user_id) references public.profiles (id) on delete cascade
);
comment on table private.announced_invitations is 'One entry for each invitation of the last hour, sent or not, for limits.';
create index idx_announced_invitations_user_id_announced_at
    on private.announced_invitations (user_id, announced_at);
alter table private.announced_invitations enable row level security;
-- Its owner needs no policy; this one tells that nobody else was forgotten.
create policy "Nobody but the limits themselves may look" on private.announced_invitations using (false);

-- At most 30 an hour a person, counted whatever becomes of them. A mail costs, and anonymous accounts can be had without end.
create function private.count_invitation(person uuid, scope text, scope_id uuid, email text) returns void
language plpgsql security definer set search_path = '' as $$
begin
    if private.is_anonymous(person) then
        perform private.refuse(
            'FORBIDDEN', 'Invitations are mailed, which takes an account with an e-mail address. Give yours one first.'
        );
    end if;
    if email is null then
        perform private.refuse('BAD_USER_INPUT', 'Say to which address.', '{"field": "email"}');
    end if;
    -- One at a time, or two at once would both count the same.
    perform from public.profiles where profiles.id = person for no key update;

    delete from private.announced_invitations where user_id = person and announced_at < now() - interval '1 hour';
    if (select count(*) from private.announced_invitations where user_id = person) >= 30 then
        perform private.refuse(
            'RATE_LIMITED', 'A person can send 30 invitations an hour. Wait an hour, then invite again.'
        );
    end if;
    insert into private.announced_invitations (user_id, scope, scope_id, email_hash)
    values (person, scope, scope_id, sha256(convert_to(lower(email), 'UTF8')));
end
$$;
revoke execute on function private.count_invitation(uuid, text, uuid, text) from public;

create function public.announce_invitation(trip uuid, email text) returns void
language plpgsql security definer set search_path = '' as $$
declare
    me constant uuid := auth.uid();
begin
    if not exists (select from public.trips where trips.id = trip and trips.user_id = me) then
        perform private.refuse('FORBIDDEN', 'Only the owner of a trip invites to it.');
    end if;
    perform private.count_invitation(me, 'trip', trip, email);
end
$$;
comment on function public.announce_invitation(uuid, text) is 'Counts an invitation that the caller is about to send to this address; without it, none is taken. Good for ten minutes.';
revoke execute on function public.announce_invitation(uuid, text) from public, anon, authenticated, service_role;
grant execute on function public.announce_invitation(uuid, text) to authenticated;

-- Of a table of invitations: at most 20 open ones to one trip, or to whatever its columns `scope` and `scope_id` name, none
-- that was not announced, none to somebody who takes part; a new one to the same address replaces the old one. After the
-- insert, because only then is it known that the caller may invite.
create function private.limit_invitations() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    given constant jsonb := to_jsonb(new);
    to_trip constant boolean := tg_table_name = 'invitations';
    shared constant text := case when to_trip then 'trip' else given ->> 'scope' end;
    shared_id constant uuid := given ->> case when to_trip then 'trip_id' else 'scope_id' end;
    beside constant text := case
        when to_trip then 'trip_id = ($1).trip_id' else 'scope = ($1).scope and scope_id = ($1).scope_id'
    end;
    open_ones bigint;
begin
    -- Without a person it is the project's own doing.
    if auth.uid() is not null and not exists (
        select from private.announced_invitations as announced
        where announced.user_id = new.invited_by and announced.scope = shared and announced.scope_id = shared_id
            and announced.email_hash = sha256(convert_to(new.email, 'UTF8'))
            and announced.announced_at > now() - interval '10 minutes'
    ) then
        perform private.refuse('FORBIDDEN', case
            when to_trip then 'This invitation was not announced. Call announce_invitation with its trip and address.'
            else 'This invitation was not announced. Call announce_membership_invitation with its scope and address.'
        end);
    end if;

    -- One at a time, or two at once would both count the same.
    perform pg_advisory_xact_lock(hashtextextended(shared || ':' || shared_id, 0));

    execute format(
        $sql$
            update %s set status = case when expires_at <= now() then 'expired' else 'revoked' end
            where %s and status = 'pending' and id <> ($1).id and (expires_at <= now() or email = ($1).email)
        $sql$,
        tg_relid::regclass, beside
    ) using new;

    if exists (
        select from private.people_at(new.email) as person
        where private.membership_of(shared, shared_id, person) is not null
    ) then
        if to_trip then
            perform private.refuse(
                'CONFLICT',
                'This person is on the trip already. Change their role there.',
                '{"reason": "ALREADY_ON_TRIP", "field": "email"}'
            );
        end if;
        perform private.refuse(
            'CONFLICT',
            'This person takes part already. Change their role there.',
            '{"reason": "ALREADY_MEMBER", "field": "email"}'
        );
    end if;

    execute format($sql$ select count(*) from %s where %s and status = 'pending' $sql$, tg_relid::regclass, beside)
        into open_ones using new;
    if open_ones > 20 then
        perform private.refuse('RATE_LIMITED', format(
            'There can be 20 open invitations to one %s. Revoke one, or wait until one is answered.', replace(shared, '_', ' ')
        ));
    end if;
    return null;
end
$$;
revoke execute on function private.limit_invitations() from public;

create trigger limit_invitations after insert on public.invitations
    for each row execute function private.limit_invitations();

-- Marks as accepted the open invitation of a table with this secret, to the caller's confirmed address, and answers it;
-- null where there is none.
create function private.take_invitation(kept regclass, token text) returns jsonb
language plpgsql set search_path = '' as $$
declare
    taken jsonb;
begin
    execute format(
        $sql$
            update %s as open set status = 'accepted', accepted_at = now()
            where token_hash = encode(sha256(convert_to($1, 'UTF8')), 'hex') and status = 'pending'
                and expires_at > now() and email = $2
            returning to_jsonb(open)
        $sql$,
        kept
    ) into taken using token, private.my_email();
    return taken;
end
$$;
revoke execute on function private.take_invitation(regclass, text) from public;

-- Whatever stands in the way of accepting, the answer is the same.
create function private.refuse_invitation() returns void
language plpgsql security definer set search_path = '' as $$
begin
    perform private.refuse('NOT_FOUND', 'There is no such invitation to this account that is still open.');
end
$$;
revoke execute on function private.refuse_invitation() from public;


-- What one is invited to ----------------------------------------------------------------------------------------------

-- A scope, called as its topics are, lets people be invited by functions that are called after it, in whichever stage:
--
--   private.<scope>_membership(scope_id uuid, person uuid) returns uuid
--       the key by which somebody takes part, as that of their row among the members; null where they do not
--   private.<scope>_offer(scope_id uuid, inviter uuid) returns table (name text, roles text[])
--       what the inviter may offer: what it is called, and as what one may join; no row where they may not invite
--   private.join_<scope>(scope_id uuid, person uuid, as_role text) returns uuid
--       makes somebody who has accepted take part, or gives them another role; their key. It may refuse.
--
-- Trips, whose invitations have a table of their own, need the first alone.
create function private.function_of_scope(form text, scope text) returns text
language plpgsql stable security definer set search_path = '' as $$
declare
    name constant text := 'private.' || quote_ident(format(form, scope));
begin
    if scope is null or scope !~ '^[a-z][a-z0-9_]{0,40}$' or to_regproc(name) is null then
        perform private.refuse('BAD_USER_INPUT', 'Nobody is invited to such a scope.', '{"field": "scope"}');
    end if;
    return name;
end
$$;
revoke execute on function private.function_of_scope(text, text) from public;

create function private.membership_of(scope text, scope_id uuid, person uuid) returns uuid
language plpgsql stable set search_path = '' as $$
declare
    key uuid;
begin
    execute format('select %s($1, $2)', private.function_of_scope('%s_membership', scope)) into key using scope_id, person;
    return key;
end
$$;
revoke execute on function private.membership_of(text, uuid, uuid) from public;

create function private.trip_membership(trip uuid, person uuid) returns uuid
language sql stable set search_path = '' as $$
    select collaborators.id from public.collaborators
    where collaborators.trip_id = trip and collaborators.user_id = person
    union all
    select trips.id from public.trips where trips.id = trip and trips.user_id = person
$$;
revoke execute on function private.trip_membership(uuid, uuid) from public;


-- votes ---------------------------------------------------------------------------------------------------------------

create table public.votes (
    id uuid not null default gen_random_uuid(),
    trip_id uuid not null,
    trip_item_id uuid not null,
    user_id uuid not null default auth.uid(),
    value smallint not null,
    comment text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint votes_pkey primary key (id),
    constraint votes_trip_item_id_user_id_key unique (trip_item_id, user_id),
    constraint fk_votes_trip_id foreign key (trip_id) references public.trips (id) on delete cascade,
    constraint fk_votes_trip_item_id foreign key (trip_item_id) references public.trip_items (id) on delete cascade,
    constraint fk_votes_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint votes_value_check check (value in (-1, 0, 1)),
    constraint votes_comment_check check (char_length(comment) <= 1000)
);

comment on table public.votes is 'What one person on a trip thinks of one of its items.';
comment on column public.votes.id is 'The vote''s id.';
comment on column public.votes.trip_id is 'The trip of the item, kept by the database.';
comment on column public.votes.trip_item_id is 'The item that is voted on.';
comment on column public.votes.user_id is 'The person who votes, once an item.';
comment on column public.votes.value is 'For (1), against (-1), or neither (0).';
comment on column public.votes.comment is 'Why, up to 1,000 characters long.';
comment on column public.votes.created_at is 'When the person first voted.';
comment on column public.votes.updated_at is 'When the vote last changed.';
-- What is told to whoever breaks them.
comment on constraint votes_value_check on public.votes is 'A vote is 1, 0 or -1.';
comment on constraint votes_comment_check on public.votes is 'A comment is at most 1,000 characters long.';

create index idx_votes_trip_id_user_id on public.votes (trip_id, user_id);
create index idx_votes_user_id_created_at on public.votes (user_id, created_at desc);

-- As definer: whether the caller may see the item is the policies' question, and they ask it of the trip found here.
create function private.set_vote_trip() returns trigger language plpgsql security definer set search_path = '' as $$
begin
    new.trip_id := (select trip_items.trip_id from public.trip_items where trip_items.id = new.trip_item_id);
    return new;
end
$$;
revoke execute on function private.set_vote_trip() from public;

create trigger set_votes_trip_id before insert or update of trip_id, trip_item_id on public.votes
    for each row execute function private.set_vote_trip();

-- An item that moves to another trip takes along the votes of those who are on that trip too, and no one else's: what
-- people say on one trip is not for those on another.
create function private.carry_votes() returns trigger language plpgsql security definer set search_path = '' as $$
begin
    -- Who leaves that trip meanwhile takes their votes along: one waits for the other.
    perform from public.collaborators
    where collaborators.trip_id = new.trip_id
        and collaborators.user_id in (select votes.user_id from public.votes where votes.trip_item_id = new.id)
    order by collaborators.id for key share;
    delete from public.votes
    where trip_item_id = new.id
        and not exists (
            select from private.trip_people as people
            where people.trip_id = new.trip_id and people.user_id = votes.user_id
        );
    update public.votes set trip_id = new.trip_id where trip_item_id = new.id;
    return null;
end
$$;
revoke execute on function private.carry_votes() from public;

create trigger carry_trip_items_votes after update of trip_id on public.trip_items
    for each row when (old.trip_id <> new.trip_id) execute function private.carry_votes();

-- Only those on a trip vote on it: who leaves, or is removed, takes their votes along.
create function private.withdraw_votes() returns trigger language plpgsql security definer set search_path = '' as $$
begin
    delete from public.votes where trip_id = old.trip_id and user_id = old.user_id;
    return null;
end
$$;
revoke execute on function private.withdraw_votes() from public;

create trigger withdraw_collaborators_votes after delete on public.collaborators
    for each row execute function private.withdraw_votes();


-- Who says something on a trip while they leave it would say it after what is theirs is gone: so it waits for whoever
-- leaves, as leaving waits for it. In the order in which accounts and trips are deleted. Without a person it is the
-- project's own doing.
create function private.wait_for_leaving() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform from public.profiles where profiles.id = new.user_id for key share;
    perform from public.trips where trips.id = new.trip_id for key share;
    perform from public.collaborators
    where collaborators.trip_id = new.trip_id and collaborators.user_id = new.user_id for key share;
    if auth.uid() is not null and not exists (
        select from private.trip_people as people
        where people.trip_id = new.trip_id and people.user_id = new.user_id
    ) then
        -- As the policies say it.
        raise insufficient_privilege using
            message = format('new row violates row-level security policy for table "%s"', tg_table_name);
    end if;
    return new;
end
$$;
revoke execute on function private.wait_for_leaving() from public;

-- After the trip is known: triggers run in the order of their names.
create trigger wait_for_leaving_votes before insert on public.votes
    for each row execute function private.wait_for_leaving();


-- Nor is a vote for the trip that its item has just left: it waits for whoever moves the item, as moving waits for it. After
-- the trip is held, as in deleting one.
create function private.wait_for_moving() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    if (
        select trip_items.trip_id from public.trip_items where trip_items.id = new.trip_item_id for share
    ) is distinct from new.trip_id then
        raise serialization_failure using message = 'could not serialize access due to concurrent update';
    end if;
    return new;
end
$$;
revoke execute on function private.wait_for_moving() from public;

create trigger wait_for_moving_votes before insert on public.votes
    for each row execute function private.wait_for_moving();


-- trip_preferences: what each person on a trip wishes for -----------------------------------------------------------------

create table public.trip_preferences (
    id uuid not null default gen_random_uuid(),
    trip_id uuid not null,
    user_id uuid not null default auth.uid(),
    budget_min numeric(12, 2),
    budget_max numeric(12, 2),
    currency text not null default '',
    pace text,
    interests text[] not null default '{}',
    dietary_needs text[] not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint trip_preferences_pkey primary key (id),
    constraint trip_preferences_trip_id_user_id_key unique (trip_id, user_id),
    constraint fk_trip_preferences_trip_id foreign key (trip_id) references public.trips (id) on delete cascade,
    constraint fk_trip_preferences_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint trip_preferences_budget_min_check check (budget_min >= 0 and budget_min <> 'NaN'),
    constraint trip_preferences_budget_max_check
        check (budget_max >= 0 and budget_max <> 'NaN' and budget_max >= budget_min),
    constraint trip_preferences_currency_check check (currency ~ '^[A-Z]{3}$'),
    constraint trip_preferences_pace_check check (pace in ('relaxed', 'balanced', 'busy')),
    constraint trip_preferences_interests_check check (
        cardinality(interests) <= 20 and array_position(interests, null) is null
        and char_length(array_to_string(interests, '')) <= 1000
    ),
    constraint trip_preferences_dietary_needs_check check (
        cardinality(dietary_needs) <= 20 and array_position(dietary_needs, null) is null
        and char_length(array_to_string(dietary_needs, '')) <= 1000
    )
);

comment on table public.trip_preferences is 'What one person on a trip wishes for it; all on the trip see it.';
comment on column public.trip_preferences.id is 'The preferences'' id.';
comment on column public.trip_preferences.trip_id is 'The trip that they are for.';
comment on column public.trip_preferences.user_id is 'The person who wishes for it, once a trip.';
comment on column public.trip_preferences.budget_min is 'The least that the person means to spend, in the currency below; null for any.';
comment on column public.trip_preferences.budget_max is 'The most that the person means to spend, never less than the least; null for any.';
comment on column public.trip_preferences.currency is 'Currency of both amounts by its three-letter ISO 4217 code; at first the trip''s.';
comment on column public.trip_preferences.pace is 'How full the days should be; null for any.';
comment on column public.trip_preferences.interests is 'What the person would like to see and do, in at most 20 words or phrases.';
comment on column public.trip_preferences.dietary_needs is 'What the person does or does not eat, in at most 20 words or phrases.';
comment on column public.trip_preferences.created_at is 'When the person first said what they wish for.';
comment on column public.trip_preferences.updated_at is 'When the preferences last changed.';
-- What is told to whoever breaks them.
comment on constraint trip_preferences_budget_min_check on public.trip_preferences is 'The least to be spent is zero or more.';
comment on constraint trip_preferences_budget_max_check on public.trip_preferences is 'The most to be spent is zero or more, and not less than the least.';
comment on constraint trip_preferences_currency_check on public.trip_preferences is 'A currency is three capital letters, its ISO 4217 code, such as EUR.';
comment on constraint trip_preferences_pace_check on public.trip_preferences is 'A pace is relaxed, balanced or busy.';
comment on constraint trip_preferences_interests_check on public.trip_preferences is 'A person names at most 20 interests, of at most 1,000 characters together, and none of them is null.';
comment on constraint trip_preferences_dietary_needs_check on public.trip_preferences is 'A person names at most 20 dietary needs, of at most 1,000 characters together, and none of them is null.';

create index idx_trip_preferences_user_id on public.trip_preferences (user_id);

-- Looked up under the caller's own policies: whoever is not on the trip is refused by those of this table.
create function private.set_preferences_currency() returns trigger language plpgsql set search_path = '' as $$
begin
    select trips.currency into new.currency from public.trips where trips.id = new.trip_id;
    new.currency := coalesce(new.currency, 'EUR');
    return new;
end
$$;
revoke execute on function private.set_preferences_currency() from public;

create trigger set_trip_preferences_currency before insert on public.trip_preferences
    for each row when (new.currency = '') execute function private.set_preferences_currency();

create trigger wait_for_leaving_trip_preferences before insert on public.trip_preferences
    for each row execute function private.wait_for_leaving();

-- Who leaves a trip, or is removed, takes along what they wish for it; and so does an owner who gives it away.
create function private.withdraw_preferences() returns trigger language plpgsql security definer set search_path = '' as $$
begin
    delete from public.trip_preferences where trip_id = old.trip_id and user_id = old.user_id;
    return null;
end
$$;
revoke execute on function private.withdraw_preferences() from public;

create trigger withdraw_collaborators_preferences after delete on public.collaborators
    for each row execute function private.withdraw_preferences();

create function private.withdraw_owners_preferences() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    delete from public.trip_preferences
    where trip_id = new.id and user_id = old.user_id
        and not exists (
            select from private.trip_people as people where people.trip_id = new.id and people.user_id = old.user_id
        );
    return null;
end
$$;
revoke execute on function private.withdraw_owners_preferences() from public;

create trigger withdraw_trips_preferences after update of user_id on public.trips
    for each row when (old.user_id <> new.user_id) execute function private.withdraw_owners_preferences();


-- Realtime ------------------------------------------------------------------------------------------------------------

-- A person is told on their own topic of invitations to their address, without the hash of the token, once the address
-- is confirmed: only then they may see them. The trip's owner is told too, by what is generated.

-- Whose confirmed address this is: as a rule one person, and more where companies sign in theirs. Each way has an index.
create function private.people_at(address text) returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
        select users.id from auth.users
        where users.email = address and users.is_sso_user = false and users.email_confirmed_at is not null
        union
        select users.id from auth.users
        where users.instance_id = '00000000-0000-0000-0000-000000000000' and lower(users.email) = address
            and users.email_confirmed_at is not null;
end
$$;
revoke execute on function private.people_at(text) from public;

create function private.broadcast_invitation() returns trigger
language plpgsql security definer set search_path = '' as $$
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
$$;
revoke execute on function private.broadcast_invitation() from public;

create trigger broadcast_invitations_to_invited after insert or update or delete on public.invitations
    for each row execute function private.broadcast_invitation();

-- Whose address has been confirmed, or is another, is told of the invitations to it, and that those to the one before are
-- theirs no longer. Of a hundred at most: others choose how many there are. The argument is their table, if not of trips.
create function private.broadcast_address() returns trigger
language plpgsql security definer set search_path = '' as $$
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
$$;
revoke execute on function private.broadcast_address() from public;

create trigger broadcast_users_address after update of email, email_confirmed_at on auth.users
    for each row execute function private.broadcast_address();

-- For clients that listen to `postgres_changes`.
do $$
declare
    published text;
begin
    foreach published in array array['collaborators', 'votes'] loop
        if not exists (
            select from pg_publication_tables
            where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = published
        ) then
            execute format('alter publication supabase_realtime add table public.%I', published);
        end if;
    end loop;
end
$$;
