SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION public.stored_files_by_ids (
  ids uuid[]
)
  RETURNS SETOF public.stored_files
  LANGUAGE sql
  STABLE
  AS $function$
    select * from public.stored_files where id = any (ids)
$function$;

REVOKE ALL ON FUNCTION "public"."stored_files_by_ids"(uuid[]) FROM PUBLIC, "anon", "service_role";

CREATE OR REPLACE FUNCTION public.whole_stored_files (
  public .stored_files
)
  RETURNS SETOF public.stored_files
  LANGUAGE sql
  STABLE
  ROWS 1
  AS $function$
    select ($1).*
$function$;

REVOKE ALL ON FUNCTION "public"."whole_stored_files"(public.stored_files) FROM PUBLIC, "anon", "service_role";

COMMENT ON FUNCTION "public"."stored_files_by_ids"(uuid[]) IS 'The rows of stored_files with these ids, of those that the caller may see.';

COMMENT ON FUNCTION "public"."whole_stored_files"(public.stored_files) IS 'The row of stored_files itself.';

GRANT EXECUTE ON FUNCTION "public"."stored_files_by_ids"(uuid[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."whole_stored_files"(public.stored_files) TO "authenticated";

REVOKE ALL ON TABLE "public"."stored_files" FROM "service_role";

GRANT DELETE, INSERT, MAINTAIN, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE ON TABLE "public"."stored_files" TO "service_role";
