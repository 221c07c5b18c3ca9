-- Schema realtime: the messages that the database broadcasts, and the policies' view of a channel.

-- What the project publishes to `postgres_changes` subscribers: nothing, until it adds tables.
create publication supabase_realtime;
alter publication supabase_realtime owner to postgres;

create table realtime.messages (
    topic text not null,
    extension text not null,
    payload jsonb,
    event text,
    private boolean default false,
    updated_at timestamp not null default timezone('utc', now()),
    inserted_at timestamp not null default timezone('utc', now()),
    id uuid not null default gen_random_uuid(),
    binary_payload bytea,
    constraint messages_pkey primary key (id, inserted_at),
    constraint messages_payload_exclusive check (payload is null or binary_payload is null)
) partition by range (inserted_at);

-- For replay of what was missed.
create index messages_inserted_at_topic_index on realtime.messages (inserted_at desc, topic)
    where extension = 'broadcast' and private is true;

create function realtime.topic() returns text language sql stable as $$
    select nullif(current_setting('realtime.topic', true), '')
$$;
comment on function realtime.topic() is 'The channel that is being authorized, or null.';

create function realtime.send(payload jsonb, event text, topic text, private boolean default true) returns void
language plpgsql as $$
declare
    message_id uuid := gen_random_uuid();
begin
    perform set_config('realtime.topic', topic, true);
    insert into realtime.messages (id, payload, event, topic, private, extension)
    values (message_id, jsonb_build_object('id', message_id) || payload, event, topic, private, 'broadcast');
exception
    -- A message that cannot be sent must not undo the change that it tells of.
    when others then raise warning 'ErrorSendingBroadcastMessage: %', sqlerrm;
end
$$;
comment on function realtime.send(jsonb, text, text, boolean) is 'Broadcasts a message to everyone on a topic.';

create function realtime.send_binary(payload bytea, event text, topic text, private boolean default true) returns void
language plpgsql as $$
begin
    perform set_config('realtime.topic', topic, true);
    insert into realtime.messages (binary_payload, event, topic, private, extension)
    values (payload, event, topic, private, 'broadcast');
exception
    when others then raise warning 'ErrorSendingBroadcastMessage: %', sqlerrm;
end
$$;
comment on function realtime.send_binary(bytea, text, text, boolean) is 'Broadcasts bytes to everyone on a topic.';

create function realtime.broadcast_changes(
    topic_name text,
    event_name text,
    operation text,
    table_name text,
    table_schema text,
    new record,
    old record,
    level text default 'ROW'
) returns void language plpgsql as $$
begin
    if level = 'STATEMENT' then
        raise exception 'function can only be triggered for each row, not for each statement';
    end if;
    if operation not in ('INSERT', 'UPDATE', 'DELETE') then
        raise exception 'Unexpected operation type: %', operation;
    end if;
    perform realtime.send(
        jsonb_build_object(
            'schema', table_schema,
            'table', table_name,
            'operation', operation,
            'record', new,
            'old_record', old
        ),
        event_name,
        topic_name
    );
end
$$;
comment on function realtime.broadcast_changes(text, text, text, text, text, record, record, text)
    is 'Broadcasts a row''s change to everyone on a topic; for triggers.';

-- On the platform the Realtime server does this; here whoever plays that part calls it at least once a day.
create function realtime.maintain_messages_partitions(today date default timezone('utc', now())::date) returns void
language plpgsql set search_path = '' as $$
declare
    day date;
    expired text;
begin
    for day in select generate_series(today - 1, today + 3, interval '1 day')::date loop
        execute format(
            'create table if not exists realtime.%I partition of realtime.messages for values from (%L) to (%L)',
            to_char(day, '"messages_"YYYY_MM_DD'), day, day + 1
        );
    end loop;
    -- Messages are kept for 72 hours.
    for expired in
        select relid::text
        from pg_partition_tree('realtime.messages')
        where isleaf and relid::text < to_char(today - 3, '"realtime.messages_"YYYY_MM_DD')
    loop
        execute 'drop table ' || expired;
    end loop;
end
$$;
comment on function realtime.maintain_messages_partitions(date)
    is 'Makes the daily partitions of realtime.messages from yesterday to three days ahead, and drops those past keeping.';

alter table realtime.messages owner to supabase_realtime_admin;
alter function realtime.topic() owner to supabase_realtime_admin;
alter function realtime.send(jsonb, text, text, boolean) owner to supabase_realtime_admin;
alter function realtime.send_binary(bytea, text, text, boolean) owner to supabase_realtime_admin;
alter function realtime.broadcast_changes(text, text, text, text, text, record, record, text)
    owner to supabase_realtime_admin;
alter function realtime.maintain_messages_partitions(date) owner to supabase_realtime_admin;
revoke execute on function realtime.maintain_messages_partitions(date) from public;

-- The grants are open and row level security is closed: a project's policies decide who joins which channel.
alter table realtime.messages enable row level security;
grant all on realtime.messages to postgres;
grant select, insert, update on realtime.messages to anon, authenticated, service_role;

-- As its owner, so that the partitions are its own.
set role supabase_realtime_admin;
select realtime.maintain_messages_partitions();
reset role;
