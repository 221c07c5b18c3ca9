select row_to_json(r) from (select count(*) as "count", sum(t1."budget")::text as "a0", min(t1."start_date") as "a1", max(t1."start_date") as "a2" from "public"."trips" as t1) as r;
