-- No object has a name as long as that, so nothing was shown by it.
UPDATE public.profiles SET avatar_path = NULL WHERE octet_length(avatar_path) > 1024;

ALTER TABLE "public"."profiles"
  DROP CONSTRAINT "profiles_avatar_path_check";

ALTER TABLE "public"."profiles"
  ADD CONSTRAINT "profiles_avatar_path_check"
    CHECK
    (((octet_length(avatar_path) >= 1) AND (octet_length(avatar_path) <= 1024) AND starts_with(avatar_path, ((id)::text || '/'::text)) AND (avatar_path !~
    '(^|/)\.{0,2}(/|$)|[[:cntrl:]]'::text)));

COMMENT ON CONSTRAINT "profiles_avatar_path_check" ON "public"."profiles" IS 'The path of a picture is at most 1,024 bytes long, and begins with its person''s id and a slash.';
