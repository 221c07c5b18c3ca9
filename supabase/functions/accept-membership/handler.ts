// POST { token, scope? } → 200 { membership: { id, scope, scope_id, role } }
//
// Makes the caller take part by the secret of an invitation's link, in this scope alone where one is named. The database does
// it in one statement, for the account with the invited address; unknown, revoked, declined, expired and somebody else's all
// answer NOT_FOUND. Whoever has accepted and takes part is answered the same again.

import type { Handler } from "../_shared/endpoint.ts";
import { databaseError } from "../_shared/errors.ts";
import { scopeOf, tokenOf } from "../_shared/invitations.ts";
import type { Services } from "../_shared/services.ts";

export const acceptMembership: Handler<Services> = async (input, caller, services) => {
  const token = tokenOf(input);
  const of_scope = input.scope === undefined ? null : scopeOf(input);
  const { data: membership, error } = await services.database(caller).rpc("accept_membership", { token, of_scope });
  if (error) throw databaseError(error);
  return { body: { membership } };
};
