-- What agents are asked, from the question to its end: for Edge Functions that hold a secret key. Who writes of a run and of
-- its person's limits holds the profile first, then the run.


-- Asking ------------------------------------------------------------------------------------------------------------------

-- Nothing is done that is not counted: where nothing counts, nothing is done. Later stages are asked by name as they are
-- there.
create function private.check_metering() returns void
language plpgsql stable security definer set search_path = '' as $$
begin
    if to_regprocedure('public.reserve_usage(uuid,text,numeric,text,interval)') is null
        or to_regprocedure('public.settle_usage(text,numeric)') is null
        or to_regprocedure('public.release_usage(text)') is null
    then
        perform private.refuse('NOT_ENABLED', 'Agents are not enabled here: nothing counts what they cost.');
    end if;
end
$$;
comment on function private.check_metering() is 'Refuses with NOT_ENABLED where nothing counts what agents cost.';
revoke execute on function private.check_metering() from public;

-- A token outlives its account.
create function private.check_account(person uuid) returns void
language plpgsql stable security definer set search_path = '' as $$
begin
    if not exists (select from auth.users where users.id = person and users.deleted_at is null) then
        perform private.refuse('UNAUTHENTICATED', 'This account does not exist any more.');
    end if;
end
$$;
revoke execute on function private.check_account(uuid) from public;

create function private.check_asker(person uuid) returns void
language plpgsql stable security definer set search_path = '' as $$
begin
    perform private.check_account(check_asker.person);
    if private.is_anonymous(check_asker.person) then
        perform private.refuse('FORBIDDEN', 'Agents are for people with an account: sign up, or add an address.');
    end if;
end
$$;
comment on function private.check_asker(uuid) is 'Refuses with FORBIDDEN whoever is anonymous, and with UNAUTHENTICATED whose account is gone.';
revoke execute on function private.check_asker(uuid) from public;

create function private.refuse_run() returns void language plpgsql security definer set search_path = '' as $$
begin
    perform private.refuse('NOT_FOUND', 'There is no such run, or you may not see it.', '{"field": "run"}');
end
$$;
revoke execute on function private.refuse_run() from public;

-- What has been said in a conversation before a run: the newest of it, the oldest first.
create function private.ai_history(run public.ai_runs) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
    said record;
    room integer := 24000;
    history jsonb := '[]';
begin
    for said in
        select messages.role, messages.content
        from public.ai_runs as before
        join public.ai_messages as messages on messages.run_id = before.id
        where before.conversation_id = run.conversation_id and before.user_id = run.user_id and before.id <> run.id
            and before.created_at <= run.created_at
            and messages.role in ('user', 'assistant') and messages.status = 'complete' and messages.content <> ''
        order by before.created_at desc, before.id desc, messages.sequence desc
        limit 40
    loop
        room := room - char_length(said.content);
        exit when room < 0;
        history := jsonb_build_object('role', said.role, 'content', said.content) || history;
    end loop;
    return history;
end
$$;
revoke execute on function private.ai_history(public.ai_runs) from public;

create function public.start_ai_run(
    person uuid, agent_key text, input jsonb, trip uuid default null, conversation uuid default null,
    idempotency_key text default null, lease_seconds integer default 60
) returns jsonb
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    moment constant timestamptz := clock_timestamp();
    prompt constant text := start_ai_run.input ->> 'prompt';
    -- The row's own trip goes with the trip, and its conversation may be one that nobody asked for.
    asked jsonb;
    agent public.ai_agents;
    run public.ai_runs;
    is_new boolean;
begin
    perform private.check_metering();
    perform private.check_lease(start_ai_run.lease_seconds);
    perform private.check_asker(start_ai_run.person);
    if jsonb_typeof(start_ai_run.input) is distinct from 'object'
        or jsonb_typeof(start_ai_run.input -> 'prompt') is distinct from 'string' or prompt !~ '\S'
        or char_length(prompt) > 8000
    then
        perform private.refuse(
            'BAD_USER_INPUT', 'A prompt is 1 to 8,000 characters long, and not all of them are blank.', '{"field": "prompt"}'
        );
    end if;
    if char_length(start_ai_run.idempotency_key) not between 1 and 200 then
        perform private.refuse(
            'BAD_USER_INPUT', 'A key is 1 to 200 characters long.', '{"field": "idempotency_key"}'
        );
    end if;
    select * into agent from public.ai_agents as agents
    where agents.key = start_ai_run.agent_key and agents.is_active;
    if not found then
        perform private.refuse('NOT_FOUND', 'There is no such agent.', '{"field": "agent_key"}');
    end if;
    if start_ai_run.trip is not null and not exists (
        select from private.trip_people as people
        where people.trip_id = start_ai_run.trip and people.user_id = start_ai_run.person
    ) then
        perform private.refuse('NOT_FOUND', 'There is no such trip, or you may not see it.', '{"field": "trip"}');
    end if;
    if start_ai_run.conversation is not null and not exists (
        select from public.ai_runs as runs
        where runs.conversation_id = start_ai_run.conversation and runs.user_id = start_ai_run.person
    ) then
        perform private.refuse(
            'NOT_FOUND', 'There is no such conversation, or you may not see it.', '{"field": "conversation"}'
        );
    end if;

    asked := start_ai_run.input || jsonb_strip_nulls(jsonb_build_object(
        'trip_id', start_ai_run.trip, 'conversation_id', start_ai_run.conversation
    ));
    insert into public.ai_runs as runs (
        user_id, trip_id, agent_id, conversation_id, input, idempotency_key, lease_until, created_at, updated_at
    ) values (
        start_ai_run.person, start_ai_run.trip, agent.id, coalesce(start_ai_run.conversation, gen_random_uuid()),
        asked, start_ai_run.idempotency_key, moment + start_ai_run.lease_seconds * interval '1 second',
        moment, moment
    )
    on conflict on constraint ai_runs_user_id_idempotency_key_key do nothing
    returning * into run;
    is_new := found;
    if is_new then
        insert into public.ai_messages (run_id, user_id, role, content, status, sequence, created_at, updated_at)
        values (run.id, run.user_id, 'user', prompt, 'complete', 0, moment, moment);
    else
        select * into run from public.ai_runs as runs
        where runs.user_id = start_ai_run.person and runs.idempotency_key = start_ai_run.idempotency_key;
        if run.agent_id <> agent.id or run.input <> asked then
            perform private.refuse(
                'CONFLICT', 'This key was used for something else.',
                '{"reason": "KEY_REUSED", "field": "idempotency_key"}'
            );
        end if;
    end if;
    return jsonb_build_object(
        'run', jsonb_build_object(
            'id', run.id, 'status', run.status, 'conversation_id', run.conversation_id, 'trip_id', run.trip_id
        ),
        'created', is_new,
        'agent', jsonb_build_object(
            'key', agent.key, 'model', agent.model, 'system_prompt', agent.system_prompt, 'tools', agent.tools,
            'max_output_tokens', agent.max_output_tokens
        ),
        'history', private.ai_history(run)
    );
end
$$;
comment on function public.start_ai_run(uuid, text, jsonb, uuid, uuid, text, integer) is 'Writes down what a person asks an agent; the same key again is the same run. Answers the run, whether it is new, the agent, and what was said in the conversation before. Refused with NOT_FOUND for an agent that cannot be asked and for a trip or a conversation that the person may not see, with CONFLICT, KEY_REUSED, where the key was used for something else, and with NOT_ENABLED where nothing counts what it costs.';
revoke execute on function public.start_ai_run(uuid, text, jsonb, uuid, uuid, text, integer)
    from public, anon, authenticated, service_role;
grant execute on function public.start_ai_run(uuid, text, jsonb, uuid, uuid, text, integer) to service_role;


-- What a trip is like -----------------------------------------------------------------------------------------------------

-- Its itinerary and its days, as far as a proposal is about them: another text once any of it has changed.
create function private.trip_version(trip uuid) returns text
language sql stable security definer set search_path = '' as $$
    select encode(sha256(convert_to(concat_ws(
        ' ', trips.start_date, trips.end_date, (
            select string_agg(items.id || '@' || extract(epoch from items.updated_at), ' ' order by items.id)
            from public.trip_items as items where items.trip_id = trips.id
        )
    ), 'UTF8')), 'hex')
    from public.trips where trips.id = trip
$$;
comment on function private.trip_version(uuid) is 'What a trip''s itinerary is like, in a text that changes with it; null where there is no such trip.';
revoke execute on function private.trip_version(uuid) from public;

create function public.claim_ai_run(run uuid, lease_seconds integer default 60) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
    moment constant timestamptz := clock_timestamp();
    claimed public.ai_runs;
begin
    perform private.check_lease(lease_seconds);
    update public.ai_runs as runs set status = 'running', lease_until = moment + lease_seconds * interval '1 second'
    where runs.id = run and runs.status = 'queued' and runs.lease_until > moment
    returning * into claimed;
    if not found then
        return false;
    end if;
    insert into private.ai_run_bases (run_id, trip_version)
    select claimed.id, private.trip_version(claimed.trip_id)
    from public.trips where trips.id = claimed.trip_id;
    return true;
end
$$;
comment on function public.claim_ai_run(uuid, integer) is 'Begins a run: true once, for whoever is to do it. Its trip is from now on what a proposal is about.';
revoke execute on function public.claim_ai_run(uuid, integer) from public, anon, authenticated, service_role;
grant execute on function public.claim_ai_run(uuid, integer) to service_role;
