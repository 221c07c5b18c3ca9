// POST { trip_id, email, role: "viewer" | "editor" } → 201 { invitation }, its columns as in the database.
//
// Asks somebody by e-mail to join a trip of the caller's. The mail's link holds a secret of which only the hash is kept.
// That the caller owns the trip, how many invitations are open and how many were sent within the hour is the database's
// to judge, under the caller's own token: nothing here needs more rights than the caller has.

import type { Handler } from "../_shared/endpoint.ts";
import { ApiError, databaseError } from "../_shared/errors.ts";
import { invitationMail } from "../_shared/invitation_mail.ts";
import { addressOf, idOf, keepAndSend } from "../_shared/invitations.ts";
import type { Services } from "../_shared/services.ts";

const COLUMNS = "id,trip_id,email,role,status,invited_by,expires_at,accepted_at,created_at,updated_at";

interface Trip {
  id: string;
  title: string;
  user_id: string;
  owner: { display_name: string } | null;
}

export const inviteCollaborator: Handler<Services> = async (input, caller, services) => {
  const tripId = idOf(input, "trip_id", "trip");
  const email = addressOf(input);
  const role = input.role;
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

  const invitation = await keepAndSend(services, database, {
    table: "invitations",
    columns: COLUMNS,
    row: { trip_id: tripId, email, role },
    mail: (secret) =>
      invitationMail({
        to: email,
        inviter: trip.owner?.display_name ?? "Somebody",
        name: trip.title,
        secret,
        siteUrl: services.siteUrl,
        path: "invitations",
        words: (inviter, title) => ({
          subject: `${inviter} invites you to plan a trip`,
          offer: `${inviter} invites you to plan “${title}” together.`,
          action: "Join the trip",
        }),
      }),
  });
  return { status: 201, body: { invitation } };
};
