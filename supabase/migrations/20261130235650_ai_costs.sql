SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.ai_cost (
  call public.ai_usage
)
  RETURNS numeric
  LANGUAGE sql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
    select trim_scale(ceil(
        (call.prompt_tokens - call.cached_tokens) * call.prompt_price + call.cached_tokens * call.cached_prompt_price
        + call.completion_tokens * call.completion_price
    ) / 1000000)
$function$;
