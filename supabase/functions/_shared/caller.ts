// Who calls. The platform has verified the token before the function sees it (verify_jwt), and the database verifies it
// again with every statement: what is read here decides what is asked, never what is allowed.

import { ApiError } from "./errors.ts";

export interface Caller {
  id: string;
  email: string | null;
  token: string;
}

/** The signed-in person whose token came with the request. */
export function callerOf(request: Request): Caller {
  const token = /^Bearer (.+)$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
  const claims = token ? claimsOf(token) : null;
  if (!token || claims?.role !== "authenticated" || typeof claims.sub !== "string") {
    throw new ApiError("UNAUTHENTICATED", "Sign in to do this.");
  }
  return { id: claims.sub, email: typeof claims.email === "string" ? claims.email.toLowerCase() : null, token };
}

function claimsOf(token: string): Record<string, unknown> | null {
  try {
    const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const claims = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(payload), (char) => char.charCodeAt(0))));
    return typeof claims === "object" ? claims : null;
  } catch {
    return null;
  }
}
