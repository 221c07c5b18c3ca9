// What every function does around its own work: CORS, the method, JSON both ways, failures as `{ code, message, extensions }`.

import { type Caller, callerOf } from "./caller.ts";
import { CORS_HEADERS } from "./cors.ts";
import { ApiError } from "./errors.ts";

const MAX_BODY_BYTES = 64 * 1024;

export interface Answer {
  status?: number;
  body: unknown;
}

/** A function's own work. Throws ApiError for what the caller should be told. */
export type Handler<Services> = (input: Record<string, unknown>, caller: Caller, services: Services) => Promise<Answer>;

/** Make a request handler for `Deno.serve` of a function's own work and the services that it needs. */
export function endpoint<Services>(
  handle: Handler<Services>,
  services: Services,
): (request: Request) => Promise<Response> {
  return async (request) => {
    if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: CORS_HEADERS });
    try {
      if (request.method !== "POST") throw new ApiError("METHOD_NOT_ALLOWED", "Send a POST request.");
      const caller = callerOf(request);
      const { status = 200, body } = await handle(await inputOf(request), caller, services);
      return json(body, status);
    } catch (error) {
      if (error instanceof ApiError && error.isPublic) {
        return json({ code: error.code, message: error.message, extensions: error.extensions }, error.status);
      }
      console.error(error);
      return json({ code: "INTERNAL_SERVER_ERROR", message: "Something went wrong.", extensions: {} }, 500);
    }
  };
}

function json(body: unknown, status: number): Response {
  return Response.json(body, { status, headers: CORS_HEADERS });
}

async function inputOf(request: Request): Promise<Record<string, unknown>> {
  const bytes = await request.arrayBuffer();
  if (bytes.byteLength > MAX_BODY_BYTES) throw new ApiError("BAD_USER_INPUT", "The body is too long.");
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new ApiError("BAD_USER_INPUT", "The body is not JSON.");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new ApiError("BAD_USER_INPUT", "The body must be a JSON object.");
  }
  return body as Record<string, unknown>;
}
