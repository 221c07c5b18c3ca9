-- Stage 5: who may do what with messages, preferences and automations.


-- Preferences: people's own, all of it ----------------------------------------------------------------------------------------

revoke all on public.notification_preferences from anon, authenticated, service_role;
grant select, delete on public.notification_preferences to authenticated;
grant insert (id, user_id, topic, channel, is_enabled, quiet_from, quiet_until)
    on public.notification_preferences to authenticated;
grant update (is_enabled, quiet_from, quiet_until) on public.notification_preferences to authenticated;

alter table public.notification_preferences enable row level security;

create policy "People can view what they want to be told" on public.notification_preferences
    for select to authenticated using (user_id = (select auth.uid()));

create policy "People can say what they want to be told" on public.notification_preferences
    for insert to authenticated with check (user_id = (select auth.uid()));

create policy "People can change what they want to be told" on public.notification_preferences
    for update to authenticated
    using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));

create policy "People can take back what they want to be told" on public.notification_preferences
    for delete to authenticated using (user_id = (select auth.uid()));
