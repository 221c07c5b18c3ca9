-- Stage 3: people read what is theirs, and of agents those that can be asked, but never what a model is told before all
-- else. Nobody but the functions of agents writes; people may have memories of theirs forgotten.

revoke all on public.ai_agents, public.ai_runs, public.ai_messages, public.ai_memories, public.ai_usage
    from anon, authenticated, service_role;
grant select (id, key, model, tools, max_output_tokens, is_active, created_at, updated_at)
    on public.ai_agents to authenticated;
grant select on public.ai_runs, public.ai_messages, public.ai_memories, public.ai_usage to authenticated;
grant delete on public.ai_memories to authenticated;

alter table public.ai_agents enable row level security;
alter table public.ai_runs enable row level security;
alter table public.ai_messages enable row level security;
alter table public.ai_memories enable row level security;
alter table public.ai_usage enable row level security;

create policy "People can view the agents that can be asked" on public.ai_agents
    for select to authenticated using (is_active);

create policy "People can view what they asked" on public.ai_runs
    for select to authenticated using (user_id = (select auth.uid()));

create policy "People can view what was said to them" on public.ai_messages
    for select to authenticated using (user_id = (select auth.uid()));

create policy "People can view what is kept in mind of them" on public.ai_memories
    for select to authenticated
    -- What is over is forgotten for them at once, and by a job each night for good.
    using (user_id = (select auth.uid()) and (expires_at is null or expires_at > now()));

create policy "People can have it forgotten what is kept in mind of them" on public.ai_memories
    for delete to authenticated using (user_id = (select auth.uid()));

create policy "People can view what was used for them" on public.ai_usage
    for select to authenticated using (user_id = (select auth.uid()));

-- Whose changes the caller may follow. Those of long ago do not change any more, and there is no end of them.
create function private.my_ai_run_ids() returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
        select newest.id from (
            select runs.id from public.ai_runs as runs
            where runs.user_id = (select auth.uid())
            order by runs.created_at desc limit 200
        ) as newest
        order by 1;
end
$$;
comment on function private.my_ai_run_ids() is 'The newest two hundred of what the caller has asked agents.';
revoke execute on function private.my_ai_run_ids() from public;
grant execute on function private.my_ai_run_ids() to authenticated;


-- Leaving: see 004_common_2_rls.sql. All of it goes with the profile, by foreign keys ---------------------------------------
