-- Calls of a model's provider: what each may cost is held before it, and what it took is counted after it, whatever becomes
-- of whoever made it. For Edge Functions that hold a secret key. Who writes of a call holds the person's profile first.


-- What a call costs -------------------------------------------------------------------------------------------------------

-- Prices are for a million tokens, so tokens times prices are millionths. What is less than one of them is one.
create function private.ai_cost(call public.ai_usage) returns numeric
language sql immutable set search_path = '' as $$
    select trim_scale(ceil(
        (call.prompt_tokens - call.cached_tokens) * call.prompt_price + call.cached_tokens * call.cached_prompt_price
        + call.completion_tokens * call.completion_price
    ) / 1000000)
$$;
revoke execute on function private.ai_cost(public.ai_usage) from public;

create function private.ai_call_answer(call public.ai_usage) returns jsonb
language sql immutable set search_path = '' as $$
    -- An amount as text, since JSON would round it.
    select jsonb_build_object(
        'call', call.id, 'status', call.status, 'cost', trim_scale(call.cost)::text, 'is_estimated', call.is_estimated
    )
$$;
revoke execute on function private.ai_call_answer(public.ai_usage) from public;


-- Before a call -----------------------------------------------------------------------------------------------------------

-- Within a run the same index again is the same call: one that took nothing is begun anew. Outside of one, `person` says for
-- whom, and each is a call of its own, known by what is answered.
create function public.begin_ai_call(
    run uuid, call_index integer, model text, prompt_tokens bigint, max_output_tokens bigint default 0,
    lease_seconds integer default 60, person uuid default null
) returns jsonb
language plpgsql security definer set search_path = '' as $$
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
$$;
comment on function public.begin_ai_call(uuid, integer, text, bigint, bigint, integer, uuid) is 'Holds the most that a call of a provider can cost, before it is made: of a run, by its index, or of a person, as a search. Refused with USAGE_LIMIT_EXCEEDED where that is not left, with CONFLICT, RUN_ENDED, where the run does not go on, with FORBIDDEN for a person who is anonymous, and with NOT_ENABLED where nothing counts it, or the model has no price. Answers the call, its status and its cost so far.';
revoke execute on function public.begin_ai_call(uuid, integer, text, bigint, bigint, integer, uuid)
    from public, anon, authenticated, service_role;
grant execute on function public.begin_ai_call(uuid, integer, text, bigint, bigint, integer, uuid) to service_role;


-- While it goes on --------------------------------------------------------------------------------------------------------

-- Leases are moved on when half of them is over, so that not every word that comes in is told as a change of the run.
create function private.renew_ai_run(run uuid, call_index integer, streamed_bytes bigint, lease_seconds integer)
returns boolean
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    moment constant timestamptz := clock_timestamp();
    going_on public.ai_runs;
begin
    perform private.check_lease(renew_ai_run.lease_seconds);
    -- What has come in has come in, whatever the run is by now.
    if renew_ai_run.streamed_bytes is not null then
        update private.ai_calls as calls set
            streamed_bytes = greatest(calls.streamed_bytes, renew_ai_run.streamed_bytes),
            lease_until = greatest(calls.lease_until, moment + renew_ai_run.lease_seconds * interval '1 second')
        where calls.usage_id = (
            select usage.id from public.ai_usage as usage
            where usage.run_id = renew_ai_run.run and usage.status = 'open'
                and usage.call_index = coalesce(renew_ai_run.call_index, usage.call_index)
            order by usage.call_index desc limit 1
        );
    end if;
    select * into going_on from public.ai_runs as runs where runs.id = renew_ai_run.run;
    if not found or going_on.status <> 'running' or going_on.lease_until <= moment then
        return false;
    end if;
    if going_on.lease_until < moment + renew_ai_run.lease_seconds * interval '0.5 seconds' then
        update public.ai_runs as runs set lease_until = moment + renew_ai_run.lease_seconds * interval '1 second'
        where runs.id = renew_ai_run.run and runs.status = 'running';
        return found;
    end if;
    return true;
end
$$;
revoke execute on function private.renew_ai_run(uuid, integer, bigint, integer) from public;

create function public.note_ai_call(
    run uuid, call_index integer, streamed_bytes bigint, lease_seconds integer default 60
) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
    return private.renew_ai_run(run, call_index, streamed_bytes, lease_seconds);
end
$$;
comment on function public.note_ai_call(uuid, integer, bigint, integer) is 'How many bytes of a call have come in, so that they are counted whatever becomes of whoever made it; false where its run has ended, and whoever is at it is to stop.';
revoke execute on function public.note_ai_call(uuid, integer, bigint, integer)
    from public, anon, authenticated, service_role;
grant execute on function public.note_ai_call(uuid, integer, bigint, integer) to service_role;


-- After it ----------------------------------------------------------------------------------------------------------------

-- The profile is held.
create function private.settle_call(
    call uuid, prompt bigint, cached bigint, completion bigint, reasoning bigint, estimated boolean
) returns void
language plpgsql security definer set search_path = '' as $$
declare
    settled public.ai_usage;
    held private.ai_calls;
begin
    delete from private.ai_calls as calls where calls.usage_id = call returning * into held;
    if not found then
        return;
    end if;
    update public.ai_usage as usage set
        status = 'settled', is_estimated = estimated, prompt_tokens = prompt, cached_tokens = least(cached, prompt),
        completion_tokens = greatest(completion, reasoning), reasoning_tokens = reasoning
    where usage.id = call
    returning * into settled;
    settled.cost := private.ai_cost(settled);
    update public.ai_usage as usage set cost = settled.cost where usage.id = call;
    execute 'select public.settle_usage($1, $2)' using held.reservation_key, settled.cost;
end
$$;
revoke execute on function private.settle_call(uuid, bigint, bigint, bigint, bigint, boolean) from public;

-- Of a call of which nothing more is heard: all that was sent, and what came in, upwards: a token has three bytes or more.
create function private.settle_lost_call(call uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
    known private.ai_calls;
begin
    select * into known from private.ai_calls as calls where calls.usage_id = call for update;
    if found then
        perform private.settle_call(
            call, known.prompt_tokens, 0, least((known.streamed_bytes + 2) / 3, known.max_output_tokens), 0, true
        );
    end if;
end
$$;
revoke execute on function private.settle_lost_call(uuid) from public;

create function private.ai_tokens(usage jsonb, name text) returns bigint
language plpgsql immutable security definer set search_path = '' as $$
begin
    if coalesce(jsonb_typeof(usage -> name), 'null') = 'null' then
        return 0;
    elsif jsonb_typeof(usage -> name) <> 'number' or usage ->> name !~ '^[0-9]{1,9}$' then
        perform private.refuse('BAD_USER_INPUT', 'Tokens are whole numbers.', jsonb_build_object('field', name));
    end if;
    return (usage ->> name)::bigint;
end
$$;
revoke execute on function private.ai_tokens(jsonb, text) from public;

-- Without a usage the provider took nothing, since it refused the call, or was not reached. Estimated are at least what was
-- sent and what came in.
create function public.end_ai_call(run uuid, call_index integer, usage jsonb, call uuid default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    made public.ai_usage;
    known private.ai_calls;
    estimated constant boolean := coalesce(end_ai_call.usage ->> 'is_estimated' = 'true', false);
    prompt bigint := private.ai_tokens(end_ai_call.usage, 'prompt_tokens');
    completion bigint := private.ai_tokens(end_ai_call.usage, 'completion_tokens');
begin
    select * into made from public.ai_usage as calls
    where calls.id = end_ai_call.call and end_ai_call.run is null
        or calls.run_id = end_ai_call.run and calls.call_index = end_ai_call.call_index;
    if not found then
        perform private.refuse('NOT_FOUND', 'There is no such call.', '{"field": "call"}');
    end if;
    perform from public.profiles where profiles.id = made.user_id for no key update;
    select * into known from private.ai_calls as calls where calls.usage_id = made.id for update;
    if found then
        if coalesce(jsonb_typeof(end_ai_call.usage), 'null') = 'null' then
            delete from private.ai_calls as calls where calls.usage_id = made.id;
            execute 'select public.release_usage($1)' using known.reservation_key;
            update public.ai_usage as calls set status = 'released', is_estimated = false where calls.id = made.id;
        else
            if estimated then
                prompt := greatest(prompt, known.prompt_tokens);
                completion := greatest(
                    completion, least((known.streamed_bytes + 2) / 3, known.max_output_tokens)
                );
            end if;
            perform private.settle_call(
                made.id, prompt, private.ai_tokens(end_ai_call.usage, 'cached_tokens'), completion,
                private.ai_tokens(end_ai_call.usage, 'reasoning_tokens'), estimated
            );
        end if;
    end if;
    select * into made from public.ai_usage as calls where calls.id = made.id;
    return private.ai_call_answer(made);
end
$$;
comment on function public.end_ai_call(uuid, integer, jsonb, uuid) is 'Counts what a call took, once: {"prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens", "is_estimated"}; null where it took nothing. Answers the call, its status and its cost.';
revoke execute on function public.end_ai_call(uuid, integer, jsonb, uuid) from public, anon, authenticated, service_role;
grant execute on function public.end_ai_call(uuid, integer, jsonb, uuid) to service_role;
