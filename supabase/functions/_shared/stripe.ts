// Stripe's own client library, of one version and one version of the API, at its own address or at the one that
// STRIPE_API_BASE names; and what people are told of its failures.

import Stripe from "npm:stripe@23.1.0";
import { ApiError } from "./errors.ts";
import { log } from "./log.ts";
import { providerUrl } from "./provider_url.ts";
import type { Environment } from "./settings.ts";

export { Stripe };

/** Of which the objects are that we read. The library is made for it. */
export const API_VERSION = "2026-10-28.endive";
/** No request takes longer, the library's own repetition of it included. */
export const LONGEST_SECONDS = 18;

const SECONDS = 8;

/** A client with the account's secret key. Throws an Error where the settings make no sense. */
export function stripeOf(env: Environment, fetcher: typeof fetch = fetch): Stripe {
  if (!env.STRIPE_SECRET_KEY) throw new Error("STRIPE_SECRET_KEY is not set");
  const base = new URL(providerUrl(env, "STRIPE_API_BASE", "https://api.stripe.com"));
  return new Stripe(env.STRIPE_SECRET_KEY, {
    apiVersion: API_VERSION,
    maxNetworkRetries: 1,
    timeout: SECONDS * 1000,
    telemetry: false,
    protocol: base.protocol.slice(0, -1) as "http" | "https",
    host: base.hostname,
    port: base.port || undefined,
    // The library knows hosts and no paths: one that the setting has is put before.
    httpClient: Stripe.createFetchHttpClient((input: string | URL | Request, init?: RequestInit) => {
      const asked = new URL(input instanceof Request ? input.url : input);
      return fetcher(base.origin + base.pathname.replace(/\/$/, "") + asked.pathname + asked.search, init);
    }),
  });
}

/** Whether the key is one for money, and not for tests. */
export function isLive(env: Environment): boolean {
  return /^[a-z]+_live_/.test(env.STRIPE_SECRET_KEY ?? "");
}

/** Do something with Stripe. Throws ApiError where it is away, or does not let us in; anything else as it is. */
export async function asking<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw isAway(error) ? unavailable(error) : error;
  }
}

/** Whether Stripe has no such thing, or has it no more. */
export function isMissing(error: unknown): boolean {
  return error instanceof Stripe.errors.StripeInvalidRequestError && error.code === "resource_missing";
}

/**
 * Make something at Stripe once.
 *
 * Stripe keeps what it answered under a key, failures of its own included, and answers the same again: so after one of these
 * `look` says whether the thing was made all the same, and only then there is another key.
 */
export async function once<Thing>(
  keys: readonly string[],
  create: (options: Stripe.RequestOptions) => Promise<Thing>,
  look: () => Promise<Thing | null>,
): Promise<Thing> {
  let failure: unknown;
  for (const idempotencyKey of keys) {
    try {
      return await create({ idempotencyKey });
    } catch (error) {
      if (!isSaved(error)) throw error;
      log.warn("Stripe failed under a key", { error: (error as Error).message });
      failure = error;
    }
    const found = await look();
    if (found !== null) return found;
  }
  throw failure;
}

/** A failure that was kept under its key, or a key that was kept for something else. */
function isSaved(error: unknown): boolean {
  if (error instanceof Stripe.errors.StripeIdempotencyError) return true;
  return error instanceof Stripe.errors.StripeAPIError && (error.statusCode ?? 0) >= 500;
}

function isAway(error: unknown): boolean {
  const { StripeConnectionError, StripeAPIError, StripeRateLimitError } = Stripe.errors;
  if ([StripeConnectionError, StripeAPIError, StripeRateLimitError].some((kind) => error instanceof kind)) return true;
  // The key is wrong, or may not do this: ours to mend, and theirs to wait.
  const { StripeAuthenticationError, StripePermissionError } = Stripe.errors;
  return error instanceof StripeAuthenticationError || error instanceof StripePermissionError;
}

function unavailable(error: unknown): ApiError {
  const { type, statusCode, requestId, message } = error as Stripe.errors.StripeError;
  log.error("Stripe is away", { code: "UPSTREAM_UNAVAILABLE", type, status: statusCode, stripe: requestId, message });
  return new ApiError("UPSTREAM_UNAVAILABLE", "The payment service is not available right now. Try again shortly.");
}
