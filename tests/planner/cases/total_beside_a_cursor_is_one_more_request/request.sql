select row_to_json(r) from (select t1."title" from "public"."trips" as t1 where (t1."title" >= $1 and (t1."title" > $2 or (t1."title" = $3 and t1."id" > $4))) order by t1."title" asc, t1."id" asc limit 1) as r -- $1 = 'Lofoten by car', $2 = 'Lofoten by car', $3 = 'Lofoten by car', $4 = 'ada00000-0000-4000-8002-000000000003';
select count(*) from "public"."trips" as t1;
