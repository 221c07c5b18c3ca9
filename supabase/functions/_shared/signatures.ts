// Signatures of webhooks in their two usual forms, each an HMAC with SHA-256 in hexadecimal, under any of several
// secrets: while one is exchanged for another, both hold.

import { createHmac } from "node:crypto";
import { isOneOf } from "./same.ts";

/** Whether a header, such as `sha256=5f…`, is the signature of the body. */
export function signs(
  body: Uint8Array,
  header: string | null,
  secrets: readonly string[],
  prefix = "sha256=",
): boolean {
  if (!header?.startsWith(prefix)) return false;
  return isOneOf(header.slice(prefix.length).toLowerCase(), keysOf(secrets).map((secret) => hmac(secret, body)));
}

/**
 * Whether a header, such as `t=1767225600,v1=5f…,v1=7a…`, signs the body at a moment not more than `tolerance` seconds
 * away, so that what somebody caught is of no use to them later.
 */
export function signsAtTime(
  body: Uint8Array,
  header: string | null,
  secrets: readonly string[],
  { tolerance = 300, now = Date.now() / 1000 }: { tolerance?: number; now?: number } = {},
): boolean {
  const parts = (header ?? "").split(",").map((part) => part.trim().split("=", 2));
  const times = parts.filter(([name]) => name === "t").map(([, value]) => value ?? "");
  const [time = ""] = times;
  if (times.length !== 1 || !/^\d{1,12}$/.test(time) || Math.abs(now - Number(time)) > tolerance) return false;
  const right = keysOf(secrets).map((secret) => hmac(secret, new TextEncoder().encode(`${time}.`), body));
  return parts.filter(([name]) => name === "v1").slice(0, 10).some(([, value]) => isOneOf(value, right));
}

// An empty secret is anybody's.
function keysOf(secrets: readonly string[]): string[] {
  return secrets.filter((secret) => secret !== "");
}

function hmac(secret: string, ...parts: Uint8Array[]): string {
  const mac = createHmac("sha256", secret);
  for (const part of parts) mac.update(part);
  return mac.digest("hex");
}
