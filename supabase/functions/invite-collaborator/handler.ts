// POST { trip_id, email, role: "viewer" | "editor" } → 201 { invitation }, its columns as in the database.
//
// Asks somebody by e-mail to join a trip of the caller's. The mail's link holds a secret of which only the hash is kept.
// That the caller owns the trip, how many invitations are open and how many were sent within the hour is the database's
// to judge, under the caller's own token: nothing here needs more rights than the caller has.

import type { Handler } from "../_shared/endpoint.ts";
import { ApiError, databaseError } from "../_shared/errors.ts";
import { log } from "../_shared/log.ts";
import { hashOf, newSecret } from "../_shared/secret.ts";
import type { Services } from "../_shared/services.ts";
import { invitationMail } from "./mail.ts";

const COLUMNS = "id,trip_id,email,role,status,invited_by,expires_at,accepted_at,created_at,updated_at";
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
// As the database has it. Nothing that would make two addresses of one, or a name and an address, in a mail's header.
const EMAIL = /^[^\s\p{Cc}@<>()[\]\\,;:"]+@[^\s\p{Cc}@<>()[\]\\,;:"]+\.[^\s\p{Cc}@<>()[\]\\,;:"]+$/u;

interface Trip {
  id: string;
  title: string;
  user_id: string;
  owner: { display_name: string } | null;
}

export const inviteCollaborator: Handler<Services> = async (input, caller, services) => {
  const tripId = typeof input.trip_id === "string" ? input.trip_id : "";
  const email = typeof input.email === "string" ? input.email.trim().toLowerCase() : "";
  const role = input.role;
  if (!UUID.test(tripId)) throw new ApiError("BAD_USER_INPUT", "trip_id must be the id of a trip.");
  if (email.length > 254 || !EMAIL.test(email)) {
    throw new ApiError("BAD_USER_INPUT", "email must be an e-mail address.", { field: "email" });
  }
  if (role !== "viewer" && role !== "editor") {
    throw new ApiError("BAD_USER_INPUT", "role must be viewer or editor.", { field: "role" });
  }

  const database = services.database(caller);
  const { data: trip, error: unread } = await database
    .from("trips").select("id,title,user_id,owner:profiles!user_id(display_name)").eq("id", tripId).maybeSingle<Trip>();
  if (unread) throw databaseError(unread);
  if (!trip) throw new ApiError("NOT_FOUND", "There is no such trip, or you may not see it.");
  if (trip.user_id !== caller.id) throw new ApiError("FORBIDDEN", "Only the owner of a trip invites to it.");
  if (email === caller.email) {
    throw new ApiError("BAD_USER_INPUT", "You own this trip and need no invitation.", { field: "email" });
  }

  // In a transaction of its own, so that it counts whatever becomes of the invitation.
  const { error: tooMany } = await database.rpc("announce_invitation", { trip: tripId, email });
  if (tooMany) throw databaseError(tooMany);

  const secret = newSecret();
  const { data: invitation, error: refused } = await database
    .from("invitations").insert({ trip_id: tripId, email, role, token_hash: await hashOf(secret) })
    .select(COLUMNS).single();
  if (refused) throw databaseError(refused);

  try {
    const inviter = trip.owner?.display_name ?? "Somebody";
    await services.send(invitationMail({ to: email, inviter, trip: trip.title, secret, siteUrl: services.siteUrl }));
  } catch (error) {
    // Nobody has the link: an invitation that cannot be accepted should not look open.
    const { error: kept } = await database.from("invitations").update({ status: "revoked" }).eq("id", invitation.id);
    if (kept) log.error("an unsent invitation stays open", { invitation: invitation.id, said: kept.message });
    throw error;
  }
  return { status: 201, body: { invitation } };
};
