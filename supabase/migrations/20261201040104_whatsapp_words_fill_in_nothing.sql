SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.whatsapp_words (
  message  jsonb,
  template private.whatsapp_templates
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    if template.name is null then
        return private.whatsapp_text(message);
    elsif template.category = 'authentication' then
        return null;
    end if;
    -- At once, so that what is filled in fills nothing in.
    return (
        select left(string_agg(case when place % 2 = 1 then part else filled.words ->> part end, '' order by place), 4096)
        from private.whatsapp_parameters(message, template) as filled (words)
        cross join regexp_split_to_table(template.body, '\{\{|\}\}') with ordinality as parts (part, place)
    );
end
$function$;
