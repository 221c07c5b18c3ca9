-- Stage 3: helpers that a model speaks for. What was asked of them, what they said and remember, and what each call of a
-- model's provider took. Nobody but the functions of 905_ai_*.sql writes any of it, for Edge Functions that hold a secret
-- key; people may forget what is remembered of them.


-- Numbers of texts, by which what is alike is found.
create extension if not exists vector with schema extensions;


-- ai_agents: rows of them are part of the program --------------------------------------------------------------------------

create table public.ai_agents (
    id uuid not null default gen_random_uuid(),
    key text not null,
    model text not null,
    system_prompt text not null,
    tools text[] not null default '{}',
    max_output_tokens integer not null,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint ai_agents_pkey primary key (id),
    constraint ai_agents_key_key unique (key),
    constraint ai_agents_key_check check (key ~ '^[a-z][a-z0-9_]{0,40}$'),
    constraint ai_agents_model_check check (char_length(model) between 1 and 200),
    constraint ai_agents_system_prompt_check check (char_length(system_prompt) <= 20000 and system_prompt ~ '\S'),
    constraint ai_agents_tools_check
        check (tools <@ array['read_trip', 'read_items', 'read_votes', 'search_places', 'remember']),
    constraint ai_agents_max_output_tokens_check check (max_output_tokens between 1 and 100000)
);

comment on table public.ai_agents is 'A helper that a model speaks for.';
comment on column public.ai_agents.id is 'The agent''s id.';
comment on column public.ai_agents.key is 'What the agent is asked by, such as assistant.';
comment on column public.ai_agents.model is 'The model that speaks for it.';
comment on column public.ai_agents.system_prompt is 'What the model is told before all else; for nobody to read.';
comment on column public.ai_agents.tools is 'What the model may do: read, search and remember, always with the rights of whoever asks.';
comment on column public.ai_agents.max_output_tokens is 'How many tokens the model may give in an answer, what it thinks included.';
comment on column public.ai_agents.is_active is 'Whether it can be asked.';
comment on column public.ai_agents.created_at is 'When it was made.';
comment on column public.ai_agents.updated_at is 'When it last changed.';
comment on constraint ai_agents_key_check on public.ai_agents is 'An agent is called by small letters, digits and underscores.';
comment on constraint ai_agents_model_check on public.ai_agents is 'The name of a model is 1 to 200 characters long.';
comment on constraint ai_agents_system_prompt_check on public.ai_agents is 'A system prompt is 1 to 20,000 characters long, and not all of them are blank.';
comment on constraint ai_agents_tools_check on public.ai_agents is 'There is no such tool.';
comment on constraint ai_agents_max_output_tokens_check on public.ai_agents is 'An answer has 1 to 100,000 tokens.';


-- ai_runs ----------------------------------------------------------------------------------------------------------------

create table public.ai_runs (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null default auth.uid(),
    trip_id uuid,
    agent_id uuid not null,
    conversation_id uuid not null default gen_random_uuid(),
    status text not null default 'queued',
    input jsonb not null,
    result jsonb,
    error_code text,
    idempotency_key text,
    lease_until timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint ai_runs_pkey primary key (id),
    constraint ai_runs_user_id_idempotency_key_key unique (user_id, idempotency_key),
    constraint fk_ai_runs_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint fk_ai_runs_trip_id foreign key (trip_id) references public.trips (id) on delete set null,
    constraint fk_ai_runs_agent_id foreign key (agent_id) references public.ai_agents (id),
    constraint ai_runs_status_check check (status in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    constraint ai_runs_input_check check (jsonb_typeof(input) = 'object' and octet_length(input::text) <= 65536),
    constraint ai_runs_result_check check (jsonb_typeof(result) = 'object' and octet_length(result::text) <= 262144),
    constraint ai_runs_error_code_check
        check (error_code ~ '^[A-Z][A-Z_]{0,49}$' and (error_code is not null) = (status = 'failed')),
    constraint ai_runs_idempotency_key_check check (char_length(idempotency_key) between 1 and 200),
    -- Whoever was at it when it was cancelled may have something to write down until then.
    constraint ai_runs_lease_until_check check (
        case
            when status in ('queued', 'running') then lease_until is not null
            when status in ('succeeded', 'failed') then lease_until is null
            else true
        end
    )
);

comment on table public.ai_runs is 'Something that an agent was asked, and what has become of it.';
comment on column public.ai_runs.id is 'The run''s id.';
comment on column public.ai_runs.user_id is 'The person who asked, and who alone sees it.';
comment on column public.ai_runs.trip_id is 'The trip that it is about; null where it is about none, or the trip is gone.';
comment on column public.ai_runs.agent_id is 'The agent that was asked.';
comment on column public.ai_runs.conversation_id is 'The conversation that it belongs to: what was said in it before is known to the agent.';
comment on column public.ai_runs.status is 'How far it is.';
comment on column public.ai_runs.input is 'What was asked, as an object, with the trip and the conversation that were named.';
comment on column public.ai_runs.result is 'What came of it beside messages, as an object: a summary, a category, or an itinerary that can be applied.';
comment on column public.ai_runs.error_code is 'Why it failed, by a public code of the API; null otherwise.';
comment on column public.ai_runs.idempotency_key is 'The asker''s own key: the same again is the same run.';
comment on column public.ai_runs.lease_until is 'When it has failed, unless whoever is at it is heard of before; null once it has ended.';
comment on column public.ai_runs.created_at is 'When it was asked.';
comment on column public.ai_runs.updated_at is 'When it last changed.';
comment on constraint ai_runs_status_check on public.ai_runs is 'There is no such status of runs.';
comment on constraint ai_runs_input_check on public.ai_runs is 'What is asked is an object of at most 64 KiB.';
comment on constraint ai_runs_result_check on public.ai_runs is 'What comes of a run is an object of at most 256 KiB.';
comment on constraint ai_runs_error_code_check on public.ai_runs is 'A run that failed has a code, and no other has.';
comment on constraint ai_runs_idempotency_key_check on public.ai_runs is 'A key is 1 to 200 characters long.';
comment on constraint ai_runs_lease_until_check on public.ai_runs is 'A run that goes on has a lease, and none that has ended.';

create index idx_ai_runs_created_at on public.ai_runs (created_at);
create index idx_ai_runs_user_id_created_at on public.ai_runs (user_id, created_at desc);
create index idx_ai_runs_trip_id_created_at on public.ai_runs (trip_id, created_at desc);
create index idx_ai_runs_agent_id on public.ai_runs (agent_id);
create index idx_ai_runs_conversation_id_created_at on public.ai_runs (conversation_id, created_at);
-- Those of which something is still to be written down.
create index idx_ai_runs_lease_until on public.ai_runs (lease_until) where lease_until is not null;


-- ai_messages ------------------------------------------------------------------------------------------------------------

create table public.ai_messages (
    id uuid not null default gen_random_uuid(),
    run_id uuid not null,
    user_id uuid not null,
    role text not null,
    content text not null default '',
    status text not null default 'streaming',
    tool_calls jsonb,
    sequence integer not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint ai_messages_pkey primary key (id),
    constraint ai_messages_run_id_sequence_key unique (run_id, sequence),
    constraint fk_ai_messages_run_id foreign key (run_id) references public.ai_runs (id) on delete cascade,
    constraint fk_ai_messages_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint ai_messages_role_check check (role in ('user', 'assistant', 'tool')),
    constraint ai_messages_content_check check (char_length(content) <= 400000),
    constraint ai_messages_status_check check (status in ('streaming', 'complete', 'aborted')),
    constraint ai_messages_tool_calls_check
        check (jsonb_typeof(tool_calls) = 'array' and octet_length(tool_calls::text) <= 65536),
    constraint ai_messages_sequence_check check (sequence >= 0)
);

comment on table public.ai_messages is 'What was said in a run: by the person, by the agent, or by what it looked up.';
comment on column public.ai_messages.id is 'The message''s id.';
comment on column public.ai_messages.run_id is 'The run in which it was said.';
comment on column public.ai_messages.user_id is 'The person who asked, and who alone sees it.';
comment on column public.ai_messages.role is 'Who said it.';
comment on column public.ai_messages.content is 'What was said; while it streams, as far as it was written down.';
comment on column public.ai_messages.status is 'Whether it is still being said.';
comment on column public.ai_messages.tool_calls is 'What the agent looked up or wrote down, as a list.';
comment on column public.ai_messages.sequence is 'Its place in the run, counted from 0: what was asked.';
comment on column public.ai_messages.created_at is 'When it began.';
comment on column public.ai_messages.updated_at is 'When it last changed.';
comment on constraint ai_messages_role_check on public.ai_messages is 'There is no such role.';
comment on constraint ai_messages_content_check on public.ai_messages is 'A message is at most 400,000 characters long.';
comment on constraint ai_messages_status_check on public.ai_messages is 'There is no such status of messages.';
comment on constraint ai_messages_tool_calls_check on public.ai_messages is 'Calls of tools are a list of at most 64 KiB.';
comment on constraint ai_messages_sequence_check on public.ai_messages is 'Places are counted from 0.';

create index idx_ai_messages_user_id_created_at on public.ai_messages (user_id, created_at desc);

-- Whoever follows a run is told its messages as they are, which no policy looks at again: a run and what is said in it are
-- of one person, who does not change.
create function private.check_ai_person() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform private.refuse('BAD_USER_INPUT', 'A run and what is said in it stay with who asked.', '{"field": "user_id"}');
    return null;
end
$$;
comment on function private.check_ai_person() is 'Lets no run, and nothing that is said in one, be of somebody else.';
revoke execute on function private.check_ai_person() from public;

create trigger check_ai_runs_person before update of user_id on public.ai_runs
    for each row when (new.user_id is distinct from old.user_id) execute function private.check_ai_person();
create trigger check_ai_messages_person before update of user_id, run_id on public.ai_messages
    for each row when (new.user_id is distinct from old.user_id or new.run_id is distinct from old.run_id)
    execute function private.check_ai_person();

-- For clients that listen to `postgres_changes`.
do $$
begin
    if not exists (
        select from pg_publication_tables
        where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = 'ai_messages'
    ) then
        alter publication supabase_realtime add table public.ai_messages;
    end if;
end
$$;


-- ai_memories ------------------------------------------------------------------------------------------------------------

create table public.ai_memories (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    trip_id uuid,
    kind text not null default 'note',
    content text not null,
    embedding extensions.vector(1536) not null,
    expires_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint ai_memories_pkey primary key (id),
    constraint fk_ai_memories_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint fk_ai_memories_trip_id foreign key (trip_id) references public.trips (id) on delete cascade,
    constraint ai_memories_kind_check check (kind in ('preference', 'fact', 'note')),
    constraint ai_memories_content_check check (char_length(content) <= 2000 and content ~ '\S')
);

comment on table public.ai_memories is 'Something that an agent keeps in mind of a person.';
comment on column public.ai_memories.id is 'The memory''s id.';
comment on column public.ai_memories.user_id is 'The person of whom it is, and who alone sees it.';
comment on column public.ai_memories.trip_id is 'The trip that it is about, with which it is forgotten; null for any.';
comment on column public.ai_memories.kind is 'What kind of thing it is.';
comment on column public.ai_memories.content is 'What is kept in mind, up to 2,000 characters long.';
comment on column public.ai_memories.embedding is 'Its meaning in numbers, by which it is found.';
comment on column public.ai_memories.expires_at is 'When it is forgotten, and read by nobody any more; null for never.';
comment on column public.ai_memories.created_at is 'When it was first kept in mind.';
comment on column public.ai_memories.updated_at is 'When it last changed.';
comment on constraint ai_memories_kind_check on public.ai_memories is 'There is no such kind of memories.';
comment on constraint ai_memories_content_check on public.ai_memories is 'A memory is 1 to 2,000 characters long, and not all of them are blank.';

-- No index of the embeddings: under row level security it finds its nearest among everybody's rows, and then few or none
-- of them are the caller's. A person has a thousand at most, which are compared one by one.
create index idx_ai_memories_user_id_created_at on public.ai_memories (user_id, created_at desc);
create index idx_ai_memories_trip_id on public.ai_memories (trip_id);
create index idx_ai_memories_expires_at on public.ai_memories (expires_at) where expires_at is not null;

-- Who leaves a trip, or is removed, is not reminded of it; nor is an owner who gives it away.
create function private.forget_memories() returns trigger language plpgsql security definer set search_path = '' as $$
begin
    delete from public.ai_memories where trip_id = old.trip_id and user_id = old.user_id;
    return null;
end
$$;
revoke execute on function private.forget_memories() from public;

create trigger forget_collaborators_memories after delete on public.collaborators
    for each row execute function private.forget_memories();

create function private.forget_owners_memories() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    delete from public.ai_memories
    where trip_id = new.id and user_id = old.user_id
        and not exists (
            select from private.trip_people as people where people.trip_id = new.id and people.user_id = old.user_id
        );
    return null;
end
$$;
revoke execute on function private.forget_owners_memories() from public;

create trigger forget_trips_memories after update of user_id on public.trips
    for each row when (old.user_id <> new.user_id) execute function private.forget_owners_memories();


-- ai_usage ---------------------------------------------------------------------------------------------------------------

create table public.ai_usage (
    id uuid not null default gen_random_uuid(),
    run_id uuid,
    user_id uuid not null,
    call_index integer,
    model text not null,
    status text not null default 'open',
    prompt_tokens bigint not null default 0,
    cached_tokens bigint not null default 0,
    completion_tokens bigint not null default 0,
    reasoning_tokens bigint not null default 0,
    is_estimated boolean not null default true,
    priced_at date not null,
    prompt_price numeric not null,
    cached_prompt_price numeric not null,
    completion_price numeric not null,
    cost numeric not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint ai_usage_pkey primary key (id),
    constraint ai_usage_run_id_call_index_key unique (run_id, call_index),
    constraint fk_ai_usage_run_id foreign key (run_id) references public.ai_runs (id) on delete cascade,
    constraint fk_ai_usage_user_id foreign key (user_id) references public.profiles (id) on delete cascade,
    constraint ai_usage_call_index_check check (call_index >= 0 and (call_index is null) = (run_id is null)),
    constraint ai_usage_status_check check (status in ('open', 'settled', 'released')),
    constraint ai_usage_prompt_tokens_check check (cached_tokens >= 0 and prompt_tokens >= cached_tokens),
    constraint ai_usage_completion_tokens_check check (reasoning_tokens >= 0 and completion_tokens >= reasoning_tokens),
    constraint ai_usage_prompt_price_check check (prompt_price >= 0 and prompt_price < 'Infinity'),
    constraint ai_usage_cached_prompt_price_check check (cached_prompt_price >= 0 and cached_prompt_price < 'Infinity'),
    constraint ai_usage_completion_price_check check (completion_price >= 0 and completion_price < 'Infinity'),
    constraint ai_usage_cost_check check (cost >= 0 and cost < 'Infinity')
);

comment on table public.ai_usage is 'What one call of a model''s provider took, and cost.';
comment on column public.ai_usage.id is 'The call''s id.';
comment on column public.ai_usage.run_id is 'The run in which it was made; null for a search.';
comment on column public.ai_usage.user_id is 'The person for whom it was made.';
comment on column public.ai_usage.call_index is 'Its place among the calls of the run, counted from 0; null outside of one.';
comment on column public.ai_usage.model is 'The model that was asked.';
comment on column public.ai_usage.status is 'Whether it is still going on, was counted, or took nothing.';
comment on column public.ai_usage.prompt_tokens is 'Tokens of what was sent.';
comment on column public.ai_usage.cached_tokens is 'How many of these the provider knew already, at a lower price.';
comment on column public.ai_usage.completion_tokens is 'Tokens of what was answered, what was thought included.';
comment on column public.ai_usage.reasoning_tokens is 'How many of these were thought and not said.';
comment on column public.ai_usage.is_estimated is 'Whether the tokens are counted here, upwards, since the provider did not say.';
comment on column public.ai_usage.priced_at is 'Since when its prices hold.';
comment on column public.ai_usage.prompt_price is 'US dollars for a million tokens of what was sent.';
comment on column public.ai_usage.cached_prompt_price is 'US dollars for a million tokens of what the provider knew already.';
comment on column public.ai_usage.completion_price is 'US dollars for a million tokens of what was answered.';
comment on column public.ai_usage.cost is 'What it cost in US dollars, rounded up to a millionth.';
comment on column public.ai_usage.created_at is 'When the call began.';
comment on column public.ai_usage.updated_at is 'When this last changed.';
comment on constraint ai_usage_call_index_check on public.ai_usage is 'Calls of a run are counted from 0, and no others.';
comment on constraint ai_usage_status_check on public.ai_usage is 'There is no such status of calls.';
comment on constraint ai_usage_prompt_tokens_check on public.ai_usage is 'Tokens are zero or more, and no more were known than were sent.';
comment on constraint ai_usage_completion_tokens_check on public.ai_usage is 'Tokens are zero or more, and no more were thought than were answered.';
comment on constraint ai_usage_prompt_price_check on public.ai_usage is 'A price is zero or more.';
comment on constraint ai_usage_cached_prompt_price_check on public.ai_usage is 'A price is zero or more.';
comment on constraint ai_usage_completion_price_check on public.ai_usage is 'A price is zero or more.';
comment on constraint ai_usage_cost_check on public.ai_usage is 'What a call cost is zero or more.';

create index idx_ai_usage_user_id_created_at on public.ai_usage (user_id, created_at desc);


-- What nobody but the functions may look at ------------------------------------------------------------------------------

create table private.ai_prices (
    model text not null,
    valid_from date not null,
    prompt numeric not null,
    cached_prompt numeric not null,
    completion numeric not null,

    constraint ai_prices_pkey primary key (model, valid_from),
    constraint ai_prices_prompt_check check (prompt >= 0 and prompt < 'Infinity'),
    constraint ai_prices_cached_prompt_check check (cached_prompt >= 0 and cached_prompt <= prompt),
    constraint ai_prices_completion_check check (completion >= 0 and completion < 'Infinity')
);
comment on table private.ai_prices is 'What a million tokens of a model cost in US dollars since a day; rows are part of the program.';
comment on column private.ai_prices.cached_prompt is 'Of those that the provider knew already.';
alter table private.ai_prices enable row level security;
create policy "Nobody but the functions of agents may look" on private.ai_prices using (false);

-- What is known of a call only while it goes on, so that a function that is killed leaves behind what has flowed.
create table private.ai_calls (
    usage_id uuid not null,
    reservation_key text not null,
    prompt_tokens bigint not null,
    max_output_tokens bigint not null,
    streamed_bytes bigint not null default 0,
    lease_until timestamptz not null,

    constraint ai_calls_pkey primary key (usage_id),
    constraint fk_ai_calls_usage_id foreign key (usage_id) references public.ai_usage (id) on delete cascade,
    constraint ai_calls_prompt_tokens_check check (prompt_tokens >= 0),
    constraint ai_calls_max_output_tokens_check check (max_output_tokens >= 0),
    constraint ai_calls_streamed_bytes_check check (streamed_bytes >= 0)
);
comment on table private.ai_calls is 'Calls of a provider that go on.';
comment on column private.ai_calls.reservation_key is 'What is held for it, by its key.';
comment on column private.ai_calls.prompt_tokens is 'How many tokens were sent, at most.';
comment on column private.ai_calls.max_output_tokens is 'How many can be answered.';
comment on column private.ai_calls.streamed_bytes is 'Bytes that have come in.';
comment on column private.ai_calls.lease_until is 'When it is settled by what has come in, unless it is heard of before.';
create index idx_ai_calls_lease_until on private.ai_calls (lease_until);
alter table private.ai_calls enable row level security;
create policy "Nobody but the functions of agents may look" on private.ai_calls using (false);

-- What a trip's itinerary was when an agent began to think about it.
create table private.ai_run_bases (
    run_id uuid not null,
    trip_version text not null,

    constraint ai_run_bases_pkey primary key (run_id),
    constraint fk_ai_run_bases_run_id foreign key (run_id) references public.ai_runs (id) on delete cascade
);
comment on table private.ai_run_bases is 'What the trip of a run was like when it began.';
comment on column private.ai_run_bases.trip_version is 'See private.trip_version.';
alter table private.ai_run_bases enable row level security;
create policy "Nobody but the functions of agents may look" on private.ai_run_bases using (false);
