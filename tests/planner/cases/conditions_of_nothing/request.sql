select row_to_json(r) from (select t1."title" from "public"."trips" as t1 where false order by t1."created_at" desc, t1."id" asc limit 20) as r;
select count(*) from "public"."trips" as t1 where false;
select row_to_json(r) from (select t1."title" from "public"."trips" as t1 where false order by t1."created_at" desc, t1."id" asc limit 20) as r;
select row_to_json(r) from (select t1."title" from "public"."trips" as t1 order by t1."created_at" desc, t1."id" asc limit 1) as r;
