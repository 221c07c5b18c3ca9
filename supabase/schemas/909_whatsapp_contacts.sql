-- By what people are reached on WhatsApp: numbers that they have shown to be theirs, and whether they want messages.


-- Asking and reading ------------------------------------------------------------------------------------------------------

create function private.whatsapp_opted_in(person uuid) returns boolean
language sql stable security definer set search_path = '' as $$
    select exists (
        select from public.whatsapp_contacts as contacts
        where contacts.user_id = person and contacts.verified_at is not null
            and contacts.opted_in_at is not null and contacts.opted_out_at is null
    )
$$;
comment on function private.whatsapp_opted_in(uuid) is 'Whether a person has a verified number, has asked for messages, and not for none since.';
revoke execute on function private.whatsapp_opted_in(uuid) from public;

-- As people write numbers: with blanks, points, dashes and brackets, and 00 for the plus.
create function private.phone_number(written text) returns text
language plpgsql immutable security definer set search_path = '' as $$
declare
    phone constant text := regexp_replace(regexp_replace(written, '[\s().\-/\u00a0\u2010-\u2015]', '', 'g'), '^00', '+');
begin
    if phone is null or phone !~ '^\+[1-9][0-9]{6,14}$' then
        perform private.refuse(
            'BAD_USER_INPUT',
            'This is no phone number. Write it with a plus and the country''s code, as in +39 333 1234567.',
            '{"field": "phone"}'
        );
    end if;
    return phone;
end
$$;
revoke execute on function private.phone_number(text) from public;

-- The caller, with an account.
create function private.whatsapp_person() returns uuid
language plpgsql stable security definer set search_path = '' as $$
declare
    me constant uuid := auth.uid();
begin
    if me is null then
        perform private.refuse('UNAUTHENTICATED', 'Sign in first.');
    elsif private.is_anonymous(me) then
        perform private.refuse('FORBIDDEN', 'Messages are for people with an account: sign up, or add an address.');
    end if;
    return me;
end
$$;
revoke execute on function private.whatsapp_person() from public;


-- Linking a number --------------------------------------------------------------------------------------------------------

create function private.whatsapp_code_digest(person uuid, phone text, code text) returns bytea
language sql immutable set search_path = '' as $$
    select sha256(convert_to(concat_ws(':', person, phone, code), 'UTF8'))
$$;
revoke execute on function private.whatsapp_code_digest(uuid, text, text) from public;

-- Whose the number is by now makes no difference to what is answered, or how long it takes.
create function public.start_whatsapp_link(phone text) returns setof public.whatsapp_contacts
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    me constant uuid := private.whatsapp_person();
    wanted constant text := private.phone_number(start_whatsapp_link.phone);
    moment timestamptz;
    code text;
begin
    -- One after the other, so that no more are sent at once than one after the other.
    perform pg_advisory_xact_lock(hashtextextended('whatsapp_code:' || wanted, 0));
    perform private.hold_person(me);
    moment := clock_timestamp();
    if 3 <= (
        select count(*) from private.whatsapp_code_requests as requests
        where requests.phone = wanted and requests.requested_at > moment - interval '1 day'
    ) then
        perform private.refuse(
            'RATE_LIMITED', 'A number is sent three codes a day. Wait a day, then ask for another.', '{"field": "phone"}'
        );
    elsif 10 <= (
        select count(*) from private.whatsapp_code_requests as requests
        where requests.user_id = me and requests.requested_at > moment - interval '1 day'
    ) then
        perform private.refuse(
            'RATE_LIMITED', 'A person can ask for ten codes a day. Wait a day, then ask for another.'
        );
    end if;
    insert into private.whatsapp_code_requests (phone, user_id, requested_at) values (wanted, me, moment);

    -- Six digits, each as likely as another: of 60 bits none comes measurably more often.
    code := lpad((
        ('x0' || left(encode(sha256(convert_to(gen_random_uuid() || ':' || gen_random_uuid(), 'UTF8')), 'hex'), 15))
            ::bit(64)::bigint % 1000000
    )::text, 6, '0');
    insert into private.whatsapp_codes as codes (user_id, phone, digest, expires_at)
    values (me, wanted, private.whatsapp_code_digest(me, wanted, code), moment + interval '10 minutes')
    on conflict on constraint whatsapp_codes_pkey do update set
        phone = excluded.phone, digest = excluded.digest, tries = 0, expires_at = excluded.expires_at, used_at = null;
    insert into public.whatsapp_contacts as contacts (user_id, pending_phone) values (me, wanted)
    on conflict on constraint whatsapp_contacts_user_id_key do update set pending_phone = excluded.pending_phone;
    perform private.send_whatsapp(jsonb_build_object(
        'dedupe_key', 'code:' || gen_random_uuid(), 'recipient', me, 'topic', 'code', 'phone', wanted,
        'template', 'verification_code', 'parameters', jsonb_build_object('code', code)
    ));
    perform private.ring_tasks('{send_whatsapp}');
    return query select * from public.whatsapp_contacts where user_id = me;
end
$$;
comment on function public.start_whatsapp_link(text) is 'Sends the caller a code to a number, by which they show that it is theirs: good for ten minutes and five tries, three a day for each number. Answers their contact.';
revoke execute on function public.start_whatsapp_link(text) from public, anon, authenticated, service_role;
grant execute on function public.start_whatsapp_link(text) to authenticated;

-- It answers nothing, since what fails is taken back, and the try has to count: of an answer that told right from wrong,
-- whoever calls PostgREST could have one of both fail, as by asking for exactly one row, and try as often as they like.
create function public.verify_whatsapp(code text) returns void
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    me constant uuid := private.whatsapp_person();
    tried constant text := regexp_replace(verify_whatsapp.code, '\s', '', 'g');
    sent private.whatsapp_codes;
    moment timestamptz;
begin
    select * into sent from private.whatsapp_codes where user_id = me;
    if not found then
        return;
    end if;
    -- Two who show at once that a number is theirs do so one after the other.
    perform pg_advisory_xact_lock(hashtextextended('whatsapp_code:' || sent.phone, 0));
    update private.whatsapp_codes set tries = tries + 1
    where user_id = me and phone = sent.phone and tries < 5 and expires_at > clock_timestamp() and used_at is null
    returning * into sent;
    if not found or sent.digest is distinct from private.whatsapp_code_digest(me, sent.phone, tried) then
        return;
    end if;

    moment := clock_timestamp();
    update private.whatsapp_codes set used_at = moment where user_id = me;
    -- In one order, so that two who take each other's number do not wait for each other.
    perform from public.whatsapp_contacts
    where user_id = me or phone = sent.phone and verified_at is not null
    order by id for update;
    -- Whoever had it asked for messages with it: whoever has it now asks anew.
    update public.whatsapp_contacts set
        verified_at = null, opted_in_at = null, opted_out_at = null, bsuid = null, last_inbound_at = null
    where phone = sent.phone and user_id <> me and verified_at is not null;
    insert into public.whatsapp_contacts as contacts (user_id, phone, verified_at, opted_in_at)
    values (me, sent.phone, moment, moment)
    on conflict on constraint whatsapp_contacts_user_id_key do update set
        -- What was known of another number is not of this one.
        bsuid = case when contacts.phone = excluded.phone and contacts.verified_at is not null then contacts.bsuid end,
        last_inbound_at = case
            when contacts.phone = excluded.phone and contacts.verified_at is not null then contacts.last_inbound_at
        end,
        phone = excluded.phone, pending_phone = null, verified_at = excluded.verified_at,
        opted_in_at = excluded.opted_in_at, opted_out_at = null;
end
$$;
comment on function public.verify_whatsapp(text) is 'The caller has read a code: the number is theirs, and nobody else''s any more, and they ask for messages. Answers nothing; verified_whatsapp says whether the code was right.';
revoke execute on function public.verify_whatsapp(text) from public, anon, authenticated, service_role;
grant execute on function public.verify_whatsapp(text) to authenticated;

-- Asked once a try is over, it tries nothing.
create function public.verified_whatsapp(code text) returns setof public.whatsapp_contacts
language sql stable security definer set search_path = '' as $$
    select contacts.* from private.whatsapp_codes as codes
    join public.whatsapp_contacts as contacts
        on contacts.user_id = codes.user_id and contacts.phone = codes.phone and contacts.verified_at is not null
    where codes.user_id = (select auth.uid()) and codes.used_at is not null
        and codes.digest = private.whatsapp_code_digest(
            codes.user_id, codes.phone, regexp_replace(verified_whatsapp.code, '\s', '', 'g')
        )
$$;
comment on function public.verified_whatsapp(text) is 'The caller''s contact, where verify_whatsapp was right with this code and the number is still theirs; nothing otherwise.';
revoke execute on function public.verified_whatsapp(text) from public, anon, authenticated, service_role;
grant execute on function public.verified_whatsapp(text) to authenticated;

create function public.unlink_whatsapp() returns setof public.whatsapp_contacts
language plpgsql security definer set search_path = '' as $$
declare
    me constant uuid := private.whatsapp_person();
begin
    delete from private.whatsapp_codes where user_id = me;
    return query delete from public.whatsapp_contacts where user_id = me returning *;
end
$$;
comment on function public.unlink_whatsapp() is 'Forgets the caller''s number; answers the contact that there was.';
revoke execute on function public.unlink_whatsapp() from public, anon, authenticated, service_role;
grant execute on function public.unlink_whatsapp() to authenticated;


-- What WhatsApp tells of people ----------------------------------------------------------------------------------------------

create function private.whatsapp_contact_of(phone text, bsuid text) returns public.whatsapp_contacts
language sql stable security definer set search_path = '' as $$
    select contacts from public.whatsapp_contacts as contacts
    where contacts.verified_at is not null
        and (contacts.phone = whatsapp_contact_of.phone or contacts.bsuid = whatsapp_contact_of.bsuid)
    -- A number is shown to be theirs; what WhatsApp knows them by follows from it.
    order by contacts.phone is not distinct from whatsapp_contact_of.phone desc
    limit 1
$$;
revoke execute on function private.whatsapp_contact_of(text, text) from public;

-- The words by which people ask for no more, or for more again, and nothing else.
create function private.whatsapp_wish(body text) returns text
language sql immutable set search_path = '' as $$
    select case
        when said in (
            'stop', 'stop all', 'stopall', 'unsubscribe', 'cancel', 'end', 'quit', 'stopp', 'abbestellen', 'abmelden', 'basta',
            'annulla', 'cancella', 'arret', 'arrêt', 'arreter', 'arrêter', 'baja', 'parar', 'sair', 'cancelar'
        ) then 'stop'
        when said in ('start', 'unstop', 'subscribe', 'anmelden', 'iscrivimi', 'alta') then 'start'
    end
    from lower(btrim(regexp_replace(body, '[\s.!,"''«»“”]+', ' ', 'g'))) as said
$$;
revoke execute on function private.whatsapp_wish(text) from public;

-- Told again, it changes nothing. Who is not known here leaves nothing behind.
create function public.record_whatsapp_inbound(
    wamid text, phone text, bsuid text, profile_name text, body text, at timestamptz, context_wamid text default null
) returns jsonb
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    -- WhatsApp's clock has seconds, and cannot be ahead of what it tells.
    moment constant timestamptz := least(record_whatsapp_inbound.at, clock_timestamp());
    number constant text := '+' || ltrim(record_whatsapp_inbound.phone, '+');
    wish constant text := private.whatsapp_wish(record_whatsapp_inbound.body);
    contact public.whatsapp_contacts;
    made uuid;
begin
    contact := private.whatsapp_contact_of(number, record_whatsapp_inbound.bsuid);
    if contact.id is null then
        return jsonb_build_object('status', 'unknown_person');
    end if;
    perform private.hold_person(contact.user_id);
    select * into contact from public.whatsapp_contacts where id = contact.id and verified_at is not null for update;
    if not found then
        return jsonb_build_object('status', 'unknown_person');
    end if;
    insert into public.whatsapp_messages (
        user_id, trip_id, direction, body, status, wamid, category, sent_at, created_at, updated_at
    ) values (
        contact.user_id,
        -- What it answers was about.
        (
            select answered.trip_id from public.whatsapp_messages as answered
            where answered.wamid = record_whatsapp_inbound.context_wamid and answered.user_id = contact.user_id
        ),
        'inbound', left(record_whatsapp_inbound.body, 4096), 'received', record_whatsapp_inbound.wamid, 'service',
        moment, clock_timestamp(), clock_timestamp()
    )
    on conflict on constraint whatsapp_messages_wamid_key do nothing
    returning id into made;
    if made is null then
        return jsonb_build_object('status', 'known');
    end if;
    update public.whatsapp_contacts set
        last_inbound_at = greatest(last_inbound_at, moment),
        -- The number is who it is; another contact may still be known by this.
        bsuid = case
            when record_whatsapp_inbound.bsuid is null or exists (
                select from public.whatsapp_contacts as others
                where others.bsuid = record_whatsapp_inbound.bsuid and others.id <> contact.id
            ) then bsuid
            else record_whatsapp_inbound.bsuid
        end,
        -- What was told late does not undo what was said since.
        opted_out_at = case
            when wish = 'stop' and moment >= date_trunc('second', greatest(opted_in_at, opted_out_at)) then moment
            when wish = 'start' and moment >= date_trunc('second', opted_out_at) then null
            else opted_out_at
        end,
        opted_in_at = case
            when wish = 'start' and (opted_in_at is null or moment >= date_trunc('second', opted_out_at)) then moment
            else opted_in_at
        end
    where id = contact.id;
    return jsonb_build_object('status', 'received', 'message', made, 'wish', wish);
end
$$;
comment on function public.record_whatsapp_inbound(text, text, text, text, text, timestamptz, text) is 'Somebody wrote: for 24 hours they can be written to freely; STOP ends all messages, START begins them again. Answers {"status"}: received, known where it was told before, or unknown_person, of whom nothing is kept.';
revoke execute on function public.record_whatsapp_inbound(text, text, text, text, text, timestamptz, text)
    from public, anon, authenticated, service_role;
grant execute on function public.record_whatsapp_inbound(text, text, text, text, text, timestamptz, text) to service_role;

-- A number may go to somebody else once its owner has left it.
create function public.record_whatsapp_number_change(
    old_phone text, new_phone text, bsuid text, at timestamptz, old_bsuid text default null
) returns jsonb
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    number constant text := '+' || ltrim(record_whatsapp_number_change.old_phone, '+');
begin
    update public.whatsapp_contacts set
        verified_at = null, opted_in_at = null, opted_out_at = null, bsuid = null, last_inbound_at = null
    where (phone = number or bsuid = record_whatsapp_number_change.old_bsuid) and verified_at is not null
        -- Told late, of a number that was shown to be theirs since.
        and date_trunc('second', verified_at) <= record_whatsapp_number_change.at;
    return jsonb_build_object('status', case when found then 'unverified' else 'unknown_person' end);
end
$$;
comment on function public.record_whatsapp_number_change(text, text, text, timestamptz, text) is 'Somebody has another number now: the old one has to be shown to be theirs anew. Answers {"status"}: unverified or unknown_person.';
revoke execute on function public.record_whatsapp_number_change(text, text, text, timestamptz, text)
    from public, anon, authenticated, service_role;
grant execute on function public.record_whatsapp_number_change(text, text, text, timestamptz, text) to service_role;

-- That somebody wants it again they say here, where it is kept apart from what WhatsApp lets through.
create function public.record_whatsapp_marketing_stop(phone text, bsuid text, at timestamptz) returns jsonb
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    contact public.whatsapp_contacts := private.whatsapp_contact_of(
        '+' || ltrim(record_whatsapp_marketing_stop.phone, '+'), record_whatsapp_marketing_stop.bsuid
    );
begin
    -- Told late, of a number that was somebody else's then.
    if contact.id is null or date_trunc('second', contact.verified_at) > record_whatsapp_marketing_stop.at then
        return jsonb_build_object('status', 'unknown_person');
    end if;
    perform private.stop_marketing(contact.user_id, 'whatsapp', record_whatsapp_marketing_stop.at);
    return jsonb_build_object('status', 'stopped');
end
$$;
comment on function public.record_whatsapp_marketing_stop(text, text, timestamptz) is 'Somebody wants no marketing any more, says WhatsApp, by their number or what it knows them by. Answers {"status"}: stopped or unknown_person.';
revoke execute on function public.record_whatsapp_marketing_stop(text, text, timestamptz)
    from public, anon, authenticated, service_role;
grant execute on function public.record_whatsapp_marketing_stop(text, text, timestamptz) to service_role;

create function private.prune_whatsapp() returns bigint
language plpgsql security definer set search_path = '' as $$
declare
    pruned bigint;
    more bigint;
begin
    delete from private.whatsapp_code_requests where requested_at < now() - interval '2 days';
    get diagnostics pruned = row_count;
    delete from private.whatsapp_codes where expires_at < now() - interval '1 day';
    get diagnostics more = row_count;
    pruned := pruned + more;
    delete from public.delivery_events where message_id is null and created_at < now() - interval '30 days';
    get diagnostics more = row_count;
    return pruned + more;
end
$$;
comment on function private.prune_whatsapp() is 'Forgets codes that are over, and what was told of messages that are nobody''s; returns how much.';
revoke execute on function private.prune_whatsapp() from public;
