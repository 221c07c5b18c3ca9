DROP VIEW "public"."ai_agents_by_key_reversed";

DROP VIEW "public"."ai_agents_by_key";

CREATE VIEW "public"."ai_agents_by_key_reversed" WITH (security_invoker=true) AS  SELECT id,
    key,
    model,
    tools,
    max_output_tokens,
    is_active,
    created_at,
    updated_at
   FROM public.ai_agents
  ORDER BY key DESC, id DESC;

REVOKE ALL ON TABLE "public"."ai_agents_by_key_reversed" FROM "anon", "service_role";

CREATE VIEW "public"."ai_agents_by_key" WITH (security_invoker=true) AS  SELECT id,
    key,
    model,
    tools,
    max_output_tokens,
    is_active,
    created_at,
    updated_at
   FROM public.ai_agents
  ORDER BY key, id;

REVOKE ALL ON TABLE "public"."ai_agents_by_key" FROM "anon", "service_role";

COMMENT ON VIEW "public"."ai_agents_by_key" IS 'The rows of ai_agents, ordered by key, id.';

COMMENT ON VIEW "public"."ai_agents_by_key_reversed" IS 'The same as ai_agents_by_key, from its end.';

REVOKE ALL ON TABLE "public"."ai_agents_by_key" FROM "authenticated";

GRANT SELECT ON TABLE "public"."ai_agents_by_key" TO "authenticated";

REVOKE ALL ON TABLE "public"."ai_agents_by_key_reversed" FROM "authenticated";

GRANT SELECT ON TABLE "public"."ai_agents_by_key_reversed" TO "authenticated";
