SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.parsed_conditions (
  trigger    text,
  conditions jsonb
)
  RETURNS TABLE (
    name     text,
    type     text,
    operator text,
    given    text[]
  )
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
    relation constant regclass := private.automation_table(parsed_conditions.trigger);
    of_column record;
    compared record;
    one record;
    each jsonb;
    counted integer := 0;
    compared_with integer := 0;
    -- The votes' numbers have names in the API.
    votes constant jsonb := '{"UP": 1, "NEUTRAL": 0, "DOWN": -1}';
begin
    for of_column in select * from jsonb_each(parsed_conditions.conditions) as part (field, operators) loop
        select * into one from private.automation_columns(relation) as known where known.field = of_column.field;
        if not found then
            perform private.refuse_condition(format(
                'conditions.%s: what is compared is one of %s.', private.one_line(of_column.field, 50),
                (select string_agg(known.field, ', ' order by known.field) from private.automation_columns(relation) as known)
            ));
        end if;
        if jsonb_typeof(of_column.operators) <> 'object' or of_column.operators = '{}' then
            perform private.refuse_condition(format(
                'conditions.%s: say how it is compared, as {"eq": …}.', of_column.field
            ));
        end if;
        for compared in select * from jsonb_each(of_column.operators) as part (operator, value) loop
            counted := counted + 1;
            if counted > 10 then
                perform private.refuse_condition('A rule makes at most 10 comparisons.');
            end if;
            if compared.operator <> all (
                array['eq', 'neq', 'distinctFrom', 'in', 'notIn', 'isNull']
                || case
                    when one.choices is not null or one.type in ('boolean', 'uuid') then '{}'
                    else array['gt', 'gte', 'lt', 'lte']
                end
                || case
                    when one.type = 'text' and one.choices is null then array[
                        'like', 'ilike', 'contains', 'startsWith', 'endsWith', 'icontains', 'istartsWith', 'iendsWith'
                    ]
                    else '{}'
                end
            ) then
                perform private.refuse_condition(format(
                    'conditions.%s: there is no operator %s for it.', of_column.field, private.one_line(compared.operator, 50)
                ));
            end if;
            name := one.name;
            type := one.type;
            operator := compared.operator;
            given := '{}';
            if operator = 'isNull' then
                if jsonb_typeof(compared.value) <> 'boolean' then
                    perform private.refuse_condition(format('conditions.%s.isNull is true or false.', of_column.field));
                end if;
                given := array[compared.value #>> '{}'];
            elsif operator in ('in', 'notIn') and jsonb_typeof(compared.value) <> 'array' then
                perform private.refuse_condition(format('conditions.%s.%s is a list.', of_column.field, operator));
            else
                for each in
                    select value from jsonb_array_elements(
                        case when operator in ('in', 'notIn') then compared.value else jsonb_build_array(compared.value) end
                    )
                loop
                    if relation = 'public.votes'::regclass and one.name = 'value' and jsonb_typeof(each) = 'string' then
                        each := votes -> (each #>> '{}');
                    end if;
                    given := given || coalesce(private.condition_value(each, one.type, one.choices), e'\n');
                end loop;
                if e'\n' = any (given) or cardinality(given) > 100 then
                    perform private.refuse_condition(format(
                        'conditions.%s.%s: %s', of_column.field, operator, case
                            when cardinality(given) > 100 then 'a list has at most 100 values.'
                            when one.choices is not null then 'there is no such choice; they are ' || upper((
                                select string_agg(choice[1], ', ')
                                from regexp_matches(one.choices, '''([a-z_]+)''', 'g') as choice
                            )) || '.'
                            else 'this is not ' || case one.type
                                when 'numeric' then 'a number.'
                                when 'date' then 'a date, as "2027-05-01".'
                                when 'timestamp with time zone' then 'a moment, as "2027-05-01T10:00:00Z".'
                                when 'boolean' then 'true or false.'
                                when 'uuid' then 'an id.'
                                else 'a text of at most 1,000 characters.'
                            end
                        end
                    ));
                end if;
                compared_with := compared_with + cardinality(given);
                if compared_with > 100 then
                    perform private.refuse_condition('A rule compares with at most 100 values.');
                end if;
                -- Postgres refuses such a pattern once a text comes that far.
                if operator in ('like', 'ilike') and given[1] ~ '(^|[^\\])(\\\\)*\\$' then
                    perform private.refuse_condition(format(
                        'conditions.%s.%s: a pattern does not end with a single \.', of_column.field, operator
                    ));
                end if;
            end if;
            return next;
        end loop;
    end loop;
end
$function$;

COMMENT ON COLUMN "public"."automation_rules"."conditions" IS 'What has to be so, as in {"status": {"eq": "BOOKED"}}: at most 10 comparisons, with 100 values together, by the operators of filters, of fields of what it happens to; all of them must hold.';
