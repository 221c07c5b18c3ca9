// POST { scope, scope_id, email, role } → 201 { invitation }, its columns as in the database.
//
// Asks somebody by e-mail to share something of the caller's: a collection, or whatever else has a scope that says whom
// one may invite as what. All of it is the database's to judge, under the caller's own token, as with trips.

import type { Handler } from "../_shared/endpoint.ts";
import { ApiError, databaseError } from "../_shared/errors.ts";
import { invitationMail } from "../_shared/invitation_mail.ts";
import { addressOf, idOf, keepAndSend, scopeOf } from "../_shared/invitations.ts";
import type { Services } from "../_shared/services.ts";

const COLUMNS = "id,scope,scope_id,email,role,status,invited_by,expires_at,accepted_at,created_at,updated_at";

interface Announced {
  name: string;
  roles: string[];
  inviter: string | null;
}

export const inviteMember: Handler<Services> = async (input, caller, services) => {
  const scope = scopeOf(input);
  const thing = scope.replaceAll("_", " ");
  const scopeId = idOf(input, "scope_id", thing);
  const email = addressOf(input);
  const role = input.role;
  if (typeof role !== "string" || role === "") {
    throw new ApiError("BAD_USER_INPUT", "role must be given.", { field: "role" });
  }
  if (email === caller.email) {
    throw new ApiError("BAD_USER_INPUT", "This is your own address, and you need no invitation.", { field: "email" });
  }

  const database = services.database(caller);
  // In a transaction of its own, so that it counts whatever becomes of the invitation.
  const { data: announced, error: refused } = await database
    .rpc("announce_membership_invitation", { scope, scope_id: scopeId, email }).returns<Announced>();
  if (refused) throw databaseError(refused);
  const { name, roles, inviter } = announced as Announced;
  if (!roles.includes(role)) {
    throw new ApiError("BAD_USER_INPUT", `role must be ${roles.join(" or ")}.`, { field: "role" });
  }

  const invitation = await keepAndSend(services, database, {
    table: "membership_invitations",
    columns: COLUMNS,
    row: { scope, scope_id: scopeId, email, role },
    mail: (secret) =>
      invitationMail({
        to: email,
        inviter: inviter ?? "Somebody",
        name,
        secret,
        siteUrl: services.siteUrl,
        path: `invitations/${scope}`,
        words: (from, title) => ({
          subject: `${from} invites you to share ${/^[aeiou]/.test(thing) ? "an" : "a"} ${thing}`,
          offer: `${from} invites you to share the ${thing} “${title}”.`,
          action: `Join the ${thing}`,
        }),
      }),
  });
  return { status: 201, body: { invitation } };
};
