select row_to_json(r) from (select t1."status", count(*) as "count" from "public"."trips" as t1 group by t1."status" order by t1."status" asc limit 100) as r;
