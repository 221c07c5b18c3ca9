SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.hold_larger_plan (
  person uuid,
  before public.subscriptions,
  after  public.subscriptions
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    if after.status not in ('active', 'trialing', 'past_due') then
        -- One that ended before says nothing of another that began since, however late it is heard.
        delete from private.held_plans as held
        where held.user_id = person and not exists (
            select from public.subscriptions as other
            where other.user_id = person and other.status in ('active', 'trialing', 'past_due')
        );
        return;
    end if;
    delete from private.held_plans as held where held.user_id = person and held.until <= after.current_period_start;
    insert into private.held_plans as held (user_id, plan_key, until)
    select person, before.plan_key, before.current_period_end
    from private.plans as larger, private.plans as smaller
    where larger.key = before.plan_key and smaller.key = after.plan_key and larger.rank > smaller.rank
        and before.status in ('active', 'trialing') and after.current_period_start < before.current_period_end
    on conflict on constraint held_plans_pkey do update set until = greatest(held.until, excluded.until);
end
$function$;
