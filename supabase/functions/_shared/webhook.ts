// Functions that others call by themselves: a payment's provider, a messenger. Who calls is known by a signature over the
// very bytes of the body, so these are read first, bounded, and nothing of them is looked at before the signature is.

import { type Answer, answering } from "./answering.ts";
import { bytesOf, objectOf } from "./body.ts";
import { ApiError, type ErrorCode } from "./errors.ts";

/**
 * What a webhook takes and does.
 *
 * Senders repeat what was not answered in time, and what was; so `receive` does the same once for each event: it hands a
 * task on, under the event's own id.
 */
export interface Webhook<Services> {
  /** How many bytes a body may have. */
  maxBytes: number;
  /** Within how many seconds they must come; 10 unless it is said. */
  seconds?: number;
  /** The codes for more bytes, and for a body that nobody signed: PAYLOAD_TOO_LARGE and UNAUTHENTICATED, unless it is said. */
  tooLong?: ErrorCode;
  unsigned?: ErrorCode;
  /** Whether the sender signed these bytes. */
  isSigned(body: Uint8Array<ArrayBuffer>, headers: Headers): boolean | Promise<boolean>;
  /** The work, for a body that was signed and is a JSON object. Throws ApiError. */
  receive(event: Record<string, unknown>, services: Services): Promise<Answer>;
  /** For senders that ask by GET whether this is the right place: the text to answer, or null for a stranger. */
  challenge?(query: URLSearchParams): string | null;
}

/**
 * Make a request handler for `Deno.serve` of a webhook.
 *
 * Senders have no token of this project, so `verify_jwt` is false for such a function.
 */
export function webhookEndpoint<Services>(
  webhook: Webhook<Services>,
  services: Services,
): (request: Request) => Promise<Response> {
  return (request) =>
    answering(request, {}, async () => {
      if (request.method === "GET" && webhook.challenge) {
        const text = webhook.challenge(new URL(request.url).searchParams);
        if (text === null) throw new ApiError("FORBIDDEN", "This is not the token that was agreed on.");
        return new Response(text, { headers: { "Content-Type": "text/plain; charset=utf-8" } });
      }
      if (request.method !== "POST") throw new ApiError("METHOD_NOT_ALLOWED", "Send a POST request.");
      const body = await bytesOf(request, webhook);
      if (!(await webhook.isSigned(body, request.headers))) {
        throw new ApiError(webhook.unsigned ?? "UNAUTHENTICATED", "The signature is not this body's.");
      }
      return await webhook.receive(objectOf(body), services);
    });
}
