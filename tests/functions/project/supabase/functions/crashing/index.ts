Deno.serve((request) => {
  if (new URL(request.url).pathname.endsWith("/now")) {
    setTimeout(() => Deno.exit(3), 0);
  }
  return Response.json({ pid: Deno.pid });
});
