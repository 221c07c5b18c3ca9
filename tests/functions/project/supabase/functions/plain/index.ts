import { shared } from "../_shared/index.ts";

// Tells what it was sent and where it runs.
Deno.serve(async (request) =>
  Response.json(
    {
      method: request.method,
      url: request.url,
      headers: Object.fromEntries(request.headers),
      body: await request.text(),
      environment: Deno.env.toObject(),
      pid: Deno.pid,
      shared,
    },
    {
      status: 203,
      headers: {
        "Access-Control-Allow-Origin": "https://app.example",
        "X-Own": "yes",
      },
    },
  )
);
