select count(*) from "public"."trips" as t1 where t1."status" <> 'cancelled';
