// What invitations have in common, to a trip or to anything else that people share: whom they may name, a secret of which
// only the hash is kept, the mail with its link, and the way back when the mail is not taken.

import type { Handler } from "./endpoint.ts";
import { ApiError, databaseError } from "./errors.ts";
import { log } from "./log.ts";
import { hashOf, newSecret } from "./secret.ts";
import type { Mail, Services } from "./services.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
// As the database has it. Nothing that would make two addresses of one, or a name and an address, in a mail's header.
const EMAIL = /^[^\s\p{Cc}@<>()[\]\\,;:"]+@[^\s\p{Cc}@<>()[\]\\,;:"]+\.[^\s\p{Cc}@<>()[\]\\,;:"]+$/u;

type Input = Parameters<Handler<Services>>[0];

/** The id that a field of the input holds. Throws ApiError. */
export function idOf(input: Input, field: string, whose: string): string {
  const id = input[field];
  if (typeof id !== "string" || !UUID.test(id)) {
    throw new ApiError("BAD_USER_INPUT", `${field} must be the id of the ${whose}.`, { field });
  }
  return id;
}

/** What kind of thing is to be shared: a scope, called as its topics are. Throws ApiError. */
export function scopeOf(input: Input): string {
  const { scope } = input;
  if (typeof scope !== "string" || !/^[a-z][a-z0-9_]{0,40}$/.test(scope)) {
    throw new ApiError("BAD_USER_INPUT", "scope must be the name of one, such as collection.", { field: "scope" });
  }
  return scope;
}

/** The address in the input, as the database keeps addresses. Throws ApiError. */
export function addressOf(input: Input): string {
  const email = typeof input.email === "string" ? input.email.trim().toLowerCase() : "";
  if (email.length > 254 || !EMAIL.test(email)) {
    throw new ApiError("BAD_USER_INPUT", "email must be an e-mail address.", { field: "email" });
  }
  return email;
}

/** The secret of an invitation's link. Throws ApiError. */
export function tokenOf(input: Input): string {
  const { token } = input;
  if (typeof token !== "string" || token === "") {
    throw new ApiError("BAD_USER_INPUT", "token must be given.", { field: "token" });
  }
  // Postgres can hold no NUL, so no invitation has it.
  if (token.length > 200 || token.includes("\0")) throw new ApiError("NOT_FOUND", "There is no such invitation.");
  return token;
}

export interface Offer {
  table: string;
  /** What the caller may read back, with commas between. */
  columns: string;
  row: Record<string, unknown>;
  mail: (secret: string) => Mail;
}

/** Keep an invitation and mail the link with its secret. Throws ApiError. */
export async function keepAndSend(
  services: Services,
  database: ReturnType<Services["database"]>,
  { table, columns, row, mail }: Offer,
): Promise<unknown> {
  const secret = newSecret();
  const { data: kept, error: refused } = await database
    .from(table).insert({ ...row, token_hash: await hashOf(secret) })
    .select(columns).single<{ id: string }>();
  if (refused) throw databaseError(refused);
  try {
    await services.send(mail(secret));
  } catch (error) {
    // Nobody has the link: an invitation that cannot be accepted should not look open.
    const { error: open } = await database.from(table).update({ status: "revoked" }).eq("id", kept.id);
    if (open) log.error("an unsent invitation stays open", { invitation: kept.id, said: open.message });
    throw error;
  }
  return kept;
}
