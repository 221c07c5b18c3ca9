// Comparing secrets in a time that tells nothing of them.

import { createHash, timingSafeEqual } from "node:crypto";

/** Whether a value is one of these secrets. Each is compared, whatever the others were; nothing is like none. */
export function isOneOf(value: string | null | undefined, secrets: Iterable<string | null | undefined>): boolean {
  if (!value) return false;
  // By their digests, which are all of one length.
  const given = digest(value);
  let found = false;
  for (const secret of secrets) if (secret && timingSafeEqual(digest(secret), given)) found = true;
  return found;
}

function digest(value: string): Uint8Array {
  return createHash("sha256").update(value).digest();
}
