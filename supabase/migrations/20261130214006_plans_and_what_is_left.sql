SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION public.billing_subscription()
  RETURNS SETOF public.subscriptions
  LANGUAGE sql
  STABLE
  ROWS 1
  SET search_path TO ''
  AS $function$
    select known.* from public.subscriptions as known
    where known.user_id = (select auth.uid())
    order by known.status not in ('incomplete', 'incomplete_expired', 'canceled') desc, known.created_at desc, known.id
    limit 1;
$function$;

REVOKE ALL ON FUNCTION "public"."billing_subscription"() FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.plans()
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    return jsonb_build_object('plans', (
        select jsonb_agg(jsonb_build_object(
            'key', plans.key, 'name', plans.name, 'price', plans.price::text, 'currency', plans.currency,
            'interval', plans."interval", 'limits', (
                select coalesce(jsonb_agg(
                    jsonb_build_object('metric', included.metric, 'limit', included.amount::text) order by included.metric
                ), '[]')
                from private.plan_limits as included where included.plan_key = plans.key
            )
        ) order by plans.rank)
        from private.plans
    ));
end
$function$;

REVOKE ALL ON FUNCTION "public"."plans"() FROM PUBLIC, "anon", "service_role";

COMMENT ON FUNCTION "public"."billing_subscription"() IS 'What the caller pays for now, or paid for last.';

COMMENT ON FUNCTION "public"."plans"() IS 'What people may have, at what price, and what it includes; the smallest first.';

GRANT EXECUTE ON FUNCTION "public"."billing_subscription"() TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."plans"() TO "authenticated";
