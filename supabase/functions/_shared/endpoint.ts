// What every function for people does around its own work: CORS, the method, JSON both ways, failures as
// `{ code, message, extensions }`.

import { type Answer, answering } from "./answering.ts";
import { bytesOf, objectOf } from "./body.ts";
import { type Caller, callerOf } from "./caller.ts";
import { CORS_HEADERS } from "./cors.ts";
import { ApiError } from "./errors.ts";

export type { Answer } from "./answering.ts";

const MAX_BODY_BYTES = 64 * 1024;

/** A function's own work. Throws ApiError for what the caller should be told. */
export type Handler<Services> = (input: Record<string, unknown>, caller: Caller, services: Services) => Promise<Answer>;

/** Make a request handler for `Deno.serve` of a function's own work and the services that it needs. */
export function endpoint<Services>(
  handle: Handler<Services>,
  services: Services,
): (request: Request) => Promise<Response> {
  return async (request) => {
    if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: CORS_HEADERS });
    return await answering(request, CORS_HEADERS, async () => {
      if (request.method !== "POST") throw new ApiError("METHOD_NOT_ALLOWED", "Send a POST request.");
      const caller = callerOf(request);
      // The code is one that the gateway passes on.
      const bytes = await bytesOf(request, { maxBytes: MAX_BODY_BYTES, tooLong: "BAD_USER_INPUT" });
      return await handle(objectOf(bytes), caller, services);
    });
  };
}
