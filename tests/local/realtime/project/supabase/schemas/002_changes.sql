-- Tables whose changes `postgres_changes` tells: with row level security, without, without a primary key.

create type public.mood as enum ('calm', 'cross');

create table public.tasks (
    id int primary key,
    user_id uuid not null,
    title text,
    amount numeric(20, 4),
    due timestamptz,
    labels text[],
    details jsonb,
    mood public.mood,
    secret text
);
alter table public.tasks enable row level security;
grant select (id, user_id, title, amount, due, labels, details, mood) on public.tasks to authenticated;
create policy "People see their own tasks" on public.tasks
    for select to authenticated using (user_id = (select auth.uid()));

create table public.signs (id int primary key, body text);
alter table public.signs replica identity full;
grant select on public.signs to anon, authenticated;

create table public.heaps (body text);
grant select on public.heaps to anon;

create table public.hidden (id int primary key, body text);

create table public.unpublished (id int primary key);

alter publication supabase_realtime add table public.tasks, public.signs, public.heaps, public.hidden;

create function public.say(topic text, n int) returns void
language sql security definer set search_path = '' as $$
    select realtime.send(jsonb_build_object('n', n), 'said', topic)
$$;
grant execute on function public.say(text, int) to authenticated;
grant insert, update, delete on public.tasks to authenticated;
create policy "People write their own tasks" on public.tasks
    for all to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
