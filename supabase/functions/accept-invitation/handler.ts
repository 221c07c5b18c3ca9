// POST { token } → 200 { collaborator }, its columns as in the database.
//
// Makes the caller a collaborator by the secret of an invitation's link. The database does it in one statement, once,
// for the account with the invited address; unknown, used, revoked, expired and somebody else's all answer NOT_FOUND.

import type { Handler } from "../_shared/endpoint.ts";
import { databaseError } from "../_shared/errors.ts";
import { tokenOf } from "../_shared/invitations.ts";
import type { Services } from "../_shared/services.ts";

export const acceptInvitation: Handler<Services> = async (input, caller, services) => {
  const { data: collaborator, error } = await services.database(caller)
    .rpc("accept_invitation", { token: tokenOf(input) });
  if (error) throw databaseError(error);
  return { body: { collaborator } };
};
