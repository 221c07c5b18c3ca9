-- Stage 5: who may do what with messages, preferences and automations.


-- Contacts and messages: people read their own. Functions alone write ----------------------------------------------------------

revoke all on public.whatsapp_contacts, public.whatsapp_messages, public.delivery_events
    from anon, authenticated, service_role;
grant select on public.whatsapp_contacts, public.delivery_events to authenticated;
-- What WhatsApp knows a message by has the number of whom it is to in it.
grant select (
    id, user_id, sender_id, trip_id, direction, template_name, parameters, body, status, dedupe_key, error_code, category,
    cost, sending_at, sent_at, delivered_at, read_at, failed_at, created_at, updated_at
) on public.whatsapp_messages to authenticated;

alter table public.whatsapp_contacts enable row level security;
alter table public.whatsapp_messages enable row level security;
alter table public.delivery_events enable row level security;

create policy "People can view how they are reached" on public.whatsapp_contacts
    for select to authenticated using (user_id = (select auth.uid()));

-- No number stands in a message.
create policy "People can view their messages and those that they had sent" on public.whatsapp_messages
    for select to authenticated using (user_id = (select auth.uid()) or sender_id = (select auth.uid()));

create policy "People can view what became of messages to them" on public.delivery_events
    for select to authenticated using (user_id = (select auth.uid()));


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


-- Automations: people's own, on trips that they take part in ---------------------------------------------------------------

revoke all on public.automation_rules from anon, authenticated, service_role;
grant select, delete on public.automation_rules to authenticated;
grant insert (id, user_id, trip_id, trigger, conditions, action, days_before, local_time, is_enabled)
    on public.automation_rules to authenticated;
grant update (trigger, conditions, action, days_before, local_time, is_enabled) on public.automation_rules to authenticated;

alter table public.automation_rules enable row level security;

create policy "People can view their own rules" on public.automation_rules
    for select to authenticated using (user_id = (select auth.uid()));

create policy "People can make rules for trips they take part in" on public.automation_rules
    for insert to authenticated
    with check (user_id = (select auth.uid()) and trip_id = any (array(select private.my_trip_ids())));

create policy "People can change their own rules" on public.automation_rules
    for update to authenticated
    using (user_id = (select auth.uid()) and trip_id = any (array(select private.my_trip_ids())))
    with check (user_id = (select auth.uid()) and trip_id = any (array(select private.my_trip_ids())));

create policy "People can delete their own rules" on public.automation_rules
    for delete to authenticated using (user_id = (select auth.uid()));


-- Jobs: read by their people, and written by functions alone -------------------------------------------------------------------

revoke all on public.scheduled_jobs from anon, authenticated, service_role;
grant select on public.scheduled_jobs to authenticated;

alter table public.scheduled_jobs enable row level security;

create policy "People can view what is to be done for them" on public.scheduled_jobs
    for select to authenticated using (user_id = (select auth.uid()));


-- Leaving: see 004_common_2_rls.sql --------------------------------------------------------------------------------------

create view private.leaving_whatsapp as
    select declared.* from (
        values
            (
                'public.whatsapp_messages', 'sender_id', 'anonymise', null, null::text[],
                'What somebody was sent is theirs.'
            ),
            (
                'private.whatsapp_code_requests', 'user_id', 'retain', null, null,
                'A number is sent three codes a day, also by accounts that come and go; dropped after two days.'
            )
    ) as declared (relation, person, does, kind, columns, why);
comment on view private.leaving_whatsapp is 'What becomes of references to a person who leaves, beside foreign keys, of messages.';
