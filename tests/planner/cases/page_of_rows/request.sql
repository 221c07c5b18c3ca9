select row_to_json(r) from (select t1."title", t1."created_at" from "public"."trips" as t1 order by t1."created_at" desc, t1."id" asc limit 3) as r;
