SET local check_function_bodies = off;

DROP FUNCTION "private"."conditions_hold"(text, jsonb, jsonb);

CREATE TABLE "private"."rule_comparisons" (
  "rule_id"  uuid   NOT NULL,
  "place"    bigint NOT NULL,
  "name"     text   NOT NULL,
  "type"     text   NOT NULL,
  "operator" text   NOT NULL,
  "given"    text[] NOT NULL,
  CONSTRAINT "rule_comparisons_pkey" PRIMARY KEY (rule_id, place)
);

ALTER TABLE "private"."rule_comparisons"
  ENABLE ROW LEVEL SECURITY;

CREATE OR REPLACE FUNCTION private.compares (
  said     text,
  type     text,
  operator text,
  given    text[]
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
declare
    is_less boolean;
    is_same boolean;
begin
    if operator = 'isNull' then
        return (said is null) = given[1]::boolean;
    elsif operator = 'distinctFrom' and said is null then
        return true;
    elsif operator in ('eq', 'neq', 'distinctFrom', 'in', 'notIn') then
        is_same := case type
            when 'numeric' then said::numeric = any (given::numeric[])
            when 'timestamp with time zone' then said::timestamptz = any (given::timestamptz[])
            when 'date' then said::date = any (given::date[])
            when 'uuid' then said::uuid = any (given::uuid[])
            when 'boolean' then said::boolean = any (given::boolean[])
            else said = any (given)
        end;
        return case when operator in ('eq', 'in') then is_same else not is_same end;
    elsif operator in ('gt', 'gte', 'lt', 'lte') then
        case type
            when 'numeric' then
                is_less := said::numeric < given[1]::numeric;
                is_same := said::numeric = given[1]::numeric;
            when 'timestamp with time zone' then
                is_less := said::timestamptz < given[1]::timestamptz;
                is_same := said::timestamptz = given[1]::timestamptz;
            when 'date' then
                is_less := said::date < given[1]::date;
                is_same := said::date = given[1]::date;
            else
                is_less := said < given[1];
                is_same := said = given[1];
        end case;
        return case operator
            when 'gt' then not is_less and not is_same
            when 'gte' then not is_less
            when 'lt' then is_less
            else is_less or is_same
        end;
    end if;
    return case operator
        when 'like' then said like given[1]
        when 'ilike' then said ilike given[1]
        when 'contains' then position(given[1] in said) > 0
        when 'startsWith' then starts_with(said, given[1])
        when 'endsWith' then right(said, char_length(given[1])) = given[1]
        when 'icontains' then position(lower(given[1]) in lower(said)) > 0
        when 'istartsWith' then starts_with(lower(said), lower(given[1]))
        when 'iendsWith' then right(lower(said), char_length(lower(given[1]))) = lower(given[1])
    end;
end
$function$;

CREATE OR REPLACE FUNCTION private.conditions_hold (
  rule    uuid,
  changed jsonb
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return not exists (
        select from private.rule_comparisons as compared
        where compared.rule_id = conditions_hold.rule and not coalesce(
            changed ? compared.name
            and private.compares(changed ->> compared.name, compared.type, compared.operator, compared.given),
            false
        )
    );
exception
    when others then return false;
end
$function$;

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
    loop
        if private.conditions_hold(rule.id, changed) then
            perform private.enqueue(
                'run_automation', 'user:' || rule.user_id,
                jsonb_build_object('rule', rule.id, 'event', event, 'row', changed, 'depth', depth),
                now(), format('automation:%s:%s', rule.id, event)
            );
        end if;
    end loop;
end
$function$;

CREATE OR REPLACE FUNCTION private.keep_rule_comparisons()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    delete from private.rule_comparisons where rule_id = new.id;
    insert into private.rule_comparisons (rule_id, place, name, type, operator, given)
    select new.id, parsed.place, parsed.name, parsed.type, parsed.operator, parsed.given
    from private.parsed_conditions(new.trigger, new.conditions)
        with ordinality as parsed (name, type, operator, given, place);
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION private.run_automation (
  rule    public.automation_rules,
  event   text,
  changed jsonb,
  depth   integer,
  dry_run boolean
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    before constant text := coalesce(current_setting('automations.depth', true), '');
    channel constant text := case rule.action ->> 'kind' when 'notify' then 'bell' else 'whatsapp' end;
    title text;
    reason text;
begin
    if not exists (
        select from private.trip_people as people where people.trip_id = rule.trip_id and people.user_id = rule.user_id
    ) then
        reason := 'left_trip';
    elsif not rule.is_enabled and not dry_run then
        reason := 'disabled';
    elsif changed is null then
        reason := 'no_row';
    elsif not private.conditions_hold(rule.id, changed) then
        reason := 'conditions';
    else
        title := private.automation_title(rule, changed);
        perform set_config('automations.depth', run_automation.depth::text, true);
        reason := private.tell_of_trip(
            rule.user_id, rule.trip_id, 'trip_changes', 'automation', channel, title, rule.action ->> 'text',
            format('automation:%s:%s', rule.id, event), dry_run
        );
        perform set_config('automations.depth', before, true);
    end if;
    return jsonb_build_object(
        'done', reason is null and not dry_run, 'reason', reason, 'channel', channel,
        'title', title, 'text', case when title is not null then rule.action ->> 'text' end
    );
end
$function$;

ALTER TABLE "private"."rule_comparisons"
  ADD CONSTRAINT "fk_rule_comparisons_rule_id" FOREIGN KEY (rule_id) REFERENCES public.automation_rules(id) ON DELETE CASCADE;

CREATE TRIGGER keep_rule_comparisons_of_new
  AFTER INSERT ON public.automation_rules
  FOR EACH ROW
  WHEN ((new.conditions <> '{}'::jsonb))
  EXECUTE FUNCTION private.keep_rule_comparisons();

CREATE TRIGGER keep_rule_comparisons
  AFTER UPDATE ON public.automation_rules
  FOR EACH ROW
  WHEN (((old.conditions <> new.conditions) OR (old.trigger <> new.trigger)))
  EXECUTE FUNCTION private.keep_rule_comparisons();

CREATE POLICY "Nobody but the functions of rules may look" ON "private"."rule_comparisons"
  FOR ALL
  TO PUBLIC
  USING (false);

COMMENT ON COLUMN "private"."rule_comparisons"."given" IS 'With what: one value, or those of a list.';

COMMENT ON COLUMN "private"."rule_comparisons"."name" IS 'The column that is compared.';

COMMENT ON COLUMN "private"."rule_comparisons"."operator" IS 'How, by the name in filters.';

COMMENT ON COLUMN "private"."rule_comparisons"."place" IS 'Which of them it is.';

COMMENT ON COLUMN "private"."rule_comparisons"."type" IS 'As what: text, uuid, numeric, boolean, date or timestamp with time zone.';

COMMENT ON FUNCTION "private"."conditions_hold"(uuid, jsonb) IS 'Whether a rule''s conditions hold of a row.';

COMMENT ON TABLE "private"."rule_comparisons" IS 'A comparison that a rule''s conditions make.';

REVOKE ALL ON FUNCTION "private"."compares"(text, text, text, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."conditions_hold"(uuid, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."keep_rule_comparisons"() FROM PUBLIC;

INSERT INTO private.rule_comparisons (rule_id, place, name, type, operator, given)
SELECT rules.id, parsed.place, parsed.name, parsed.type, parsed.operator, parsed.given
FROM public.automation_rules AS rules
CROSS JOIN LATERAL private.parsed_conditions(rules.trigger, rules.conditions)
    WITH ORDINALITY AS parsed (name, type, operator, given, place);
