-- A project small enough to be read at a glance, for the tests of the embedded Supabase.

create table public.notes (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
    body text not null,
    constraint notes_body_not_poison check (body <> 'poison')
);
alter table public.notes enable row level security;
grant select, insert on public.notes to authenticated;
grant all on public.notes to service_role;
create policy "People read their own notes" on public.notes for select to authenticated
    using (user_id = (select auth.uid()));
create policy "People write their own notes" on public.notes for insert to authenticated
    with check (user_id = (select auth.uid()));

create table public.announcements (id int primary key, body text not null);
alter table public.announcements enable row level security;
grant select on public.announcements to anon, authenticated;
create policy "Everybody reads announcements" on public.announcements for select using (true);

create function public.who() returns text language sql stable as $$ select current_user::text $$;
