select count(*) from "public"."trips" as t1 where t1."status" <> $1 -- $1 = 'cancelled';
