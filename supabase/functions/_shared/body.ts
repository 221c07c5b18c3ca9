// Bodies as they come: counted while they are read, whatever length was announced, and bounded in time, so that nobody
// keeps a function busy byte by byte.

import { ApiError, type ErrorCode } from "./errors.ts";
import { log } from "./log.ts";

const SECONDS = 10;

/** How much of a body is taken; `tooLong` is the code of the refusal. */
export interface BodyLimits {
  maxBytes: number;
  seconds?: number;
  tooLong?: ErrorCode;
}

/** The bytes of a request's body. Throws ApiError when they are too many, too slow, or end too early. */
export async function bytesOf(request: Request, limits: BodyLimits): Promise<Uint8Array<ArrayBuffer>> {
  const { maxBytes, seconds = SECONDS, tooLong = "PAYLOAD_TOO_LARGE" } = limits;
  if (!request.body) return new Uint8Array();
  const reader = request.body.getReader();
  const tooSlow = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => tooSlow.reject(new ApiError("REQUEST_TIMEOUT", `The body did not come within ${seconds} seconds.`)),
    seconds * 1000,
  );
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    while (true) {
      const { done, value } = await Promise.race([reader.read(), tooSlow.promise]);
      if (done) break;
      length += value.byteLength;
      if (length > maxBytes) throw new ApiError(tooLong, `The body is too long: ${maxBytes} bytes are taken.`);
      chunks.push(value);
    }
  } catch (error) {
    // What still comes is not waited for.
    reader.cancel().catch(() => {});
    if (error instanceof ApiError) throw error;
    log.info("a body broke off", { error, bytes: length });
    throw new ApiError("BAD_USER_INPUT", "The body ended too early.");
  } finally {
    clearTimeout(timer);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

/** The JSON object that these bytes are. Throws ApiError for anything else. */
export function objectOf(bytes: Uint8Array): Record<string, unknown> {
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
