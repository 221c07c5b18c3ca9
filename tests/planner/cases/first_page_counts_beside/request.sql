select row_to_json(r) from (select t1."title" from "public"."trips" as t1 order by t1."created_at" desc, t1."id" asc limit 1) as r;
select count(*) from "public"."trips" as t1;
