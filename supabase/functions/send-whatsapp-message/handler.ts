// POST { recipient_id, trip_id?, template?, parameters?, text?, idempotency_key? } → 202 { message: { id } }
//
// A person writes to another of the same trip, or to themselves. The message is queued as the caller, under their rights, and
// is sent behind this answer by the task `send_whatsapp` (docs/whatsapp.md).

import { fieldOf, ID, idempotencyKeyOf, z } from "../_shared/ai/schemas.ts";
import { keepable, lengthOf } from "../_shared/ai/texts.ts";
import type { Handler } from "../_shared/endpoint.ts";
import { ApiError, databaseError } from "../_shared/errors.ts";
import type { Waking } from "../_shared/people_and_tasks.ts";
import type { Services } from "../_shared/services.ts";

// The name of whoever writes, and the trip's, stand before it.
const MOST_CHARACTERS = 3900;
const MOST_PARAMETERS = 20;
const MOST_OF_PARAMETER = 1024;
const TEXT = z.string().refine((text) => text.trim() !== "" && lengthOf(text) <= MOST_CHARACTERS);
const PARAMETERS = z.record(
  z.string().regex(/^[a-z][a-z0-9_]{0,62}$/),
  z.string().max(MOST_OF_PARAMETER).refine((text) => text === keepable(text)),
)
  .refine((found) => Object.keys(found).length <= MOST_PARAMETERS);

export const sendWhatsappMessage: Handler<Pick<Services, "database"> & Waking> = async (input, caller, services) => {
  const recipient = fieldOf(input, "recipient_id", ID, "recipient_id is the id of a person.");
  const trip = fieldOf(input, "trip_id", ID.optional(), "trip_id is the id of a trip.") ?? null;
  const template = fieldOf(input, "template", z.string().min(1).max(512).optional(), "A template has a name.") ?? null;
  const body = fieldOf(
    input,
    "text",
    TEXT.optional(),
    `A text has 1 to ${MOST_CHARACTERS} whole characters, not all blank.`,
  ) ?? null;
  const parameters = fieldOf(
    input,
    "parameters",
    PARAMETERS.optional(),
    `Parameters are at most ${MOST_PARAMETERS} texts by name, each of at most ${MOST_OF_PARAMETER} characters.`,
  ) ?? null;
  if ((template === null) === (body === null)) {
    throw new ApiError("BAD_USER_INPUT", "Give a template with its parameters, or a text.", { field: "text" });
  }
  const { data, error } = await services.database(caller).rpc("send_whatsapp_message", {
    recipient,
    trip,
    template,
    parameters,
    body,
    idempotency_key: idempotencyKeyOf(input),
  });
  if (error) throw databaseError(error);
  services.wake();
  return { status: 202, body: { message: { id: (data as { id: string }).id } } };
};
