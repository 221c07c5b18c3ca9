-- What all systems share: who may do what with it.


-- Tasks: claimed, renewed, finished, failed ------------------------------------------------------------------------------

-- Whoever has let a lease run out has used up an attempt. Asked before tasks are claimed, for the kinds that are wanted,
-- and for all when tasks are pruned.
create function private.release_tasks(kinds text[] default null) returns void
language plpgsql security definer set search_path = '' as $$
declare
    moment constant timestamptz := clock_timestamp();
begin
    with lost as materialized (
        select task.id from private.tasks as task
        where task.status = 'running' and task.lease_until <= moment and (kinds is null or task.kind = any (kinds))
        -- More of them, as after a failure of everything, are for the next.
        limit 1000
        for update skip locked
    )
    update private.tasks as task set
        status = case when task.attempts < 8 then 'waiting' else 'failed' end,
        run_at = case when task.attempts < 8 then moment else task.run_at end,
        finished_at = case when task.attempts < 8 then null else moment end,
        lease_until = null,
        last_error = 'Whoever had claimed it did not finish before its lease ran out.'
    from lost where task.id = lost.id;
end
$$;
comment on function private.release_tasks(text[]) is 'Takes tasks back whose lease has run out; those that have used up their attempts have failed.';
revoke execute on function private.release_tasks(text[]) from public;

-- Fair: of several kinds each gets its share, and what one does not need goes to the others. Which of them is asked first
-- is left to chance, so that nobody is last each time. Of one kind what has been due longest comes first.
create function private.claim(kinds text[], most integer, lease interval) returns setof private.tasks
language plpgsql security definer set search_path = '' as $$
declare
    moment timestamptz;
    asked text[] := array(select wanted from unnest(kinds) as wanted group by wanted order by random());
    more text[];
    wanted text;
    rest integer := most;
    share integer;
    found_now integer;
begin
    perform private.release_tasks(kinds);
    -- A value: a function of the clock could not be looked up in an index.
    moment := clock_timestamp();
    while rest > 0 and cardinality(asked) > 0 loop
        more := '{}';
        for place in 1 .. cardinality(asked) loop
            exit when rest = 0;
            wanted := asked[place];
            share := ceil(rest::numeric / (cardinality(asked) - place + 1));
            return query
                with due as materialized (
                    select task.id from private.tasks as task
                    where task.kind = wanted and task.status = 'waiting' and task.run_at <= moment
                    order by task.run_at limit share
                    for update skip locked
                )
                update private.tasks as task set
                    status = 'running',
                    attempts = task.attempts + 1,
                    lease_until = clock_timestamp() + lease,
                    token = nextval('private.task_tokens')
                from due where task.id = due.id
                returning task.*;
            get diagnostics found_now = row_count;
            rest := rest - found_now;
            if found_now = share then
                more := more || wanted;
            end if;
        end loop;
        asked := more;
    end loop;
end
$$;
comment on function private.claim(text[], integer, interval) is 'Claims tasks of these kinds that are due, for as long as the lease lasts.';
revoke execute on function private.claim(text[], integer, interval) from public;

-- Some seconds to hours, three times as long each time, and by chance up to half of it less, so that what failed together
-- does not come back together.
create function private.backoff(attempts integer) returns interval language sql volatile set search_path = '' as $$
    select interval '30 seconds' * 3 ^ (attempts - 1) * (0.5 + random() / 2)
$$;
comment on function private.backoff(integer) is 'How long a task waits after so many attempts.';
revoke execute on function private.backoff(integer) from public;

create function private.refuse_task(task uuid) returns void language plpgsql security definer set search_path = '' as $$
begin
    if not exists (select from private.tasks where tasks.id = task) then
        perform private.refuse('NOT_FOUND', 'There is no such task.');
    end if;
    perform private.refuse(
        'CONFLICT', 'This task is not yours any more: its lease ran out, or somebody else has claimed it since.',
        '{"reason": "LEASE_LOST"}'
    );
end
$$;
comment on function private.refuse_task(uuid) is 'Tells whoever does not hold a task so.';
revoke execute on function private.refuse_task(uuid) from public;

-- Said again, as by somebody who never got the answer, it is no mistake: here and below.
create function private.finish(task uuid, token bigint) returns void
language plpgsql security definer set search_path = '' as $$
declare
    moment constant timestamptz := clock_timestamp();
begin
    update private.tasks set
        status = 'done', finished_at = moment, lease_until = null, last_error = null, payload = '{}'
    where tasks.id = task and tasks.token = finish.token and tasks.status = 'running' and tasks.lease_until > moment;
    if not found and not exists (
        select from private.tasks where tasks.id = task and tasks.token = finish.token and tasks.status = 'done'
    ) then
        perform private.refuse_task(task);
    end if;
end
$$;
comment on function private.finish(uuid, bigint) is 'A task is done, says whoever holds it.';
revoke execute on function private.finish(uuid, bigint) from public;

create function private.renew(task uuid, token bigint, lease interval) returns timestamptz
language plpgsql security definer set search_path = '' as $$
declare
    moment constant timestamptz := clock_timestamp();
    renewed timestamptz;
begin
    update private.tasks set lease_until = greatest(tasks.lease_until, moment + lease)
    where tasks.id = task and tasks.token = renew.token and tasks.status = 'running' and tasks.lease_until > moment
    returning tasks.lease_until into renewed;
    if not found then
        perform private.refuse_task(task);
    end if;
    return renewed;
end
$$;
comment on function private.renew(uuid, bigint, interval) is 'A task takes longer, says whoever holds it; returns until when it is theirs now.';
revoke execute on function private.renew(uuid, bigint, interval) from public;

create function private.fail(task uuid, token bigint, error text, wait interval, final boolean) returns text
language plpgsql security definer set search_path = '' as $$
declare
    moment constant timestamptz := clock_timestamp();
    becomes text;
begin
    update private.tasks set
        status = case when final or tasks.attempts >= 8 then 'failed' else 'waiting' end,
        run_at = case
            when final or tasks.attempts >= 8 then tasks.run_at
            else moment + greatest(private.backoff(tasks.attempts), wait)
        end,
        finished_at = case when final or tasks.attempts >= 8 then moment end,
        lease_until = null,
        last_error = left(error, 2000)
    where tasks.id = task and tasks.token = fail.token and tasks.status = 'running' and tasks.lease_until > moment
    returning tasks.status into becomes;
    if not found then
        select tasks.status into becomes from private.tasks
        where tasks.id = task and tasks.token = fail.token and tasks.status in ('waiting', 'failed');
        if not found then
            perform private.refuse_task(task);
        end if;
    end if;
    return becomes;
end
$$;
comment on function private.fail(uuid, bigint, text, interval, boolean) is 'An attempt at a task failed, says whoever holds it; returns whether it is tried again: waiting, or failed.';
revoke execute on function private.fail(uuid, bigint, text, interval, boolean) from public;

-- Done is forgotten after a week, failed after ninety days.
create function private.prune_tasks() returns integer language plpgsql security definer set search_path = '' as $$
declare
    gone integer;
begin
    perform private.release_tasks();
    delete from private.tasks
    where finished_at < now() - interval '7 days' and (status = 'done' or finished_at < now() - interval '90 days');
    get diagnostics gone = row_count;
    return gone;
end
$$;
comment on function private.prune_tasks() is 'Throws away tasks that were done a week ago or failed ninety days ago; returns how many.';
revoke execute on function private.prune_tasks() from public;


-- Tasks: for Edge Functions, which call them with a secret key ---------------------------------------------------------

create function private.check_lease(seconds integer) returns void
language plpgsql security definer set search_path = '' as $$
begin
    if coalesce(seconds, 0) not between 1 and 3600 then
        perform private.refuse('BAD_USER_INPUT', 'A lease lasts 1 to 3,600 seconds.', '{"field": "lease_seconds"}');
    end if;
end
$$;
comment on function private.check_lease(integer) is 'Refuses leases that are too short or too long.';
revoke execute on function private.check_lease(integer) from public;

create function public.claim_tasks(kinds text[], most integer default 10, lease_seconds integer default 60)
returns table (
    id uuid, kind text, subject text, payload jsonb, attempts integer, token bigint, lease_until timestamptz
)
language plpgsql security definer set search_path = '' as $$
begin
    if coalesce(cardinality(kinds), 0) not between 1 and 100 or array_position(kinds, null) is not null then
        perform private.refuse('BAD_USER_INPUT', 'Name 1 to 100 kinds of tasks.', '{"field": "kinds"}');
    end if;
    if coalesce(most, 0) not between 1 and 100 then
        perform private.refuse('BAD_USER_INPUT', 'Claim 1 to 100 tasks at once.', '{"field": "most"}');
    end if;
    perform private.check_lease(lease_seconds);
    return query
        select task.id, task.kind, task.subject, task.payload, task.attempts, task.token, task.lease_until
        from private.claim(kinds, most, lease_seconds * interval '1 second') as task;
end
$$;
comment on function public.claim_tasks(text[], integer, integer) is 'Claims tasks of these kinds that are due; each is the caller''s for so many seconds, and has a token to finish, renew or fail it by.';
revoke execute on function public.claim_tasks(text[], integer, integer) from public, anon, authenticated, service_role;
grant execute on function public.claim_tasks(text[], integer, integer) to service_role;

create function public.finish_task(task uuid, token bigint) returns void
language plpgsql security definer set search_path = '' as $$
begin
    perform private.finish(task, token);
end
$$;
comment on function public.finish_task(uuid, bigint) is 'A task is done, says whoever holds it. Refused with CONFLICT, LEASE_LOST, to anybody else.';
revoke execute on function public.finish_task(uuid, bigint) from public, anon, authenticated, service_role;
grant execute on function public.finish_task(uuid, bigint) to service_role;

create function public.renew_task(task uuid, token bigint, lease_seconds integer default 60) returns timestamptz
language plpgsql security definer set search_path = '' as $$
begin
    perform private.check_lease(lease_seconds);
    return private.renew(task, token, lease_seconds * interval '1 second');
end
$$;
comment on function public.renew_task(uuid, bigint, integer) is 'A task takes longer, says whoever holds it: it is theirs for so many seconds from now, and until when is returned. Refused with CONFLICT, LEASE_LOST, to anybody else.';
revoke execute on function public.renew_task(uuid, bigint, integer) from public, anon, authenticated, service_role;
grant execute on function public.renew_task(uuid, bigint, integer) to service_role;

create function public.fail_task(
    task uuid, token bigint, error text, retry_seconds integer default 0, final boolean default false
) returns text
language plpgsql security definer set search_path = '' as $$
begin
    if coalesce(retry_seconds, -1) not between 0 and 604800 then
        perform private.refuse('BAD_USER_INPUT', 'Try again after 0 seconds to a week.', '{"field": "retry_seconds"}');
    end if;
    return private.fail(task, token, error, retry_seconds * interval '1 second', coalesce(final, false));
end
$$;
comment on function public.fail_task(uuid, bigint, text, integer, boolean) is 'An attempt at a task failed, says whoever holds it; it is tried again, no earlier than after so many seconds, unless this is final. Returns what it is now: waiting or failed. Refused with CONFLICT, LEASE_LOST, to anybody else.';
revoke execute on function public.fail_task(uuid, bigint, text, integer, boolean) from public, anon, authenticated, service_role;
grant execute on function public.fail_task(uuid, bigint, text, integer, boolean) to service_role;


-- Tasks: for operators, and for whoever wakes those who do them ----------------------------------------------------------

-- Cron calls it. Whoever is called claims by itself, so to be called twice, or not at all, changes nothing but the moment.
create function private.ring_tasks(kinds text[] default null) returns table (function text, request bigint)
language plpgsql security definer set search_path = '' as $$
declare
    moment constant timestamptz := clock_timestamp();
begin
    for function in
        select distinct known.function from private.task_kinds as known
        where (ring_tasks.kinds is null or known.kind = any (ring_tasks.kinds))
            and (
                exists (
                    select from private.tasks
                    where tasks.kind = known.kind and tasks.status = 'waiting' and tasks.run_at <= moment
                )
                or exists (
                    select from private.tasks
                    where tasks.kind = known.kind and tasks.status = 'running' and tasks.lease_until <= moment
                )
            )
        order by 1
    loop
        request := private.invoke_function(function);
        return next;
    end loop;
end
$$;
comment on function private.ring_tasks(text[]) is 'Calls each Edge Function that has tasks to do now; the requests'' answers are in net._http_response.';
revoke execute on function private.ring_tasks(text[]) from public;

-- As new: what has failed, and what waits to be tried again.
create function private.retry_tasks(ids uuid[], kinds text[]) returns setof private.tasks
language plpgsql security definer set search_path = '' as $$
begin
    return query
        update private.tasks set status = 'waiting', attempts = 0, run_at = clock_timestamp(), finished_at = null
        where (ids is null or tasks.id = any (ids)) and (kinds is null or tasks.kind = any (kinds))
            and (tasks.status = 'failed' or ids is not null and tasks.status = 'waiting')
        returning tasks.*;
end
$$;
comment on function private.retry_tasks(uuid[], text[]) is 'Tries failed tasks again, all attempts anew; of those that are named, those that wait as well.';
revoke execute on function private.retry_tasks(uuid[], text[]) from public;

-- For the gateway's /metrics, which has no more than a publishable key: so it brings a token, of which Vault has the
-- SHA-256. Whatever is wrong, it is told the same.
create function public.task_metrics(token text) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
    moment constant timestamptz := clock_timestamp();
begin
    if not exists (
        select from vault.decrypted_secrets as secrets
        where secrets.name = 'metrics_token_digest'
            and lower(btrim(secrets.decrypted_secret, e' \t\r\n'))
                = encode(sha256(convert_to(task_metrics.token, 'UTF8')), 'hex')
    ) then
        perform private.refuse('FORBIDDEN', 'This is not the token of the metrics, or there is none.');
    end if;
    return (
        select coalesce(jsonb_object_agg(kind, counted), '{}')
        from (
            select
                kind,
                jsonb_build_object(
                    'waiting', sum(waiting), 'running', sum(running), 'failed', sum(failed),
                    'oldest_due_seconds', greatest(0, coalesce(round(extract(epoch from moment - min(due)), 3), 0))
                ) as counted
            from (
                -- Each by an index of its own, which holds all that is asked.
                select kind, count(*) as waiting, 0 as running, 0 as failed, min(run_at) as due
                from private.tasks where status = 'waiting' group by kind
                union all
                select kind, 0, count(*), 0, min(lease_until) from private.tasks where status = 'running' group by kind
                union all
                select kind, 0, 0, count(*), null from private.tasks where status = 'failed' group by kind
                union all
                -- None is a number too: else whoever asks would go on with the last one.
                select kind, 0, 0, 0, null from private.task_kinds
            ) as parts
            group by kind
        ) as kinds
    );
end
$$;
comment on function public.task_metrics(text) is 'How many tasks of each kind wait, run and have failed, and for how many seconds the oldest has been due; for whoever has the token.';
revoke execute on function public.task_metrics(text) from public, anon, authenticated, service_role;
grant execute on function public.task_metrics(text) to anon;


-- Leaving: what becomes of what refers to a person, when their account is deleted ----------------------------------------

-- Where a foreign key refers to a person it says so itself: on delete cascade, or set null. What it cannot say, each domain
-- says in one view of its own, private.leaving_<domain>, a row for each column:
--
--   relation, person   the table, and its column that tells who it is
--   does               task: tasks of this `kind` get `columns` of the person's rows, some 32 KiB of them each
--                      delete: the rows go
--                      anonymise: the rows stay, without the person
--                      retain: the rows stay as they are
--   why                of what stays
create view private.leaving_common as
    select declared.* from (
        values
            (
                'storage.objects', 'owner_id', 'task', 'remove_objects', array['bucket_id', 'name'],
                'No longer than until the task is done.'
            ),
            ('public.invitations', 'email', 'retain', null, null, 'It is the inviter''s, who wrote the address down.'),
            (
                'public.membership_invitations', 'email', 'retain', null, null,
                'It is the inviter''s, who wrote the address down.'
            ),
            ('private.tasks', 'subject', 'retain', null, null, 'It names whom something is still to be done for.'),
            ('realtime.messages', 'payload', 'retain', null, null, 'What was told; Realtime drops it after three days.')
    ) as declared (relation, person, does, kind, columns, why);
comment on view private.leaving_common is 'What becomes of references to a person who leaves, beside foreign keys, of what all systems share.';

create function private.leaving() returns setof private.leaving_common
language plpgsql stable security definer set search_path = '' as $$
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
$$;
comment on function private.leaving() is 'What every domain says of people who leave.';
revoke execute on function private.leaving() from public;

-- Before the profile goes, and with it what refers to it. In the transaction of the deletion, whoever asks for it: the
-- person, or an operator in Auth.
create function private.leave() returns trigger language plpgsql security definer set search_path = '' as $$
declare
    declared private.leaving_common;
    there record;
begin
    -- What a task is to know is read before anything goes.
    for declared in select * from private.leaving() as said order by said.does <> 'task' loop
        select pg_attribute.attrelid::regclass as relation, format_type(atttypid, atttypmod) as type, exists (
            select from pg_catalog.pg_constraint where contype = 'f' and conrelid = attrelid and conkey = array[attnum]
        ) as has_key
        into there
        from pg_catalog.pg_attribute
        where attrelid = to_regclass(declared.relation) and attname = declared.person and not attisdropped;
        -- A system that is not deployed has nothing of anybody.
        continue when not found;
        if declared.does = 'task' then
            execute format(
                'select private.enqueue($1, $2, jsonb_build_object(''rows'', jsonb_agg(owned.part)))
                from (
                    select part, sum(octet_length(part::text) + 2) over (rows unbounded preceding) / 32768 as batch
                    from (
                        select to_jsonb(found) as part from (select %s from %s where %I = $3::text::%s) as found
                    ) as parts
                ) as owned
                group by owned.batch',
                (select string_agg(quote_ident(name), ', ') from unnest(declared.columns) as name),
                there.relation, declared.person, there.type
            ) using declared.kind, 'user:' || old.id, old.id;
        elsif declared.does = 'delete' and not there.has_key then
            execute format('delete from %s where %I = $1::text::%s', there.relation, declared.person, there.type)
            using old.id;
        elsif declared.does = 'anonymise' and not there.has_key then
            execute format(
                'update %s set %2$I = null where %2$I = $1::text::%3$s', there.relation, declared.person, there.type
            ) using old.id;
        end if;
    end loop;
    return old;
end
$$;
comment on function private.leave() is 'Does what every domain says of people who leave, and no foreign key does.';
revoke execute on function private.leave() from public;

create trigger leave before delete on public.profiles for each row execute function private.leave();


-- The bell: written by private.notify alone ------------------------------------------------------------------------------

revoke all on public.notifications from anon, authenticated, service_role;
grant select, delete on public.notifications to authenticated;
grant update (read_at) on public.notifications to authenticated;

alter table public.notifications enable row level security;

create policy "People can view what they were told" on public.notifications
    for select to authenticated
    using (user_id = (select auth.uid()));

create policy "People can mark what they were told as read" on public.notifications
    for update to authenticated
    using (user_id = (select auth.uid()))
    with check (user_id = (select auth.uid()));

create policy "People can delete what they were told" on public.notifications
    for delete to authenticated
    using (user_id = (select auth.uid()));

-- Over the caller's own rows, by an index of those that are not read.
create function public.unread_notifications() returns integer
language sql stable set search_path = '' as $$
    select count(*)::integer from public.notifications where user_id = (select auth.uid()) and read_at is null;
$$;
comment on function public.unread_notifications() is 'How many notifications the caller has not read.';
revoke execute on function public.unread_notifications() from public, anon, authenticated, service_role;
grant execute on function public.unread_notifications() to authenticated;


-- Memberships: the hash of the token is for no role of the API to read --------------------------------------------------

revoke all on public.membership_invitations from anon, authenticated, service_role;
grant select (id, scope, scope_id, email, role, status, invited_by, expires_at, accepted_at, created_at, updated_at)
    on public.membership_invitations to authenticated;
grant insert (id, scope, scope_id, email, role, token_hash) on public.membership_invitations to authenticated;
grant update (status) on public.membership_invitations to authenticated;

alter table public.membership_invitations enable row level security;

create policy "Inviters and the invited can view invitations" on public.membership_invitations
    for select to authenticated
    using (invited_by = (select auth.uid()) or email = (select private.my_email()));

-- Whether one may invite at all is for what is shared to say, which a trigger asks.
create policy "People can invite in their own name" on public.membership_invitations
    for insert to authenticated
    with check (invited_by = (select auth.uid()));

create policy "Open invitations can be revoked or declined" on public.membership_invitations
    for update to authenticated
    using (status = 'pending' and (invited_by = (select auth.uid()) or email = (select private.my_email())))
    with check (
        (status = 'revoked' and invited_by = (select auth.uid()))
        or (status = 'declined' and email = (select private.my_email()))
    );

-- In a transaction of its own, so that it counts whatever becomes of the invitation. It answers what the mail says.
create function public.announce_membership_invitation(scope text, scope_id uuid, email text) returns jsonb
language plpgsql security definer set search_path = '' as $$
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
$$;
comment on function public.announce_membership_invitation(text, uuid, text) is 'Counts an invitation that the caller is about to send to this address; without it, none is taken. Good for ten minutes. Returns what the thing and the inviter are called, and as what one may join.';
revoke execute on function public.announce_membership_invitation(text, uuid, text)
    from public, anon, authenticated, service_role;
grant execute on function public.announce_membership_invitation(text, uuid, text) to authenticated;

-- As definer, because nobody may make themselves take part otherwise. Whoever has accepted and takes part is answered the
-- same again, since the first answer may have been lost.
create function public.accept_membership(token text, of_scope text default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
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
$$;
comment on function public.accept_membership(text, text) is 'Accepts an invitation by the secret in its link, once, and to this scope alone where one is named. Returns the membership: its id, scope, scope_id and role.';
revoke execute on function public.accept_membership(text, text) from public, anon, authenticated, service_role;
grant execute on function public.accept_membership(text, text) to authenticated;
