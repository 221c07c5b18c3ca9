Deno.serve(() => new Response("switched off"));
