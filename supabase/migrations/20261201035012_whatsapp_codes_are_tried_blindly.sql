SET local check_function_bodies = off;

DROP FUNCTION "public"."verify_whatsapp"(text);

ALTER TABLE "private"."whatsapp_codes"
  ADD COLUMN "used_at" timestamp WITH time zone;

CREATE OR REPLACE FUNCTION public.start_whatsapp_link (
  phone text
)
  RETURNS SETOF public.whatsapp_contacts
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION public.verified_whatsapp (
  code text
)
  RETURNS SETOF public.whatsapp_contacts
  LANGUAGE sql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
    select contacts.* from private.whatsapp_codes as codes
    join public.whatsapp_contacts as contacts
        on contacts.user_id = codes.user_id and contacts.phone = codes.phone and contacts.verified_at is not null
    where codes.user_id = (select auth.uid()) and codes.used_at is not null
        and codes.digest = private.whatsapp_code_digest(
            codes.user_id, codes.phone, regexp_replace(verified_whatsapp.code, '\s', '', 'g')
        )
$function$;

REVOKE ALL ON FUNCTION "public"."verified_whatsapp"(text) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.verify_whatsapp (
  code text
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
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
$function$;

REVOKE ALL ON FUNCTION "public"."verify_whatsapp"(text) FROM PUBLIC, "anon", "service_role";

COMMENT ON COLUMN "private"."whatsapp_codes"."used_at" IS 'When it was tried and right; null where it was not.';

COMMENT ON FUNCTION "public"."verified_whatsapp"(text) IS 'The caller''s contact, where verify_whatsapp was right with this code and the number is still theirs; nothing otherwise.';

COMMENT ON FUNCTION "public"."verify_whatsapp"(text) IS 'The caller has read a code: the number is theirs, and nobody else''s any more, and they ask for messages. Answers nothing; verified_whatsapp says whether the code was right.';

GRANT EXECUTE ON FUNCTION "public"."verified_whatsapp"(text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."verify_whatsapp"(text) TO "authenticated";
