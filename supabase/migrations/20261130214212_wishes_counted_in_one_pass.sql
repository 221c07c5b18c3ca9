SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION public.preference_summary (
  public .trips
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    trip alias for $1;
    caller constant uuid := auth.uid();
begin
    if not exists (
        select from private.trip_people as people where people.trip_id = trip.id and people.user_id = caller
    )
    then
        return null;
    end if;
    -- As of most trips in a list: what follows takes thirty times as long.
    if not exists (select from public.trip_preferences where trip_preferences.trip_id = trip.id) then
        return '{"people": 0, "paces": [], "interests": [], "dietary_needs": [], "budgets": []}';
    end if;
    return (
        with said as materialized (
            select wishes.* from public.trip_preferences as wishes
            where wishes.trip_id = trip.id
                and exists (
                    select from private.trip_people as people
                    where people.trip_id = trip.id and people.user_id = wishes.user_id
                )
        ),
        facts as (
            select 'people' as kind, null as word, user_id, null::numeric as least, null::numeric as most from said
            union all
            select 'pace', pace, user_id, null, null from said where pace is not null
            union all
            select 'budget', currency, user_id, budget_min, budget_max from said
            where budget_min is not null or budget_max is not null
            union all
            select 'interest', lower(btrim(word)), user_id, null, null from said, unnest(interests) as word
            union all
            select 'need', lower(btrim(word)), user_id, null, null from said, unnest(dietary_needs) as word
        ),
        counted as (
            select kind, word, count(distinct user_id) as people, max(least) as lowest, min(most) as highest
            from facts where kind = 'people' or word <> '' group by kind, word
        )
        select jsonb_build_object(
            'people', coalesce(max(people) filter (where kind = 'people'), 0),
            'paces', coalesce(
                jsonb_agg(jsonb_build_object('pace', word, 'people', people) order by people desc, word)
                    filter (where kind = 'pace'),
                '[]'
            ),
            'interests', coalesce(
                jsonb_agg(jsonb_build_object('interest', word, 'people', people) order by people desc, word)
                    filter (where kind = 'interest'),
                '[]'
            ),
            'dietary_needs', coalesce(
                jsonb_agg(jsonb_build_object('need', word, 'people', people) order by people desc, word)
                    filter (where kind = 'need'),
                '[]'
            ),
            'budgets', coalesce(
                jsonb_agg(
                    jsonb_build_object(
                        'currency', word, 'people', people,
                        'shared', case
                            when lowest > highest then null
                            else jsonb_build_object('min', lowest::text, 'max', highest::text)
                        end
                    ) order by people desc, word
                ) filter (where kind = 'budget'),
                '[]'
            )
        )
        from counted
    );
end
$function$;
