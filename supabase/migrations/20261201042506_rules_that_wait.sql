SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.enqueue_automations (
  trip    uuid,
  trigger text,
  changed jsonb
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    depth constant integer := coalesce(nullif(current_setting('automations.depth', true), '')::integer, 0) + 1;
    event constant text := format('%s:%s', pg_current_xact_id(), extract(epoch from now()));
    rule record;
    person uuid;
    waiting bigint;
begin
    if depth > 3 then
        return;
    end if;
    for rule in
        select rules.id, rules.user_id from public.automation_rules as rules
        where rules.trip_id = enqueue_automations.trip and rules.trigger = enqueue_automations.trigger
            and rules.is_enabled
            -- It tells of another row of this event.
            and not exists (
                select from private.tasks where dedupe_key = format('automation:%s:%s', rules.id, event)
            )
        order by rules.user_id
    loop
        if private.conditions_hold(rule.id, changed) then
            -- What has been due longest is done first: of whoever has a hundred that wait, others wait for ten a second.
            if person is distinct from rule.user_id then
                person := rule.user_id;
                select count(*) into waiting from (
                    select from private.tasks
                    where subject = 'user:' || person and kind = 'run_automation' and status = 'waiting' limit 1000
                ) as theirs;
            end if;
            -- Nobody's rules may fill what all wait in; whose they are is told once an hour that some were passed over.
            if waiting >= 1000 then
                perform private.notify(
                    person, 'trips', 'rules_passed_over', 'Too much happens for your rules to follow',
                    'A thousand things wait to be done by your rules, so what happens now is passed over. Have fewer rules, '
                    'or rules that compare more.',
                    null, format('rules_passed_over:%s', extract(epoch from date_trunc('hour', now())))
                );
                continue;
            end if;
            waiting := waiting + 1;
            perform private.enqueue(
                'run_automation', 'user:' || rule.user_id,
                jsonb_build_object('rule', rule.id, 'event', event, 'row', changed, 'depth', depth),
                now() + greatest(waiting - 100, 0) * interval '100 milliseconds', format('automation:%s:%s', rule.id, event)
            );
        end if;
    end loop;
end
$function$;
