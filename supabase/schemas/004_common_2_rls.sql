-- What all systems share: who may do what with it.


-- The bell: written by private.notify alone ------------------------------------------------------------------------------

revoke all on public.notifications from anon, authenticated, service_role;
grant select, delete on public.notifications to authenticated;
grant update (read_at) on public.notifications to authenticated;

alter table public.notifications enable row level security;

create policy "People can view what they were told" on public.notifications
    for select to authenticated
    using (user_id = (select auth.uid()));

create policy "People can mark what they were told as read" on public.notifications
    for update to authenticated
    using (user_id = (select auth.uid()))
    with check (user_id = (select auth.uid()));

create policy "People can delete what they were told" on public.notifications
    for delete to authenticated
    using (user_id = (select auth.uid()));

-- Over the caller's own rows, by an index of those that are not read.
create function public.unread_notifications() returns integer
language sql stable set search_path = '' as $$
    select count(*)::integer from public.notifications where user_id = (select auth.uid()) and read_at is null;
$$;
comment on function public.unread_notifications() is 'How many notifications the caller has not read.';
revoke execute on function public.unread_notifications() from public, anon, authenticated, service_role;
grant execute on function public.unread_notifications() to authenticated;
