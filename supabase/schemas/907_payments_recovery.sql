-- What Edge Functions ask before they tell of Stripe, with a secret key.

create function public.stripe_events_left(events text[]) returns text[]
language plpgsql stable security definer set search_path = '' as $$
begin
    if coalesce(cardinality(events), 0) > 1000 then
        perform private.refuse('BAD_USER_INPUT', 'Ask of 1,000 events at most.', '{"field": "events"}');
    end if;
    return array(
        select listed.event from unnest(events) with ordinality as listed (event, place)
        where not exists (
            select from public.billing_events as told
            where told.stripe_event_id = listed.event and told.status not in ('received', 'waiting')
        )
        order by listed.place
    );
end
$$;
comment on function public.stripe_events_left(text[]) is 'Of these events of Stripe, in their order, those that never came or are not done; what waits is one of these.';
revoke execute on function public.stripe_events_left(text[]) from public, anon, authenticated, service_role;
grant execute on function public.stripe_events_left(text[]) to service_role;

create function public.stripe_price_keys() returns jsonb
language sql stable security definer set search_path = '' as $$
    select coalesce(jsonb_object_agg(plans.key, plans.price_lookup_key), '{}')
    from private.plans where plans.price_lookup_key is not null
$$;
comment on function public.stripe_price_keys() is 'The lookup_key of its price at Stripe for each plan that is paid for, by the plan''s key.';
revoke execute on function public.stripe_price_keys() from public, anon, authenticated, service_role;
grant execute on function public.stripe_price_keys() to service_role;

-- Where nobody is a customer Stripe has nothing to tell, and there may be no account of it.
create function private.recover_stripe_events(hours integer) returns bigint
language plpgsql security definer set search_path = '' as $$
begin
    if not exists (select from public.stripe_customers) then
        return null;
    end if;
    return private.invoke_function('recover-stripe-events', jsonb_build_object('hours', hours));
end
$$;
comment on function private.recover_stripe_events(integer) is 'Has looked for what Stripe told within so many hours and never arrived; returns the call''s id, null where nobody is a customer.';
revoke execute on function private.recover_stripe_events(integer) from public;
