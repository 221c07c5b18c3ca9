// POST { token } → 200 { collaborator }, its columns as in the database.
//
// Makes the caller a collaborator by the secret of an invitation's link. The database does it in one statement, once,
// for the account with the invited address; unknown, used, revoked, expired and somebody else's all answer NOT_FOUND.

import type { Handler } from "../_shared/endpoint.ts";
import { ApiError, databaseError } from "../_shared/errors.ts";
import type { Services } from "../_shared/services.ts";

export const acceptInvitation: Handler<Services> = async ({ token }, caller, services) => {
  if (typeof token !== "string" || token === "") {
    throw new ApiError("BAD_USER_INPUT", "token must be given.", { field: "token" });
  }
  // Postgres can hold no NUL, so no invitation has it.
  if (token.length > 200 || token.includes("\0")) throw new ApiError("NOT_FOUND", "There is no such invitation.");
  const { data: collaborator, error } = await services.database(caller).rpc("accept_invitation", { token });
  if (error) throw databaseError(error);
  return { body: { collaborator } };
};
