-- What is said in runs of agents, and how runs end: for Edge Functions that hold a secret key.


-- Messages ----------------------------------------------------------------------------------------------------------------

-- The same place again is the same message.
create function public.begin_ai_message(run uuid, role text, sequence integer) returns uuid
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    moment constant timestamptz := clock_timestamp();
    going_on public.ai_runs;
    begun public.ai_messages;
begin
    select * into going_on from public.ai_runs as runs where runs.id = begin_ai_message.run for key share;
    if not found then
        perform private.refuse_run();
    elsif going_on.status <> 'running' then
        perform private.refuse('CONFLICT', 'This run has ended.', '{"reason": "RUN_ENDED"}');
    end if;
    insert into public.ai_messages as messages (run_id, user_id, role, sequence, created_at, updated_at)
    values (going_on.id, going_on.user_id, begin_ai_message.role, begin_ai_message.sequence, moment, moment)
    on conflict (run_id, sequence) do nothing
    returning * into begun;
    if not found then
        select * into begun from public.ai_messages as messages
        where messages.run_id = going_on.id and messages.sequence = begin_ai_message.sequence;
        if begun.role <> begin_ai_message.role then
            perform private.refuse('CONFLICT', 'Another message has this place.', '{"reason": "KEY_REUSED", "field": "sequence"}');
        end if;
    end if;
    return begun.id;
end
$$;
comment on function public.begin_ai_message(uuid, text, integer) is 'Begins a message of a run that goes on; the same place again is the same message. Place 0 is what was asked. Refused with CONFLICT, RUN_ENDED, where it does not.';
revoke execute on function public.begin_ai_message(uuid, text, integer) from public, anon, authenticated, service_role;
grant execute on function public.begin_ai_message(uuid, text, integer) to service_role;

create function public.checkpoint_ai_message(
    message uuid, content text, streamed_bytes bigint default null, lease_seconds integer default 60
) returns boolean
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    run uuid;
begin
    update public.ai_messages as messages set content = checkpoint_ai_message.content
    where messages.id = checkpoint_ai_message.message and messages.status = 'streaming'
    returning messages.run_id into run;
    if not found then
        return false;
    end if;
    return private.renew_ai_run(run, null, checkpoint_ai_message.streamed_bytes, checkpoint_ai_message.lease_seconds);
end
$$;
comment on function public.checkpoint_ai_message(uuid, text, bigint, integer) is 'What of a message has come in, as text of the message and in bytes of the call that goes on; false where its run has ended, and whoever is at it is to stop.';
revoke execute on function public.checkpoint_ai_message(uuid, text, bigint, integer)
    from public, anon, authenticated, service_role;
grant execute on function public.checkpoint_ai_message(uuid, text, bigint, integer) to service_role;

create function public.end_ai_message(message uuid, content text, status text, tool_calls jsonb default null)
returns boolean
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
begin
    if coalesce(end_ai_message.status, '') not in ('complete', 'aborted') then
        perform private.refuse('BAD_USER_INPUT', 'A message ends complete or aborted.', '{"field": "status"}');
    end if;
    update public.ai_messages as messages set
        content = end_ai_message.content, status = end_ai_message.status, tool_calls = end_ai_message.tool_calls
    where messages.id = end_ai_message.message and messages.status = 'streaming';
    return found;
end
$$;
comment on function public.end_ai_message(uuid, text, text, jsonb) is 'All of a message, once: whether it was not ended before.';
revoke execute on function public.end_ai_message(uuid, text, text, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.end_ai_message(uuid, text, text, jsonb) to service_role;


-- Ending ------------------------------------------------------------------------------------------------------------------

-- What is open of a run that has ended: its calls are counted by what has come in, its messages break off. The profile and
-- the run are held.
create function private.close_ai_run(run uuid) returns void
language plpgsql security definer set search_path = '' as $$
begin
    perform private.settle_lost_call(calls.usage_id)
    from private.ai_calls as calls join public.ai_usage as usage on usage.id = calls.usage_id
    where usage.run_id = run;
    update public.ai_messages as messages set status = 'aborted'
    where messages.run_id = run and messages.status = 'streaming';
    update public.ai_runs as runs set lease_until = null where runs.id = run and runs.lease_until is not null;
end
$$;
revoke execute on function private.close_ai_run(uuid) from public;

-- The run, with its person and itself held, in this order.
create function private.hold_ai_run(run uuid) returns public.ai_runs
language plpgsql security definer set search_path = '' as $$
declare
    held public.ai_runs;
begin
    perform from public.profiles
    where profiles.id = (select runs.user_id from public.ai_runs as runs where runs.id = run) for no key update;
    select * into held from public.ai_runs as runs where runs.id = run for no key update;
    if not found then
        perform private.refuse_run();
    end if;
    return held;
end
$$;
revoke execute on function private.hold_ai_run(uuid) from public;

create function public.finish_ai_run(run uuid, status text, result jsonb default null, error_code text default null)
returns boolean
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    held public.ai_runs;
    is_first boolean;
begin
    if coalesce(finish_ai_run.status, '') not in ('succeeded', 'failed', 'cancelled')
        or (finish_ai_run.error_code is not null) <> (finish_ai_run.status = 'failed')
    then
        perform private.refuse(
            'BAD_USER_INPUT', 'A run ends succeeded, cancelled, or failed with a code.', '{"field": "status"}'
        );
    end if;
    held := private.hold_ai_run(finish_ai_run.run);
    is_first := held.status in ('queued', 'running');
    if is_first then
        update public.ai_runs as runs set
            status = finish_ai_run.status, error_code = finish_ai_run.error_code, lease_until = null,
            result = case when finish_ai_run.status = 'succeeded' then finish_ai_run.result end
        where runs.id = held.id;
    end if;
    perform private.close_ai_run(held.id);
    return is_first;
end
$$;
comment on function public.finish_ai_run(uuid, text, jsonb, text) is 'Ends a run: succeeded, cancelled, or failed with a public code. True once; a run that has ended stays as it is. What of it is still open is settled by what has come in.';
revoke execute on function public.finish_ai_run(uuid, text, jsonb, text) from public, anon, authenticated, service_role;
grant execute on function public.finish_ai_run(uuid, text, jsonb, text) to service_role;

-- Whoever is at it sees at the next checkpoint that it has ended, and writes down what was used; or nobody is, and its lease
-- runs out.
create function public.cancel_ai_run(run uuid) returns public.ai_runs
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    held public.ai_runs;
begin
    update public.ai_runs as runs set status = 'cancelled'
    where runs.id = cancel_ai_run.run and runs.user_id = (select auth.uid()) and runs.status in ('queued', 'running')
    returning * into held;
    if not found then
        select * into held from public.ai_runs as runs
        where runs.id = cancel_ai_run.run and runs.user_id = (select auth.uid());
        if not found then
            perform private.refuse('NOT_FOUND', 'There is no such run, or you may not see it.', '{"field": "id"}');
        elsif held.status <> 'cancelled' then
            perform private.refuse('CONFLICT', 'This run has ended already.', '{"reason": "RUN_ENDED"}');
        end if;
    end if;
    return held;
end
$$;
comment on function public.cancel_ai_run(uuid) is 'Ends a run of the caller''s that has not ended; again, it changes nothing.';
revoke execute on function public.cancel_ai_run(uuid) from public, anon, authenticated, service_role;
grant execute on function public.cancel_ai_run(uuid) to authenticated;

-- Whoever was at a run is not heard of any more: it has failed, once, and is counted. Who is being written of is left to
-- the next time.
create function private.end_lost_ai_runs() returns integer
language plpgsql security definer set search_path = '' as $$
declare
    moment constant timestamptz := clock_timestamp();
    lost record;
    ended integer := 0;
begin
    for lost in
        select runs.id, runs.user_id from public.ai_runs as runs
        where runs.lease_until <= moment order by runs.lease_until limit 1000
    loop
        perform from public.profiles where profiles.id = lost.user_id for no key update skip locked;
        continue when not found;
        perform from public.ai_runs as runs
        where runs.id = lost.id and runs.lease_until <= moment for no key update skip locked;
        continue when not found;
        update public.ai_runs as runs set status = 'failed', error_code = 'TIMEOUT', lease_until = null
        where runs.id = lost.id and runs.status in ('queued', 'running');
        perform private.close_ai_run(lost.id);
        ended := ended + 1;
    end loop;
    -- Of searches, which are no runs, and of calls that nobody waits for any more.
    for lost in
        select calls.usage_id as id, usage.user_id
        from private.ai_calls as calls join public.ai_usage as usage on usage.id = calls.usage_id
        where calls.lease_until <= moment and (
            usage.run_id is null
            or exists (select from public.ai_runs as runs where runs.id = usage.run_id and runs.lease_until is null)
        )
        order by calls.lease_until limit 1000
    loop
        perform from public.profiles where profiles.id = lost.user_id for no key update skip locked;
        continue when not found;
        perform private.settle_lost_call(lost.id);
    end loop;
    return ended;
end
$$;
comment on function private.end_lost_ai_runs() is 'Fails runs of which nothing was heard until their leases ended, and counts what they took by what had come in; returns how many.';
revoke execute on function private.end_lost_ai_runs() from public;
