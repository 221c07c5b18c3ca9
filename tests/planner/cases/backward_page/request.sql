select row_to_json(r) from (select t1."title", t1."id" from "public"."trips" as t1 order by t1."title" desc, t1."id" desc limit 3) as r;
