Deno.serve((request) => new Response(request.headers.get("Authorization")));
