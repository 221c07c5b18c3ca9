SET local check_function_bodies = off;

DROP POLICY "People can view what is kept in mind of them" ON "public"."ai_memories";

CREATE OR REPLACE FUNCTION private.check_asker (
  person uuid
)
  RETURNS void
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.check_account(check_asker.person);
    if private.is_anonymous(check_asker.person) then
        perform private.refuse('FORBIDDEN', 'Agents are for people with an account: sign up, or add an address.');
    end if;
end
$function$;

CREATE OR REPLACE FUNCTION public.begin_ai_call (
  run               uuid,
  call_index        integer,
  model             text,
  prompt_tokens     bigint,
  max_output_tokens bigint  DEFAULT 0,
  lease_seconds     integer DEFAULT 60,
  person            uuid    DEFAULT NULL::uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
    moment timestamptz := clock_timestamp();
    going_on public.ai_runs;
    price private.ai_prices;
    call public.ai_usage;
    key text;
begin
    perform private.check_metering();
    perform private.check_lease(begin_ai_call.lease_seconds);
    if coalesce(begin_ai_call.prompt_tokens, -1) not between 1 and 100000000
        or coalesce(begin_ai_call.max_output_tokens, -1) not between 0 and 100000000
    then
        perform private.refuse('BAD_USER_INPUT', 'A call has 1 to 100,000,000 tokens.', '{"field": "prompt_tokens"}');
    end if;
    if (begin_ai_call.run is null) <> (begin_ai_call.call_index is null)
        or (begin_ai_call.run is null) = (begin_ai_call.person is null)
    then
        perform private.refuse(
            'BAD_USER_INPUT', 'A call is one of a run, by its index, or of a person.', '{"field": "run"}'
        );
    end if;
    select * into price from private.ai_prices as prices
    where prices.model = begin_ai_call.model and prices.valid_from <= (moment at time zone 'UTC')::date
    order by prices.valid_from desc limit 1;
    if not found then
        perform private.refuse(
            'NOT_ENABLED', 'This model is not enabled here: nobody has said what it costs.', '{"reason": "NO_PRICE"}'
        );
    end if;

    if begin_ai_call.run is not null then
        going_on := private.hold_ai_run(begin_ai_call.run);
        moment := clock_timestamp();
        if going_on.status <> 'running' or going_on.lease_until <= moment then
            perform private.refuse('CONFLICT', 'This run has ended.', '{"reason": "RUN_ENDED"}');
        end if;
    else
        perform private.check_asker(begin_ai_call.person);
    end if;
    insert into public.ai_usage as calls (
        run_id, user_id, call_index, model, priced_at, prompt_price, cached_prompt_price, completion_price, created_at
    ) values (
        going_on.id, coalesce(going_on.user_id, begin_ai_call.person), begin_ai_call.call_index, price.model,
        price.valid_from, price.prompt, price.cached_prompt, price.completion, moment
    )
    on conflict (run_id, call_index) do update set
        status = 'open', is_estimated = true, model = excluded.model, priced_at = excluded.priced_at,
        prompt_price = excluded.prompt_price, cached_prompt_price = excluded.cached_prompt_price,
        completion_price = excluded.completion_price
    where calls.status = 'released'
    returning * into call;
    if not found then
        select * into call from public.ai_usage as calls
        where calls.run_id = going_on.id and calls.call_index = begin_ai_call.call_index;
        if call.status <> 'open' or not exists (
            select from private.ai_calls as known
            where known.usage_id = call.id and known.prompt_tokens = begin_ai_call.prompt_tokens
                and known.max_output_tokens = begin_ai_call.max_output_tokens
        ) then
            perform private.refuse(
                'CONFLICT', 'This call was made already.', '{"reason": "KEY_REUSED", "field": "call_index"}'
            );
        end if;
        return private.ai_call_answer(call);
    end if;

    -- Begun anew it is another reservation: it may be for more.
    key := case when going_on.id is null then format('ai:%s', call.id)
        else format('ai:%s:%s', going_on.id, call.call_index) end
        || case when call.created_at < moment then ':' || extract(epoch from moment) else '' end;
    execute 'select public.reserve_usage($1, $2, $3, $4, $5)' using
        call.user_id, 'ai_cost',
        greatest(
            ceil(begin_ai_call.prompt_tokens * price.prompt + begin_ai_call.max_output_tokens * price.completion), 1
        ) / 1000000,
        key, interval '1 hour';
    insert into private.ai_calls (usage_id, reservation_key, prompt_tokens, max_output_tokens, lease_until)
    values (
        call.id, key, begin_ai_call.prompt_tokens, begin_ai_call.max_output_tokens,
        moment + begin_ai_call.lease_seconds * interval '1 second'
    );
    perform private.renew_ai_run(going_on.id, null, null, begin_ai_call.lease_seconds);
    return private.ai_call_answer(call);
end
$function$;

CREATE OR REPLACE FUNCTION public.remember_ai_memory (
  person     uuid,
  trip       uuid,
  kind       text,
  content    text,
  embedding  extensions.vector,
  expires_at timestamp with time zone DEFAULT NULL::timestamp WITH time zone
)
  RETURNS uuid
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
    moment constant timestamptz := clock_timestamp();
    kept uuid;
begin
    if private.is_anonymous(remember_ai_memory.person) then
        perform private.refuse('FORBIDDEN', 'Agents are for people with an account: sign up, or add an address.');
    end if;
    -- It would be told of, and read by nobody.
    if remember_ai_memory.expires_at <= moment then
        perform private.refuse(
            'BAD_USER_INPUT', 'What is kept in mind is kept for a while.', '{"field": "expires_at"}'
        );
    end if;
    if remember_ai_memory.trip is not null and not exists (
        select from private.trip_people as people
        where people.trip_id = remember_ai_memory.trip and people.user_id = remember_ai_memory.person
    ) then
        perform private.refuse('NOT_FOUND', 'There is no such trip, or you may not see it.', '{"field": "trip"}');
    end if;
    -- One after the other, so that two at once are not kept twice.
    perform from public.profiles where profiles.id = remember_ai_memory.person for no key update;
    update public.ai_memories as memories set
        kind = remember_ai_memory.kind, embedding = remember_ai_memory.embedding,
        expires_at = remember_ai_memory.expires_at
    where memories.user_id = remember_ai_memory.person and memories.content = remember_ai_memory.content
        and memories.trip_id is not distinct from remember_ai_memory.trip
    returning memories.id into kept;
    if found then
        return kept;
    end if;
    insert into public.ai_memories as memories (
        user_id, trip_id, kind, content, embedding, expires_at, created_at, updated_at
    ) values (
        remember_ai_memory.person, remember_ai_memory.trip, remember_ai_memory.kind, remember_ai_memory.content,
        remember_ai_memory.embedding, remember_ai_memory.expires_at, moment, moment
    )
    returning memories.id into kept;
    delete from public.ai_memories where id in (
        select old.id from public.ai_memories as old
        where old.user_id = remember_ai_memory.person order by old.created_at desc offset 1000
    );
    return kept;
end
$function$;

CREATE OR REPLACE FUNCTION public.start_ai_run (
  person          uuid,
  agent_key       text,
  input           jsonb,
  trip            uuid    DEFAULT NULL::uuid,
  conversation    uuid    DEFAULT NULL::uuid,
  idempotency_key text    DEFAULT NULL::text,
  lease_seconds   integer DEFAULT 60
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

CREATE POLICY "People can view what is kept in mind of them" ON "public"."ai_memories"
  FOR SELECT
  TO "authenticated"
  USING (((user_id = ( SELECT auth.uid() AS uid)) AND ((expires_at IS NULL) OR (expires_at > now()))));

COMMENT ON COLUMN "public"."ai_memories"."expires_at" IS 'When it is forgotten, and read by nobody any more; null for never.';

COMMENT ON COLUMN "public"."ai_runs"."input" IS 'What was asked, as an object, with the trip and the conversation that were named.';

COMMENT ON FUNCTION "private"."check_asker"(uuid) IS 'Refuses with FORBIDDEN whoever is anonymous, and with UNAUTHENTICATED whose account is gone.';

COMMENT ON FUNCTION "public"."begin_ai_call"(uuid, integer, text, bigint, bigint, integer, uuid) IS 'Holds the most that a call of a provider can cost, before it is made: of a run, by its index, or of a person, as a search. Refused with USAGE_LIMIT_EXCEEDED where that is not left, with CONFLICT, RUN_ENDED, where the run does not go on, with FORBIDDEN for a person who is anonymous, and with NOT_ENABLED where nothing counts it, or the model has no price. Answers the call, its status and its cost so far.';

REVOKE ALL ON FUNCTION "private"."check_asker"(uuid) FROM PUBLIC;
