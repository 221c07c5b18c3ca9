// Functions for programs: whoever holds the project's secret key, and the jobs of the database, by cron's secret.

import { type Answer, answering } from "./answering.ts";
import { bytesOf, objectOf } from "./body.ts";
import { ApiError } from "./errors.ts";
import { isOneOf } from "./same.ts";

export const CRON_SECRET_HEADER = "x-cron-secret";

const MAX_BODY_BYTES = 64 * 1024;
const BEARER = /^Bearer +(\S+)$/i;

/** A function's own work. Throws ApiError for what the caller should be told. */
export type ServiceHandler<Services> = (input: Record<string, unknown>, services: Services) => Promise<Answer>;

/**
 * Make a request handler for `Deno.serve` that works for this project's own programs alone.
 *
 * They show the secret key, or the legacy service role key, as `apikey` or as a bearer; the database's jobs show
 * CRON_SECRET in `x-cron-secret`. No key is a token that the platform could verify, so `verify_jwt` is false for such a
 * function. Pages cannot call it: it answers no preflight.
 */
export function serviceEndpoint<Services>(
  handle: ServiceHandler<Services>,
  services: Services,
  env: Record<string, string | undefined> = Deno.env.toObject(),
): (request: Request) => Promise<Response> {
  const keys = secretKeysOf(env);
  return (request) =>
    answering(request, {}, async () => {
      // Whoever may not call learns nothing else.
      if (!isService(request.headers, keys, env.CRON_SECRET)) {
        throw new ApiError("UNAUTHENTICATED", "This takes the project's secret key, or cron's secret.");
      }
      if (request.method !== "POST") throw new ApiError("METHOD_NOT_ALLOWED", "Send a POST request.");
      const bytes = await bytesOf(request, { maxBytes: MAX_BODY_BYTES });
      return await handle(bytes.length === 0 ? {} : objectOf(bytes), services);
    });
}

/** The keys of this project that pass row level security by. */
export function secretKeysOf(env: Record<string, string | undefined>): string[] {
  const keys: Record<string, string> = JSON.parse(env.SUPABASE_SECRET_KEYS || "{}");
  return [...Object.values(keys), env.SUPABASE_SERVICE_ROLE_KEY ?? ""].filter((key) => key !== "");
}

/** Whether a request shows one of these keys, or cron's secret. */
export function isService(headers: Headers, keys: string[], cronSecret: string | undefined): boolean {
  const bearer = BEARER.exec(headers.get("Authorization") ?? "")?.[1];
  const shown = [isOneOf(headers.get("apikey"), keys), isOneOf(bearer, keys)];
  return [...shown, isOneOf(headers.get(CRON_SECRET_HEADER), [cronSecret])].includes(true);
}
