// Where people may be led back to from pages of payment: to the web application, and to nobody else's.

import { ApiError } from "./errors.ts";
import type { Environment } from "./settings.ts";

const LONGEST = 2048;
// What stands for the session's id, by Stripe.
const PLACEHOLDER = "{CHECKOUT_SESSION_ID}";

/**
 * The origins of RETURN_ORIGINS, or that of SITE_URL where it is not set.
 *
 * Throws an Error for what is no origin: the function does not start.
 */
export function returnOrigins(env: Environment): Set<string> {
  const named = (env.RETURN_ORIGINS || new URL(env.SITE_URL || "http://127.0.0.1:3000").origin).split(",");
  return new Set(named.map((each) => {
    const url = URL.parse(each.trim());
    if (!url || !/^https?:$/.test(url.protocol) || url.origin !== each.trim().toLowerCase() || url.host.includes("*")) {
      throw new Error("RETURN_ORIGINS must be origins such as https://trips.example, separated by commas");
    }
    return url.origin;
  }));
}

/** The address that stands in a field of the input, as it is written. Throws ApiError for that of anybody else. */
export function returnUrlOf(
  input: Record<string, unknown>,
  field: string,
  origins: ReadonlySet<string>,
): string {
  const given = input[field];
  if (typeof given !== "string" || given === "" || given.length > LONGEST) {
    throw new ApiError("BAD_USER_INPUT", "An address to return to has up to 2,048 characters.", { field });
  }
  // What readers of addresses understand differently is nothing that an address of ours has.
  const url = /^[\x21-\x7e]+$/.test(given) && !given.includes("\\")
    ? URL.parse(given.replaceAll(PLACEHOLDER, "x"))
    : null;
  if (!url || !/^https?:\/\//i.test(given) || url.username || url.password || !origins.has(url.origin)) {
    throw new ApiError("BAD_USER_INPUT", "People are led back to this application alone.", { field });
  }
  return given;
}
