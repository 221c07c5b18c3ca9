select row_to_json(r) from (select t1."title" from "public"."trips" as t1 where t1."id" = '00000000-0000-4000-8000-000000000000') as r;
