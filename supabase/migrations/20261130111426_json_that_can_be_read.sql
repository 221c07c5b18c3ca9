ALTER TABLE "public"."trip_items"
  DROP CONSTRAINT "trip_items_details_check";

-- Rows of before may break the new rules. `not valid` takes no long lock and lets them stay: the API answers null in the
-- place of their details, and they can be deleted. But whatever else changes such a row must give it other details. If
-- the warning below says that there are some, keep what they hold as text, for instance:
--
--     update public.trip_items set details = jsonb_build_object('was', left(details::text, 4000))
--     where jsonb_path_exists(details, 'strict $.**{64 to last}') or details::text ~ '\d{309}';
--     alter table public.trip_items validate constraint trip_items_details_check;

ALTER TABLE "public"."trip_items"
  ADD CONSTRAINT "trip_items_details_check"
    CHECK
    (((jsonb_typeof(details) = 'object'::text) AND (octet_length((details)::text) <= 8192) AND (NOT jsonb_path_exists(details,
    'strict $.**{64 to last}?(@.type() == "object" || @.type() == "array")'::jsonpath)) AND
    (NOT jsonb_path_exists(details,
    'strict $.**?(@ > 179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000 || @ < -179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000)'::jsonpath)))) NOT VALID;

COMMENT ON CONSTRAINT "trip_items_details_check" ON "public"."trip_items" IS 'Details are a JSON object of at most 8 KiB, nested at most 64 levels deep, with no number beyond ±1.79e308.';

do $$
begin
    alter table public.trip_items validate constraint trip_items_details_check;
exception when check_violation then
    raise warning 'some rows of trip_items hold details that no client can read: see the migration json_that_can_be_read';
end
$$;
