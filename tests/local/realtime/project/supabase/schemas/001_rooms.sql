-- Rooms with members, told of on private topics room:<id>.

create table public.members (
    room text not null,
    user_id uuid not null,
    primary key (room, user_id)
);
alter table public.members enable row level security;
grant select on public.members to authenticated;
create policy "People see their own memberships" on public.members
    for select to authenticated using (user_id = (select auth.uid()));

create policy "Members listen" on realtime.messages
    for select to authenticated
    using (
        extension in ('broadcast', 'presence')
        and exists (
            select from public.members
            where 'room:' || members.room = (select realtime.topic()) and members.user_id = (select auth.uid())
        )
    );

-- By the column, where the other asks the function: both are documented.
create policy "Members speak and are seen where that is wanted" on realtime.messages
    for insert to authenticated
    with check (
        (extension = 'presence' or topic like 'room:chat%')
        and exists (
            select from public.members
            where 'room:' || members.room = messages.topic and members.user_id = (select auth.uid())
        )
    );

create policy "A policy that fails" on realtime.messages
    for select to anon
    using (1 / length(replace(realtime.topic(), 'broken', '')) > 0);
