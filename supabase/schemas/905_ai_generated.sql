-- Written by `make schema` from gql/types and resolvers, for the tables of 005_ai_tables.sql. Do not change it here.
--
-- Rows by their ids, for lists of ids that no URL would hold, and each row once more, as a computed relationship of
-- itself, for requests that call a function of the table: docs/postgrest.md says more. Both are plain SQL without a
-- setting, so that Postgres puts the table, or the row, in their place and calls nothing; they run with the caller's
-- own rights. Tables with columns that nobody may read have neither.
--
-- Rows in order, for lists in which each row has lists of its own, as invoker's views. PostgREST sorts above its joins;
-- from a view in that very order it sorts first. `select *` is worked out when a view is made: a new column makes new
-- views.
--
-- Changes of rows on which people share, told on their topics: 900_changes.sql says how.
--
-- Columns whose texts may be too long for a URL, compared with what a request brings along. Their parameters have
-- names, which makes them no fields of the API; rows as wholes have none, so that nobody calls them with a row of
-- their own making.


-- ai_agents -----------------------------------------------------------------------------------------------------------

-- Functions alone write it.
grant select (id, key, model, tools, max_output_tokens, is_active, created_at, updated_at) on public.ai_agents to service_role;

create trigger set_ai_agents_updated_at before update on public.ai_agents
    for each row execute function private.set_updated_at();

create view public.ai_agents_by_key with (security_invoker = true) as
    select id, key, model, tools, max_output_tokens, is_active, created_at, updated_at from public.ai_agents order by key, id;
comment on view public.ai_agents_by_key is 'The rows of ai_agents, ordered by key, id.';
revoke all on public.ai_agents_by_key from anon, authenticated, service_role;
grant select on public.ai_agents_by_key to authenticated;

create view public.ai_agents_by_key_reversed with (security_invoker = true) as
    select id, key, model, tools, max_output_tokens, is_active, created_at, updated_at from public.ai_agents order by key desc, id desc;
comment on view public.ai_agents_by_key_reversed is 'The same as ai_agents_by_key, from its end.';
revoke all on public.ai_agents_by_key_reversed from anon, authenticated, service_role;
grant select on public.ai_agents_by_key_reversed to authenticated;


-- ai_runs -------------------------------------------------------------------------------------------------------------

-- Functions alone write it.
grant select on public.ai_runs to service_role;

create trigger set_ai_runs_updated_at before update on public.ai_runs
    for each row execute function private.set_updated_at();

create function private.broadcast_ai_run() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    -- Whom it lets in only now is not told what it was before.
    perform private.broadcast_change(
        'ai_run', old.id::text, new.id::text, tg_argv[0], tg_argv[1:],
        tg_table_schema, tg_table_name, to_jsonb(new),
        case when old.user_id = new.user_id then to_jsonb(old) else jsonb_build_object('id', old.id, 'user_id', old.user_id) end
    );
    return null;
end
$$;
revoke execute on function private.broadcast_ai_run() from public;

create trigger broadcast_ai_runs_changes after insert or update or delete on public.ai_runs
    for each row execute function private.broadcast_ai_run('id');

create trigger broadcast_ai_runs_ownership after insert or delete or update of user_id on public.ai_runs
    for each row execute function private.broadcast_user_by_user_id('id');

create function public.ai_runs_by_ids(ids uuid[]) returns setof public.ai_runs language sql stable as $$
    select * from public.ai_runs where id = any (ids)
$$;
comment on function public.ai_runs_by_ids(uuid[]) is 'The rows of ai_runs with these ids, of those that the caller may see.';
revoke execute on function public.ai_runs_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.ai_runs_by_ids(uuid[]) to authenticated;

create function public.whole_ai_runs(public.ai_runs) returns setof public.ai_runs rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_ai_runs(public.ai_runs) is 'The row of ai_runs itself.';
revoke execute on function public.whole_ai_runs(public.ai_runs) from public, anon, authenticated, service_role;
grant execute on function public.whole_ai_runs(public.ai_runs) to authenticated;

create view public.ai_runs_by_created_at_desc with (security_invoker = true) as
    select * from public.ai_runs order by created_at desc, id;
comment on view public.ai_runs_by_created_at_desc is 'The rows of ai_runs, ordered by created_at desc, id.';
revoke all on public.ai_runs_by_created_at_desc from anon, authenticated, service_role;
grant select on public.ai_runs_by_created_at_desc to authenticated;

create view public.ai_runs_by_created_at_desc_reversed with (security_invoker = true) as
    select * from public.ai_runs order by created_at, id desc;
comment on view public.ai_runs_by_created_at_desc_reversed is 'The same as ai_runs_by_created_at_desc, from its end.';
revoke all on public.ai_runs_by_created_at_desc_reversed from anon, authenticated, service_role;
grant select on public.ai_runs_by_created_at_desc_reversed to authenticated;


-- ai_messages ---------------------------------------------------------------------------------------------------------

-- Functions alone write it.
grant select on public.ai_messages to service_role;

create trigger set_ai_messages_updated_at before update on public.ai_messages
    for each row execute function private.set_updated_at();

create function private.broadcast_ai_run_by_run_id() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    -- What goes with its run is not told.
    if tg_op = 'DELETE'
        and not exists (select from public.ai_runs where id = old.run_id)
    then
        return null;
    end if;
    perform private.broadcast_change(
        'ai_run', old.run_id::text, new.run_id::text, tg_argv[0], tg_argv[1:],
        tg_table_schema, tg_table_name, to_jsonb(new), to_jsonb(old)
    );
    return null;
end
$$;
revoke execute on function private.broadcast_ai_run_by_run_id() from public;

create trigger broadcast_ai_messages_changes after insert or update or delete on public.ai_messages
    for each row execute function private.broadcast_ai_run_by_run_id('id');

create function public.ai_messages_by_ids(ids uuid[]) returns setof public.ai_messages language sql stable as $$
    select * from public.ai_messages where id = any (ids)
$$;
comment on function public.ai_messages_by_ids(uuid[]) is 'The rows of ai_messages with these ids, of those that the caller may see.';
revoke execute on function public.ai_messages_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.ai_messages_by_ids(uuid[]) to authenticated;

create function public.whole_ai_messages(public.ai_messages) returns setof public.ai_messages rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_ai_messages(public.ai_messages) is 'The row of ai_messages itself.';
revoke execute on function public.whole_ai_messages(public.ai_messages) from public, anon, authenticated, service_role;
grant execute on function public.whole_ai_messages(public.ai_messages) to authenticated;

create function public.content_against(entry public.ai_messages) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(entry.content)
$$;
comment on function public.content_against(public.ai_messages) is 'How the column compares with each text that the request brings along.';
revoke execute on function public.content_against(public.ai_messages) from public, anon, authenticated, service_role;
grant execute on function public.content_against(public.ai_messages) to authenticated;


-- ai_memories ---------------------------------------------------------------------------------------------------------

grant all on public.ai_memories to service_role;

create trigger set_ai_memories_updated_at before update on public.ai_memories
    for each row execute function private.set_updated_at();

create trigger expect_ai_memories_deletes after delete on public.ai_memories
    referencing old table as touched for each statement execute function private.expect_rows();

create trigger broadcast_ai_memories_changes after insert or update or delete on public.ai_memories
    for each row execute function private.broadcast_user_by_user_id('id', 'id', 'user_id', 'trip_id', 'kind', 'content', 'expires_at', 'created_at', 'updated_at');

create function public.ai_memories_by_ids(ids uuid[]) returns setof public.ai_memories language sql stable as $$
    select * from public.ai_memories where id = any (ids)
$$;
comment on function public.ai_memories_by_ids(uuid[]) is 'The rows of ai_memories with these ids, of those that the caller may see.';
revoke execute on function public.ai_memories_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.ai_memories_by_ids(uuid[]) to authenticated;

create function public.whole_ai_memories(public.ai_memories) returns setof public.ai_memories rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_ai_memories(public.ai_memories) is 'The row of ai_memories itself.';
revoke execute on function public.whole_ai_memories(public.ai_memories) from public, anon, authenticated, service_role;
grant execute on function public.whole_ai_memories(public.ai_memories) to authenticated;

create function public.content_against(entry public.ai_memories) returns jsonb language sql stable set search_path = '' as $$
    select public.compare_with_texts(entry.content)
$$;
comment on function public.content_against(public.ai_memories) is 'How the column compares with each text that the request brings along.';
revoke execute on function public.content_against(public.ai_memories) from public, anon, authenticated, service_role;
grant execute on function public.content_against(public.ai_memories) to authenticated;


-- ai_usage ------------------------------------------------------------------------------------------------------------

-- Functions alone write it.
grant select on public.ai_usage to service_role;

create trigger set_ai_usage_updated_at before update on public.ai_usage
    for each row execute function private.set_updated_at();

create trigger broadcast_ai_usage_changes after insert or update or delete on public.ai_usage
    for each row execute function private.broadcast_user_by_user_id('id');

create function public.ai_usage_by_ids(ids uuid[]) returns setof public.ai_usage language sql stable as $$
    select * from public.ai_usage where id = any (ids)
$$;
comment on function public.ai_usage_by_ids(uuid[]) is 'The rows of ai_usage with these ids, of those that the caller may see.';
revoke execute on function public.ai_usage_by_ids(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.ai_usage_by_ids(uuid[]) to authenticated;

create function public.whole_ai_usage(public.ai_usage) returns setof public.ai_usage rows 1 language sql stable as $$
    select ($1).*
$$;
comment on function public.whole_ai_usage(public.ai_usage) is 'The row of ai_usage itself.';
revoke execute on function public.whole_ai_usage(public.ai_usage) from public, anon, authenticated, service_role;
grant execute on function public.whole_ai_usage(public.ai_usage) to authenticated;


-- Topics --------------------------------------------------------------------------------------------------------------

create or replace function private.my_topics() returns setof text
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
        select 'user:' || auth.uid()
        union all
        select 'trip:' || key from private.my_trip_ids() as key
        union all
        select 'collection:' || key from private.my_collection_ids() as key
        union all
        select 'ai_run:' || key from private.my_ai_run_ids() as key;
end
$$;
