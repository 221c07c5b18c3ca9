select row_to_json(r) from (select t1."title", t1."duration_days", t1."cost_total"::text as "cost_total", t1."id" from "public"."trips" as t1 where t1."cost_total" > $1 order by t1."duration_days" desc nulls last, t1."id" asc limit 2) as r -- $1 = '400';
select count(*) from "public"."trips" as t1 where t1."cost_total" > $1 -- $1 = '400';
