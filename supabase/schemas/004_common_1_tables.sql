-- What all systems share, behind stage 2 and before those that use it: each part of it under a heading of its own.


-- What runs without anybody asking ---------------------------------------------------------------------------------------

-- Jobs, requests and secrets. Local databases have stand-ins of the first two: docs/local.md.
create extension if not exists pg_cron with schema pg_catalog;
create extension if not exists pg_net with schema extensions;
create extension if not exists supabase_vault with schema vault;

-- Rings an Edge Function, once the transaction commits, with what it knows the database's jobs by. Nothing waits for the
-- answer, and a call may be lost: what is to be done stands in a table, and the function looks there. It has five seconds
-- to answer, since pg_net holds back what comes behind; what takes longer goes on after the answer.
create function private.invoke_function(name text, body jsonb default '{}') returns bigint
language plpgsql security definer set search_path = '' as $$
declare
    secrets constant jsonb := (
        select jsonb_object_agg(secret.name, btrim(secret.decrypted_secret, e' \t\r\n'))
        from vault.decrypted_secrets as secret
        where secret.name in ('project_url', 'cron_secret') and secret.decrypted_secret ~ '\S'
    );
    missing constant text := (
        select string_agg(each, ' and ') from unnest(array['project_url', 'cron_secret']) as each
        where not coalesce(secrets ? each, false)
    );
begin
    if missing is not null then
        raise exception using
            errcode = 'object_not_in_prerequisite_state',
            message = format('Vault lacks %s, without which no Edge Function can be called', missing),
            hint = 'Create it with vault.create_secret: docs/deploy.md says which value it has.';
    elsif name is null or name !~ '^[A-Za-z][A-Za-z0-9_-]*$' then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = format('%L cannot be the name of an Edge Function', name);
    end if;
    return net.http_post(
        url => rtrim(secrets ->> 'project_url', '/') || '/functions/v1/' || name,
        body => body,
        headers => jsonb_build_object('Content-Type', 'application/json', 'x-cron-secret', secrets ->> 'cron_secret'),
        timeout_milliseconds => 5000
    );
end
$$;
comment on function private.invoke_function(text, jsonb) is 'Calls an Edge Function when the transaction commits; the id finds the answer in net._http_response.';
revoke execute on function private.invoke_function(text, jsonb) from public, anon, authenticated, service_role;


-- Tasks: what must happen once, outside of the request that asked for it ------------------------------------------------

-- Which Edge Function does the tasks of a kind. Rows of it are part of the program.
create table private.task_kinds (
    kind text not null,
    function text not null,

    constraint task_kinds_pkey primary key (kind),
    constraint task_kinds_kind_check check (kind ~ '^[a-z][a-z0-9_]{0,62}$'),
    constraint task_kinds_function_check check (function ~ '^[a-z0-9][a-z0-9_-]{0,62}$')
);
comment on table private.task_kinds is 'The Edge Function that does the tasks of a kind.';
comment on column private.task_kinds.kind is 'The kind, as in remove_objects.';
comment on column private.task_kinds.function is 'The name of the Edge Function.';
alter table private.task_kinds enable row level security;
create policy "Nobody but the functions of tasks may look" on private.task_kinds using (false);

-- Tokens grow with each claim, of whichever task: whoever takes none lower than the highest seen, here or in a service
-- outside, is written to by no worker whose task has gone to another.
create sequence private.task_tokens;
comment on sequence private.task_tokens is 'The tokens of claimed tasks.';

create table private.tasks (
    id uuid not null default gen_random_uuid(),
    kind text not null,
    subject text,
    payload jsonb not null default '{}',
    run_at timestamptz not null default now(),
    status text not null default 'waiting',
    attempts integer not null default 0,
    lease_until timestamptz,
    token bigint,
    dedupe_key text,
    last_error text,
    created_at timestamptz not null default now(),
    finished_at timestamptz,

    constraint tasks_pkey primary key (id),
    constraint tasks_dedupe_key_key unique (dedupe_key),
    constraint tasks_kind_check check (kind ~ '^[a-z][a-z0-9_]{0,62}$'),
    constraint tasks_subject_check check (char_length(subject) <= 200),
    constraint tasks_payload_check check (jsonb_typeof(payload) = 'object' and octet_length(payload::text) <= 65536),
    constraint tasks_status_check check (status in ('waiting', 'running', 'done', 'failed')),
    constraint tasks_attempts_check check (attempts between 0 and 8),
    constraint tasks_lease_until_check check ((status = 'running') = (lease_until is not null)),
    constraint tasks_dedupe_key_check check (char_length(dedupe_key) <= 200),
    constraint tasks_last_error_check check (char_length(last_error) <= 2000),
    constraint tasks_finished_at_check check ((status in ('done', 'failed')) = (finished_at is not null))
);
comment on table private.tasks is 'What must happen once, though whoever does it may die over it.';
comment on column private.tasks.kind is 'What is to be done; private.task_kinds says by whom.';
comment on column private.tasks.subject is 'What it is about, for operators, as in user:… or trip:….';
comment on column private.tasks.payload is 'What whoever does it needs to know, as a JSON object of at most 64 KiB; emptied when it is done.';
comment on column private.tasks.run_at is 'When it is due, at the earliest.';
comment on column private.tasks.status is 'waiting, running, done, or failed for good.';
comment on column private.tasks.attempts is 'How often it was claimed; the eighth is the last.';
comment on column private.tasks.lease_until is 'Until when it is its claimant''s alone.';
comment on column private.tasks.token is 'What its claimant proves itself by: of the last claim, and higher than those of all before.';
comment on column private.tasks.dedupe_key is 'What a second one of the same key is taken for the same by.';
comment on column private.tasks.last_error is 'Why the last attempt failed.';
comment on column private.tasks.finished_at is 'When it was done, or given up.';

-- What is due of each kind, the first first; whose lease has run out; what may be thrown away; what has failed.
create index idx_tasks_kind_run_at on private.tasks (kind, run_at) where status = 'waiting';
create index idx_tasks_subject_kind on private.tasks (subject, kind) where status = 'waiting';
create index idx_tasks_kind_lease_until on private.tasks (kind, lease_until) where status = 'running';
create index idx_tasks_finished_at on private.tasks (finished_at) where finished_at is not null;
create index idx_tasks_kind_failed on private.tasks (kind) where status = 'failed';

alter table private.tasks enable row level security;
create policy "Nobody but the functions of tasks may look" on private.tasks using (false);

-- For functions of the database, in the transaction that makes it necessary: either both happen, or neither.
create function private.enqueue(
    kind text, subject text, payload jsonb, run_at timestamptz default now(), dedupe_key text default null
) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
    made uuid;
begin
    loop
        insert into private.tasks as task (kind, subject, payload, run_at, dedupe_key)
        values (
            enqueue.kind, enqueue.subject, coalesce(enqueue.payload, '{}'), coalesce(enqueue.run_at, now()),
            enqueue.dedupe_key
        )
        on conflict on constraint tasks_dedupe_key_key do nothing
        returning task.id into made;
        exit when found;
        select task.id into made from private.tasks as task where task.dedupe_key = enqueue.dedupe_key;
        -- Not there: it was thrown away in between.
        exit when found;
    end loop;
    return made;
end
$$;
comment on function private.enqueue(text, text, jsonb, timestamptz, text) is 'Makes a task and returns its id; that of the one that is there already where they share a dedupe_key.';
revoke execute on function private.enqueue(text, text, jsonb, timestamptz, text) from public;


-- The bell: what people are told -----------------------------------------------------------------------------------------

create table public.notifications (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null default auth.uid(),
    system text not null,
    kind text not null,
    title text not null,
    body text,
    link text,
    read_at timestamptz,
    dedupe_key text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint notifications_pkey primary key (id),
    -- In this order it also finds what is to be taken back.
    constraint notifications_dedupe_key_user_id_key unique (dedupe_key, user_id),
    constraint fk_notifications_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint notifications_system_check check (system ~ '^[a-z][a-z0-9_]{0,49}$'),
    constraint notifications_kind_check check (kind ~ '^[a-z][a-z0-9_]{0,49}$'),
    constraint notifications_title_check check (char_length(title) <= 200 and title ~ '\S'),
    constraint notifications_body_check check (char_length(body) <= 2000 and body ~ '\S'),
    -- Within the frontend, or a page of the web over a secure connection: no script, and no other site by a path that
    -- browsers read as one.
    constraint notifications_link_check check (
        char_length(link) <= 2048
        and link ~ '^(/|/[^/\\[:space:][:cntrl:]][^\\[:space:][:cntrl:]]*|https://[^/?#@\\[:space:][:cntrl:]]+([/?#][^\\[:space:][:cntrl:]]*)?)$'
    ),
    constraint notifications_dedupe_key_check check (char_length(dedupe_key) between 1 and 200)
);

comment on table public.notifications is 'Something that a person is told, in the bell of a frontend.';
comment on column public.notifications.id is 'The notification''s id.';
comment on column public.notifications.user_id is 'The person who is told, and who alone sees it.';
comment on column public.notifications.system is 'The part of the product that tells it, such as trips.';
comment on column public.notifications.kind is 'What it is about, such as trip_invitation; for icons and filters.';
comment on column public.notifications.title is 'The message in one line of plain text, up to 200 characters long.';
comment on column public.notifications.body is 'More of it in plain text, up to 2,000 characters long.';
comment on column public.notifications.link is 'Where it leads: a path within the frontend that begins with a slash, or an address that begins with https://.';
comment on column public.notifications.read_at is 'When the person read it; null until then.';
comment on column public.notifications.dedupe_key is 'What is told to a person once, and taken back by the same key.';
comment on column public.notifications.created_at is 'When it was told.';
comment on column public.notifications.updated_at is 'When it last changed: when it was told, or read.';
-- What is told to whoever breaks them.
comment on constraint notifications_system_check on public.notifications is 'A system is called by up to 50 small letters, digits and underscores.';
comment on constraint notifications_kind_check on public.notifications is 'A kind is called by up to 50 small letters, digits and underscores.';
comment on constraint notifications_title_check on public.notifications is 'A notification''s title is 1 to 200 characters long, and not all of them are blank.';
comment on constraint notifications_body_check on public.notifications is 'A notification''s text is 1 to 2,000 characters long, and not all of them are blank.';
comment on constraint notifications_link_check on public.notifications is 'A link is a path that begins with one slash, or an address that begins with https://.';
comment on constraint notifications_dedupe_key_check on public.notifications is 'The key of what is told once is 1 to 200 characters long.';

create index idx_notifications_user_id_created_at on public.notifications (user_id, created_at desc);
-- What the bell counts.
create index idx_notifications_user_id_unread on public.notifications (user_id) where read_at is null;
-- What is too old to be kept.
create index idx_notifications_created_at on public.notifications (created_at);

-- The database's clock says when, and the first time counts.
create function private.set_notification_read_at() returns trigger language plpgsql set search_path = '' as $$
begin
    new.read_at := coalesce(old.read_at, clock_timestamp());
    return new;
end
$$;
revoke execute on function private.set_notification_read_at() from public;

create trigger set_notifications_read_at before update of read_at on public.notifications
    for each row when (new.read_at is not null) execute function private.set_notification_read_at();

-- Other people's words in one line of plain text: cut where it is too long, and without the marks that turn the direction
-- of the text around them.
create function private.one_line(words text, longest integer) returns text
language plpgsql immutable set search_path = '' as $$
declare
    said constant text := btrim(
        regexp_replace(regexp_replace(words, '[\u202a-\u202e\u2066-\u2069]', '', 'g'), '[[:space:][:cntrl:]]+', ' ', 'g')
    );
begin
    return case when char_length(said) > longest then rtrim(left(said, longest - 1)) || '…' else said end;
end
$$;
revoke execute on function private.one_line(text, integer) from public;

-- The only way to tell somebody something. Called by the functions and triggers of all systems, within what they do: so it
-- fails for none of the words that it is given, but cuts what is too long, and tells nothing to who is there no longer. A
-- key that the person was told by is not told again. Returns the id of what is told; null where nothing is.
--
-- Kept are a person's newest 500 of the last 90 days: whoever is told something loses what is older.
create function private.notify(
    person uuid, system text, kind text, title text, body text, link text, dedupe_key text default null
) returns uuid language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    moment constant timestamptz := clock_timestamp();
    told uuid;
begin
    insert into public.notifications (user_id, system, kind, title, body, link, dedupe_key, created_at, updated_at)
    select
        profiles.id, notify.system, notify.kind, private.one_line(notify.title, 200),
        case when char_length(notify.body) > 2000 then left(notify.body, 1999) || '…' else notify.body end,
        notify.link, notify.dedupe_key, moment, moment
    from public.profiles
    where profiles.id = notify.person
    on conflict on constraint notifications_dedupe_key_user_id_key do nothing
    returning id into told;

    if told is not null then
        -- What another transaction has in hand is left to it, so that no two that tell several people wait for each other.
        delete from public.notifications
        where id in (
            select old.id from public.notifications as old
            where old.user_id = notify.person
                and old.created_at < greatest(
                    moment - interval '90 days',
                    (
                        select kept.created_at from public.notifications as kept
                        where kept.user_id = notify.person
                        order by kept.created_at desc offset 499 limit 1
                    )
                )
            for update skip locked
        );
    end if;
    return told;
end
$$;
comment on function private.notify(uuid, text, text, text, text, text, text) is 'Tells a person something in the bell, once for each key; returns its id, or null where nothing was told.';
revoke execute on function private.notify(uuid, text, text, text, text, text, text) from public;

-- What was told by a key is not so any more: to all whom it was told, or to one person.
create function private.take_back_notifications(dedupe_key text, person uuid default null) returns void
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
begin
    delete from public.notifications
    where dedupe_key = take_back_notifications.dedupe_key
        and (take_back_notifications.person is null or user_id = take_back_notifications.person);
end
$$;
comment on function private.take_back_notifications(text, uuid) is 'Removes what was told by a key from the bell: everybody''s, or one person''s.';
revoke execute on function private.take_back_notifications(text, uuid) from public;

-- What is open no longer, or was told long ago, of everybody.
create function private.prune_notifications() returns bigint
language plpgsql security definer set search_path = '' as $$
declare
    pruned bigint;
begin
    delete from public.notifications
    where id in (
        select old.id from public.notifications as old
        where old.created_at < now() - interval '90 days'
            or (
                old.dedupe_key like 'invitation:%'
                and not exists (
                    select from public.invitations
                    where 'invitation:' || invitations.id = old.dedupe_key
                        and invitations.status = 'pending' and invitations.expires_at > now()
                )
                and not exists (
                    select from public.membership_invitations as invitations
                    where 'invitation:' || invitations.id = old.dedupe_key
                        and invitations.status = 'pending' and invitations.expires_at > now()
                )
            )
        for update skip locked
    );
    get diagnostics pruned = row_count;
    return pruned;
end
$$;
comment on function private.prune_notifications() is 'Removes notifications of more than 90 days, and those of invitations whose time is over; returns how many.';
revoke execute on function private.prune_notifications() from public;


-- The bell: invitations to trips -------------------------------------------------------------------------------------------

-- An open invitation stands in the bell of everybody whose confirmed address it names, as long as it is open and theirs. It
-- says what the mail says; what is secret stands in the mail alone. `words` are a format of the inviter's name and of what
-- the thing is called.
create function private.ring_invitation(
    person uuid, system text, scope text, invitation jsonb, words text, name text, link text
) returns void language plpgsql security definer set search_path = '' as $$
declare
    ends constant timestamptz := invitation ->> 'expires_at';
    as_role constant text := replace(invitation ->> 'role', '_', ' ');
begin
    if invitation ->> 'status' <> 'pending' or ends <= now() then
        return;
    end if;
    perform private.notify(
        person, system, scope || '_invitation',
        format(words, private.one_line(profiles.display_name, 80), private.one_line(name, 80)),
        format(
            'As %s %s. The link to join was mailed to you, and works until %s.',
            case when as_role ~ '^[aeiou]' then 'an' else 'a' end, as_role,
            to_char(ends at time zone 'UTC', 'FMDD FMMonth YYYY')
        ),
        link, 'invitation:' || (invitation ->> 'id')
    )
    from public.profiles
    where profiles.id = (invitation ->> 'invited_by')::uuid;
end
$$;
revoke execute on function private.ring_invitation(uuid, text, text, jsonb, text, text, text) from public;

-- Whoever accepts is told to the person who invited them, as long as they take part.
create function private.ring_joining(
    inviter uuid, system text, scope text, scope_id uuid, name text, link text
) returns void language plpgsql security definer set search_path = '' as $$
begin
    perform private.notify(
        inviter, system, scope || '_joined',
        format('%s joined “%s”', private.one_line(profiles.display_name, 80), private.one_line(name, 80)),
        null, link, format('%s_joined:%s:%s', scope, scope_id, profiles.id)
    )
    from public.profiles
    where profiles.id = auth.uid();
end
$$;
revoke execute on function private.ring_joining(uuid, text, text, uuid, text, text) from public;

create function private.notify_of_invitation(invitation public.invitations, person uuid) returns void
language plpgsql security definer set search_path = '' as $$
begin
    perform private.ring_invitation(
        person, 'trips', 'trip', to_jsonb(invitation), '%s invites you to plan “%s” together', trips.title, '/invitations'
    )
    from public.trips
    where trips.id = invitation.trip_id and trips.user_id <> person;
end
$$;
revoke execute on function private.notify_of_invitation(public.invitations, uuid) from public;

create function private.notify_of_joining(invitation public.invitations) returns void
language plpgsql security definer set search_path = '' as $$
begin
    perform private.ring_joining(
        invitation.invited_by, 'trips', 'trip', trips.id, trips.title, '/trips/' || trips.id
    )
    from public.trips
    where trips.id = invitation.trip_id;
end
$$;
revoke execute on function private.notify_of_joining(public.invitations) from public;

-- Of every table of invitations that has the two functions above.
create function private.notify_of_invitations() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    if tg_op <> 'INSERT' then
        perform private.take_back_notifications('invitation:' || old.id);
    end if;
    if tg_op <> 'DELETE' then
        perform private.notify_of_invitation(new, person) from private.people_at(new.email) as person;
    end if;
    if tg_op = 'UPDATE' and old.status <> 'accepted' and new.status = 'accepted' then
        perform private.notify_of_joining(new);
    end if;
    return null;
end
$$;
revoke execute on function private.notify_of_invitations() from public;

create trigger notify_of_invitations after insert or delete on public.invitations
    for each row execute function private.notify_of_invitations();
-- What else changes of one is nothing new to whom it was told.
create trigger notify_of_invitations_changes after update on public.invitations
    for each row when (
        old.email <> new.email or old.role <> new.role or old.status <> new.status or old.expires_at <> new.expires_at
    )
    execute function private.notify_of_invitations();

-- Of a table of members. Arguments: the scope, and the column with its key.
create function private.take_back_joining() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform private.take_back_notifications(
        format('%s_joined:%s:%s', tg_argv[0], to_jsonb(old) ->> tg_argv[1], old.user_id)
    );
    return null;
end
$$;
revoke execute on function private.take_back_joining() from public;

create trigger take_back_collaborators_joining after delete on public.collaborators
    for each row execute function private.take_back_joining('trip', 'trip_id');

-- Whoever confirms an address finds the invitations to it, of a hundred at most: others choose how many there are. Those to
-- the one before are theirs no longer. Called after the account has its profile: triggers run in the order of their names.
create function private.notify_of_address() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    before constant text := case when tg_op = 'UPDATE' and old.email_confirmed_at is not null then lower(old.email) end;
    after constant text := case when new.email_confirmed_at is not null then lower(new.email) end;
begin
    if before is not distinct from after then
        return null;
    end if;
    delete from public.notifications
    where user_id = new.id and dedupe_key in (
        select 'invitation:' || invitations.id from public.invitations where invitations.email = before
        union all
        select 'invitation:' || invitations.id from public.membership_invitations as invitations
        where invitations.email = before
    );
    perform private.notify_of_invitation(invitation, new.id)
    from (
        select invitations as invitation, created_at from public.invitations
        where email = after and status = 'pending' and expires_at > now()
        order by created_at desc limit 100
    ) as found
    order by created_at;
    perform private.notify_of_invitation(invitation, new.id)
    from (
        select invitations as invitation, created_at from public.membership_invitations as invitations
        where email = after and status = 'pending' and expires_at > now()
        order by created_at desc limit 100
    ) as found
    order by created_at;
    return null;
end
$$;
revoke execute on function private.notify_of_address() from public;

create trigger tell_users_their_invitations after insert or update of email, email_confirmed_at on auth.users
    for each row execute function private.notify_of_address();


-- Memberships: invitations to whatever people share, but to trips -------------------------------------------------------

create table public.membership_invitations (
    id uuid not null default gen_random_uuid(),
    scope text not null,
    scope_id uuid not null,
    email text not null,
    role text not null,
    token_hash text not null,
    status text not null default 'pending',
    invited_by uuid not null default auth.uid(),
    expires_at timestamptz not null default now() + interval '7 days',
    accepted_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint membership_invitations_pkey primary key (id),
    constraint membership_invitations_token_hash_key unique (token_hash),
    constraint fk_membership_invitations_invited_by
        foreign key (invited_by) references public.profiles (id) on delete cascade,
    constraint membership_invitations_scope_check check (scope ~ '^[a-z][a-z0-9_]{0,40}$' and scope <> 'trip'),
    -- As of invitations to trips.
    constraint membership_invitations_email_check
        check (
            char_length(email) <= 254 and email = lower(email)
            and email ~ '^[^\s[:cntrl:]@<>()\[\]\\,;:"]+@[^\s[:cntrl:]@<>()\[\]\\,;:"]+\.[^\s[:cntrl:]@<>()\[\]\\,;:"]+$'
        ),
    constraint membership_invitations_role_check check (role ~ '^[a-z][a-z0-9_]{0,40}$'),
    constraint membership_invitations_token_hash_check check (token_hash ~ '^[0-9a-f]{64}$'),
    constraint membership_invitations_status_check
        check (status in ('pending', 'accepted', 'declined', 'revoked', 'expired')),
    constraint membership_invitations_accepted_at_check check ((accepted_at is not null) = (status = 'accepted'))
);

comment on table public.membership_invitations is 'An offer, sent by e-mail, to take part in what somebody shares, such as a collection.';
comment on column public.membership_invitations.id is 'The invitation''s id.';
comment on column public.membership_invitations.scope is 'What kind of thing is to be shared, such as collection.';
comment on column public.membership_invitations.scope_id is 'The id of what is to be shared.';
comment on column public.membership_invitations.email is 'The address it was sent to, in lower case; only its account can accept.';
comment on column public.membership_invitations.role is 'As what the invited person will take part, such as viewer.';
comment on column public.membership_invitations.token_hash is 'SHA-256 of the secret in the mail''s link, which is itself not kept.';
comment on column public.membership_invitations.status is 'What has become of it; one past its time cannot be accepted, though it be still pending.';
comment on column public.membership_invitations.invited_by is 'The person who sent it.';
comment on column public.membership_invitations.expires_at is 'Until when it can be accepted.';
comment on column public.membership_invitations.accepted_at is 'When it was accepted.';
comment on column public.membership_invitations.created_at is 'When it was sent.';
comment on column public.membership_invitations.updated_at is 'When the invitation last changed.';
-- What is told to whoever breaks them.
comment on constraint membership_invitations_scope_check on public.membership_invitations is 'A scope is called by small letters, digits and underscores; trips have invitations of their own.';
comment on constraint membership_invitations_email_check on public.membership_invitations is 'An invitation goes to one e-mail address in lower case, of at most 254 characters, without a name or a comment.';
comment on constraint membership_invitations_role_check on public.membership_invitations is 'A role is called by small letters, digits and underscores.';
comment on constraint membership_invitations_token_hash_check on public.membership_invitations is 'The hash of a secret is 64 hexadecimal digits.';
comment on constraint membership_invitations_status_check on public.membership_invitations is 'There is no such status of invitations.';
comment on constraint membership_invitations_accepted_at_check on public.membership_invitations is 'An invitation says when it was accepted once it was, and not before.';

create index idx_membership_invitations_invited_by_created_at
    on public.membership_invitations (invited_by, created_at desc);
create index idx_membership_invitations_email_status on public.membership_invitations (email, status);
create index idx_membership_invitations_scope_id_status on public.membership_invitations (scope_id, status);

-- What was closed, or is over, for more than 90 days is of no use to anybody, and holds addresses of people who may have no
-- account. Of each table at most so many at once: each is told to those who see it, in the same transaction.
create function private.prune_invitations(most integer default 5000) returns integer
language plpgsql security definer set search_path = '' as $$
declare
    kept regclass;
    gone integer;
    pruned integer := 0;
begin
    foreach kept in array array['public.invitations', 'public.membership_invitations']::regclass[] loop
        execute format(
            $sql$
            delete from %1$s where id in (
                select id from %1$s
                where expires_at < now() - interval '90 days'
                    or status <> 'pending' and updated_at < now() - interval '90 days'
                limit $1 for update skip locked
            )
            $sql$,
            kept
        ) using most;
        get diagnostics gone = row_count;
        pruned := pruned + gone;
    end loop;
    -- Those of whoever invites again go then.
    delete from private.announced_invitations where id in (
        select id from private.announced_invitations
        where announced_at < now() - interval '1 hour' limit most for update skip locked
    );
    return pruned;
end
$$;
comment on function private.prune_invitations(integer) is 'Removes invitations that were closed, or whose time was over, 90 days ago, and counts of those sent more than an hour ago: of each so many at most. Returns how many invitations.';
revoke execute on function private.prune_invitations(integer) from public;

-- What an inviter may offer of a scope, which says so by a function of its own: see "What one is invited to" of stage 2.
create function private.offer_of(scope text, scope_id uuid, inviter uuid) returns table (name text, roles text[])
language plpgsql stable set search_path = '' as $$
begin
    return query execute format('select * from %s($1, $2)', private.function_of_scope('%s_offer', scope))
        using scope_id, inviter;
end
$$;
revoke execute on function private.offer_of(text, uuid, uuid) from public;

create function private.check_offer() returns trigger
language plpgsql security definer set search_path = '' as $$
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
$$;
revoke execute on function private.check_offer() from public;

-- In the order of their names.
create trigger check_membership_invitations_offer after insert on public.membership_invitations
    for each row execute function private.check_offer();
create trigger limit_membership_invitations after insert on public.membership_invitations
    for each row execute function private.limit_invitations();

-- What is gone takes the invitations to it along: a trigger of each root, with the scope as its argument.
create function private.forget_invitations() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    delete from public.membership_invitations where scope = tg_argv[0] and scope_id = old.id;
    return null;
end
$$;
revoke execute on function private.forget_invitations() from public;

-- Told to whoever is invited as those to trips are; to whoever invites by what is generated.
create trigger broadcast_membership_invitations_to_invited after insert or update or delete
    on public.membership_invitations
    for each row execute function private.broadcast_invitation();
create trigger broadcast_users_address_to_members after update of email, email_confirmed_at on auth.users
    for each row execute function private.broadcast_address('membership_invitations');

-- In the bell they are rung as those to trips are: the path of what is shared is called after the scope.
create function private.notify_of_invitation(invitation public.membership_invitations, person uuid) returns void
language plpgsql security definer set search_path = '' as $$
begin
    -- Nobody's address waits for a system that is not deployed any more.
    if to_regproc(format('private.%I', invitation.scope || '_offer')) is null then
        return;
    end if;
    perform private.ring_invitation(
        person, 'memberships', invitation.scope, to_jsonb(invitation),
        '%s invites you to share the ' || replace(invitation.scope, '_', ' ') || ' “%s”', offer.name,
        '/invitations/' || invitation.scope
    )
    from private.offer_of(invitation.scope, invitation.scope_id, invitation.invited_by) as offer
    where invitation.scope_id is distinct from private.membership_of(invitation.scope, invitation.scope_id, person);
end
$$;
revoke execute on function private.notify_of_invitation(public.membership_invitations, uuid) from public;

create function private.notify_of_joining(invitation public.membership_invitations) returns void
language plpgsql security definer set search_path = '' as $$
begin
    perform private.ring_joining(
        invitation.invited_by, 'memberships', invitation.scope, invitation.scope_id, offer.name,
        format('/%ss/%s', invitation.scope, invitation.scope_id)
    )
    from private.offer_of(invitation.scope, invitation.scope_id, invitation.invited_by) as offer;
end
$$;
revoke execute on function private.notify_of_joining(public.membership_invitations) from public;

create trigger notify_of_membership_invitations after insert or delete on public.membership_invitations
    for each row execute function private.notify_of_invitations();
create trigger notify_of_membership_invitations_changes after update on public.membership_invitations
    for each row when (
        old.email <> new.email or old.role <> new.role or old.status <> new.status or old.expires_at <> new.expires_at
    )
    execute function private.notify_of_invitations();


-- Memberships: invitations to collections -------------------------------------------------------------------------------

create trigger forget_collections_invitations after delete on public.collections
    for each row execute function private.forget_invitations('collection');

create trigger take_back_collection_members_joining after delete on public.collection_members
    for each row execute function private.take_back_joining('collection', 'collection_id');

create function private.collection_membership(collection uuid, person uuid) returns uuid
language sql stable set search_path = '' as $$
    select members.id from public.collection_members as members
    where members.collection_id = collection and members.user_id = person
    union all
    select collections.id from public.collections where collections.id = collection and collections.user_id = person
$$;
revoke execute on function private.collection_membership(uuid, uuid) from public;

create function private.collection_offer(collection uuid, inviter uuid) returns table (name text, roles text[])
language sql stable set search_path = '' as $$
    select collections.name, array['viewer', 'editor'] from public.collections
    where collections.id = collection and collections.user_id = inviter
$$;
revoke execute on function private.collection_offer(uuid, uuid) from public;

create function private.join_collection(collection uuid, person uuid, as_role text) returns uuid
language sql set search_path = '' as $$
    insert into public.collection_members (collection_id, user_id, role) values (collection, person, as_role)
    on conflict (collection_id, user_id) do update set role = excluded.role
    returning id
$$;
revoke execute on function private.join_collection(uuid, uuid, text) from public;
