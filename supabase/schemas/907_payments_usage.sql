-- What is included in what people pay for, and how much of that is left: reserved before something is done, settled or
-- released after it. Whoever writes of a person's limits holds the person's profile, so that they take turns.


-- Plans -------------------------------------------------------------------------------------------------------------------

-- What a person has now. A payment that is missing costs the plan after seven days, though not before what was paid ends,
-- and so does a renewal of which nothing was heard; what was told to end with its period ends with it. Without a subscription
-- the month is UTC's.
create function private.plan_of(person uuid)
returns table (plan_key text, is_paid boolean, period_start timestamptz, period_end timestamptz)
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
declare
    moment constant timestamptz := clock_timestamp();
    month constant timestamp := date_trunc('month', moment at time zone 'UTC');
begin
    return query
        select
            known.plan_key, true,
            case when moment < known.current_period_end then known.current_period_start else known.current_period_end end,
            case
                when moment < known.current_period_end then known.current_period_end
                when plans."interval" = 'year' then known.current_period_end + interval '1 year'
                else known.current_period_end + interval '1 month'
            end
        from public.subscriptions as known join private.plans on plans.key = known.plan_key
        where known.user_id = person
            and (
                known.status in ('active', 'trialing')
                or known.status = 'past_due' and greatest(known.past_due_at, known.paid_until) > moment - interval '7 days'
                -- Stripe gave up what a larger plan costs more, and what was paid before is not over yet.
                or known.status in ('unpaid', 'canceled') and known.paid_until > moment
            )
            and (
                moment < known.current_period_end
                or not known.cancel_at_period_end and moment < known.current_period_end + interval '7 days'
            )
        order by plans.rank desc, known.created_at desc
        limit 1;
    if not found then
        return query select
            'free'::text, false, month at time zone 'UTC', (month + interval '1 month') at time zone 'UTC';
    end if;
end
$$;
comment on function private.plan_of(uuid) is 'The plan that a person has now, whether it is paid for, and the period in which what they use is counted.';
revoke execute on function private.plan_of(uuid) from public;

-- Within a period a smaller plan takes nothing away of what is paid for; with what grants nothing any more all ends.
create function private.hold_larger_plan(
    person uuid, before public.subscriptions, after public.subscriptions
) returns void
language plpgsql security definer set search_path = '' as $$
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
$$;
revoke execute on function private.hold_larger_plan(uuid, public.subscriptions, public.subscriptions) from public;

-- What a person may use of each metric now. Whoever is anonymous may nothing.
create function private.limits_of(person uuid)
returns table (
    metric text, is_level boolean, period_start timestamptz, period_end timestamptz, limit_amount numeric
)
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
begin
    return query
        select
            metrics.metric, metrics.is_level,
            case when not metrics.is_level then granted.period_start end,
            case when not metrics.is_level then granted.period_end end,
            case when private.is_anonymous(person) then 0 else coalesce((
                select max(included.amount) from private.plan_limits as included
                where included.metric = metrics.metric and (
                    included.plan_key = granted.plan_key
                    or granted.is_paid and exists (
                        select from private.held_plans as held
                        where held.user_id = person and held.plan_key = included.plan_key
                            and held.until > clock_timestamp()
                    )
                )
            ), 0) end
        from private.plan_of(person) as granted, private.usage_metrics as metrics;
end
$$;
comment on function private.limits_of(uuid) is 'How much a person may use of each metric now, and in which period.';
revoke execute on function private.limits_of(uuid) from public;

-- So that a limit is known by the same id before there is a row of it.
create function private.usage_limit_id(person uuid, metric text, period_start timestamptz) returns uuid
language sql immutable set search_path = '' as $$
    select encode(substring(sha256(convert_to(
        concat_ws(':', person, metric, extract(epoch from period_start)), 'UTF8'
    )) for 16), 'hex')::uuid
$$;
revoke execute on function private.usage_limit_id(uuid, text, timestamptz) from public;

-- Those of now, as they are now: what is written says how they were when something was last counted.
create function public.current_usage_limits() returns setof public.usage_limits
language plpgsql stable security definer set search_path = '' as $$
declare
    me constant uuid := auth.uid();
begin
    return query
        select
            coalesce(known.id, private.usage_limit_id(me, limits.metric, limits.period_start)),
            profiles.id, limits.metric, limits.period_start, limits.period_end, limits.limit_amount,
            coalesce(known.used_amount, 0), coalesce(held.amount, 0),
            greatest(limits.limit_amount - coalesce(known.used_amount, 0) - coalesce(held.amount, 0), 0),
            coalesce(known.created_at, limits.period_start, profiles.created_at),
            coalesce(known.updated_at, limits.period_start, profiles.created_at)
        from public.profiles, private.limits_of(me) as limits
        left join public.usage_limits as known
            on known.user_id = me and known.metric = limits.metric
            and known.period_start is not distinct from limits.period_start
        left join lateral (
            select sum(open.amount) as amount from private.usage_reservations as open
            where open.usage_limit_id = known.id and open.status = 'open' and open.expires_at > clock_timestamp()
        ) as held on true
        where profiles.id = me;
end
$$;
comment on function public.current_usage_limits() is 'What is left to the caller now, of each metric.';
revoke execute on function public.current_usage_limits() from public, anon, authenticated, service_role;
grant execute on function public.current_usage_limits() to authenticated;

-- What one pays for now, or paid for last. The caller's own rows, by the policy.
create function public.billing_subscription() returns setof public.subscriptions
language sql stable rows 1 set search_path = '' as $$
    select known.* from public.subscriptions as known
    where known.user_id = (select auth.uid())
    order by known.status not in ('incomplete', 'incomplete_expired', 'canceled') desc, known.created_at desc, known.id
    limit 1;
$$;
comment on function public.billing_subscription() is 'What the caller pays for now, or paid for last.';
revoke execute on function public.billing_subscription() from public, anon, authenticated, service_role;
grant execute on function public.billing_subscription() to authenticated;

-- Amounts as texts, since JSON would round them.
create function public.plans() returns jsonb
language plpgsql stable security definer set search_path = '' as $$
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
$$;
comment on function public.plans() is 'What people may have, at what price, and what it includes; the smallest first.';
revoke execute on function public.plans() from public, anon, authenticated, service_role;
grant execute on function public.plans() to authenticated;


-- Limits as they are written -----------------------------------------------------------------------------------------------

create function private.hold_person(person uuid) returns void
language plpgsql security definer set search_path = '' as $$
begin
    perform from public.profiles where profiles.id = person for no key update;
    if not found then
        perform private.refuse('NOT_FOUND', 'There is no such person.', '{"field": "person"}');
    end if;
end
$$;
revoke execute on function private.hold_person(uuid) from public;

-- What nobody settled or released in time is free again.
create function private.expire_reservations_of(usage_limit uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
    moment constant timestamptz := clock_timestamp();
    freed numeric;
begin
    with gone as (
        update private.usage_reservations as open set status = 'expired', finished_at = moment
        where open.usage_limit_id = usage_limit and open.status = 'open' and open.expires_at <= moment
        returning open.amount
    )
    select sum(gone.amount) into freed from gone;
    if freed is not null then
        update public.usage_limits as known set reserved_amount = known.reserved_amount - freed
        where known.id = usage_limit;
    end if;
end
$$;
revoke execute on function private.expire_reservations_of(uuid) from public;

-- The limits of now, or that of one metric, whose id is returned: with what is included now, without what has expired. The
-- person is held.
create function private.open_limits(person uuid, of_metric text default null) returns uuid
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    opened record;
    written uuid;
begin
    for opened in
        select limits.*, private.usage_limit_id(person, limits.metric, limits.period_start) as id
        from private.limits_of(person) as limits
        where open_limits.of_metric is null or limits.metric = open_limits.of_metric
    loop
        insert into public.usage_limits as known (id, user_id, metric, period_start, period_end, limit_amount)
        values (
            opened.id, person, opened.metric, opened.period_start, opened.period_end, opened.limit_amount
        )
        on conflict (user_id, metric, period_start) do update set
            limit_amount = excluded.limit_amount, period_end = excluded.period_end
        where (known.limit_amount, known.period_end) is distinct from (excluded.limit_amount, excluded.period_end);
        select known.id into written from public.usage_limits as known
        where known.user_id = person and known.metric = opened.metric
            and known.period_start is not distinct from opened.period_start;
        perform private.expire_reservations_of(written);
    end loop;
    return written;
end
$$;
revoke execute on function private.open_limits(uuid, text) from public;

-- Of everybody, for who only looks. Who is being written of is left to the next time.
create function private.expire_reservations() returns integer
language plpgsql security definer set search_path = '' as $$
declare
    moment constant timestamptz := clock_timestamp();
    expired record;
    freed integer := 0;
begin
    for expired in
        select distinct open.user_id, open.usage_limit_id from private.usage_reservations as open
        where open.status = 'open' and open.expires_at <= moment
        limit 1000
    loop
        perform from public.profiles where profiles.id = expired.user_id for no key update skip locked;
        if found then
            perform private.expire_reservations_of(expired.usage_limit_id);
            freed := freed + 1;
        end if;
    end loop;
    return freed;
end
$$;
comment on function private.expire_reservations() is 'Frees what nobody settled or released in time; returns in how many limits.';
revoke execute on function private.expire_reservations() from public;

-- Keys of levels stay, since what they stand for is there; others for half a year after their period.
create function private.prune_reservations() returns integer
language plpgsql security definer set search_path = '' as $$
declare
    old constant timestamptz := now() - interval '180 days';
    gone integer;
begin
    delete from private.usage_reservations as done
    where done.finished_at < old and (
        done.status <> 'settled'
        or exists (select from public.usage_limits as known where known.id = done.usage_limit_id and known.period_end < old)
    );
    get diagnostics gone = row_count;
    return gone;
end
$$;
comment on function private.prune_reservations() is 'Forgets reservations that were finished half a year ago, but those that levels are made of; returns how many.';
revoke execute on function private.prune_reservations() from public;


-- Reserving, settling, releasing ------------------------------------------------------------------------------------------

create function private.check_usage_amount(amount numeric, smallest numeric, field text) returns void
language plpgsql security definer set search_path = '' as $$
begin
    -- NaN is more than anything.
    if amount is null or amount < smallest or amount >= 1e15 or scale(trim_scale(amount)) > 6 then
        perform private.refuse(
            'BAD_USER_INPUT',
            format('An amount is %s, with at most six decimals.', case when smallest > 0 then 'more than zero' else 'zero or more' end),
            jsonb_build_object('field', field)
        );
    end if;
end
$$;
revoke execute on function private.check_usage_amount(numeric, numeric, text) from public;

create function private.usage_answer(reservation private.usage_reservations) returns jsonb
language sql stable security definer set search_path = '' as $$
    -- Amounts as texts, since JSON would round them.
    select jsonb_build_object(
        'key', reservation.key, 'status', reservation.status, 'metric', upper(reservation.metric),
        'amount', trim_scale(reservation.amount)::text, 'actual', trim_scale(reservation.actual)::text,
        'expiresAt', reservation.expires_at,
        'limit', trim_scale(known.limit_amount)::text, 'used', trim_scale(known.used_amount)::text,
        'reserved', trim_scale(known.reserved_amount)::text, 'remaining', trim_scale(known.remaining_amount)::text,
        'resetsAt', known.period_end
    )
    from public.usage_limits as known where known.id = reservation.usage_limit_id
$$;
revoke execute on function private.usage_answer(private.usage_reservations) from public;

-- The same key is the same work. What was settled is answered as it is; what was released, or has expired, is reserved
-- anew, in the period of now.
create function public.reserve_usage(
    person uuid, metric text, amount numeric, key text, ttl interval default interval '5 minutes'
) returns jsonb
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    wanted constant text := lower(reserve_usage.metric);
    moment timestamptz;
    opened uuid;
    known public.usage_limits;
    reservation private.usage_reservations;
begin
    perform private.check_usage_amount(reserve_usage.amount, 0.000001, 'amount');
    if coalesce(char_length(reserve_usage.key), 0) not between 1 and 200 then
        perform private.refuse('BAD_USER_INPUT', 'A key is 1 to 200 characters long.', '{"field": "key"}');
    end if;
    if ttl is null or ttl < interval '1 second' or ttl > interval '7 days' then
        perform private.refuse('BAD_USER_INPUT', 'A reservation lasts one second to seven days.', '{"field": "ttl"}');
    end if;
    if wanted is null or not exists (select from private.usage_metrics as metrics where metrics.metric = wanted) then
        perform private.refuse('BAD_USER_INPUT', 'There is no such metric.', '{"field": "metric"}');
    end if;

    perform private.hold_person(reserve_usage.person);
    opened := private.open_limits(reserve_usage.person, wanted);
    moment := clock_timestamp();
    select * into reservation from private.usage_reservations as there where there.key = reserve_usage.key for update;
    if found then
        if (reservation.user_id, reservation.metric, reservation.amount)
            is distinct from (reserve_usage.person, wanted, reserve_usage.amount)
        then
            perform private.refuse(
                'CONFLICT', 'This key was used for something else.', '{"reason": "KEY_REUSED", "field": "key"}'
            );
        end if;
        if reservation.status = 'open' then
            -- Of a period before, and not looked at since.
            perform private.expire_reservations_of(reservation.usage_limit_id);
            update private.usage_reservations as there set expires_at = greatest(there.expires_at, moment + ttl)
            where there.key = reserve_usage.key and there.status = 'open'
            returning * into reservation;
        end if;
        select * into reservation from private.usage_reservations as there where there.key = reserve_usage.key;
        if reservation.status in ('open', 'settled') then
            return private.usage_answer(reservation);
        end if;
    end if;

    select * into known from public.usage_limits as limits where limits.id = opened;
    if known.used_amount + known.reserved_amount + reserve_usage.amount > known.limit_amount
        or private.is_anonymous(reserve_usage.person)
    then
        perform private.refuse(
            'USAGE_LIMIT_EXCEEDED', 'What your plan includes of this is used up.',
            jsonb_build_object(
                'metric', upper(wanted), 'limit', trim_scale(known.limit_amount)::text,
                'used', trim_scale(known.used_amount)::text, 'reserved', trim_scale(known.reserved_amount)::text,
                'resetsAt', known.period_end
            )
        );
    end if;
    insert into private.usage_reservations as there (key, usage_limit_id, user_id, metric, amount, expires_at)
    values (
        reserve_usage.key, known.id, reserve_usage.person, wanted, reserve_usage.amount, moment + ttl
    )
    on conflict on constraint usage_reservations_pkey do update set
        usage_limit_id = excluded.usage_limit_id, status = 'open', actual = null, finished_at = null,
        expires_at = excluded.expires_at
    -- Somebody else's of the same key, made at the same moment, is not theirs any less.
    where there.user_id = excluded.user_id and there.status in ('released', 'expired')
    returning * into reservation;
    if not found then
        perform private.refuse(
            'CONFLICT', 'This key was used for something else.', '{"reason": "KEY_REUSED", "field": "key"}'
        );
    end if;
    update public.usage_limits as limits set reserved_amount = limits.reserved_amount + reserve_usage.amount
    where limits.id = known.id;
    return private.usage_answer(reservation);
end
$$;
comment on function public.reserve_usage(uuid, text, numeric, text, interval) is 'Holds an amount of what a person''s plan includes, for as long as something is done; the same key again is the same reservation. Refused with USAGE_LIMIT_EXCEEDED where it is not left, and with CONFLICT, KEY_REUSED, where the key was used for something else.';
revoke execute on function public.reserve_usage(uuid, text, numeric, text, interval)
    from public, anon, authenticated, service_role;
grant execute on function public.reserve_usage(uuid, text, numeric, text, interval) to service_role;

-- The reservation of a key, with its person held.
create function private.hold_reservation(key text) returns private.usage_reservations
language plpgsql security definer set search_path = '' as $$
declare
    reservation private.usage_reservations;
begin
    perform from public.profiles where profiles.id = (
        select there.user_id from private.usage_reservations as there where there.key = hold_reservation.key
    ) for no key update;
    select * into reservation from private.usage_reservations as there
    where there.key = hold_reservation.key for update;
    if not found then
        perform private.refuse('NOT_FOUND', 'Nothing was reserved by this key.', '{"field": "key"}');
    end if;
    return reservation;
end
$$;
revoke execute on function private.hold_reservation(text) from public;

-- What was done is counted, in the period in which it was begun, though it be more than was reserved, or late.
create function public.settle_usage(key text, actual numeric) returns jsonb
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    reservation private.usage_reservations;
begin
    perform private.check_usage_amount(settle_usage.actual, 0, 'actual');
    reservation := private.hold_reservation(settle_usage.key);
    if reservation.status = 'released' then
        perform private.refuse(
            'CONFLICT', 'This was released: nothing is held for it any more.', '{"reason": "RELEASED", "field": "key"}'
        );
    elsif reservation.status = 'settled' then
        if reservation.actual <> settle_usage.actual then
            perform private.refuse(
                'CONFLICT', 'This was settled with another amount.', '{"reason": "ALREADY_SETTLED", "field": "actual"}'
            );
        end if;
        return private.usage_answer(reservation);
    end if;
    update public.usage_limits as limits set
        used_amount = limits.used_amount + settle_usage.actual,
        reserved_amount = limits.reserved_amount - case when reservation.status = 'open' then reservation.amount else 0 end
    where limits.id = reservation.usage_limit_id;
    update private.usage_reservations as there set
        status = 'settled', actual = settle_usage.actual, finished_at = clock_timestamp()
    where there.key = settle_usage.key
    returning * into reservation;
    return private.usage_answer(reservation);
end
$$;
comment on function public.settle_usage(text, numeric) is 'Counts what something took, all of it, and holds nothing for it any more; the same amount again changes nothing. Refused with CONFLICT: ALREADY_SETTLED with another amount, RELEASED after a release.';
revoke execute on function public.settle_usage(text, numeric) from public, anon, authenticated, service_role;
grant execute on function public.settle_usage(text, numeric) to service_role;

-- What was not done is free again. What a level was settled with is free again when it is gone, as a file that was deleted.
create function public.release_usage(key text) returns jsonb
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    reservation private.usage_reservations;
begin
    reservation := private.hold_reservation(release_usage.key);
    if reservation.status = 'released' then
        return private.usage_answer(reservation);
    end if;
    if reservation.status = 'settled' and not exists (
        select from private.usage_metrics as metrics where metrics.metric = reservation.metric and metrics.is_level
    ) then
        perform private.refuse(
            'CONFLICT', 'This was settled: what was used is used.', '{"reason": "ALREADY_SETTLED", "field": "key"}'
        );
    end if;
    update public.usage_limits as limits set
        used_amount = limits.used_amount - coalesce(reservation.actual, 0),
        reserved_amount = limits.reserved_amount - case when reservation.status = 'open' then reservation.amount else 0 end
    where limits.id = reservation.usage_limit_id and reservation.status <> 'expired';
    update private.usage_reservations as there set status = 'released', actual = null, finished_at = clock_timestamp()
    where there.key = release_usage.key
    returning * into reservation;
    return private.usage_answer(reservation);
end
$$;
comment on function public.release_usage(text) is 'Holds nothing any more for what was not done, or of a level for what is gone; again, it changes nothing. Refused with CONFLICT, ALREADY_SETTLED, where it was done.';
revoke execute on function public.release_usage(text) from public, anon, authenticated, service_role;
grant execute on function public.release_usage(text) to service_role;
