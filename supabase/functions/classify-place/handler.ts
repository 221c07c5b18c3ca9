// POST { place_id, idempotency_key? } → 202 { run: { id } }, whose result is { kind: "category", place_id, category, reason }.
//
// The place stays as it is: a person takes the category over, or not.

import { type AiServices, run } from "../_shared/ai/running.ts";
import { Reader } from "../_shared/ai/reading.ts";
import { fieldOf, ID, idempotencyKeyOf } from "../_shared/ai/schemas.ts";
import type { Handler } from "../_shared/endpoint.ts";

export const classifyPlace: Handler<AiServices> = async (input, caller, services) => {
  const place_id = fieldOf(input, "place_id", ID, "place_id is the id of a place.");
  const idempotencyKey = idempotencyKeyOf(input);
  // Before there is a run: of what they do not see none is kept.
  await new Reader(services.database(caller), null).readPlace(place_id);
  const about = { prompt: "Choose the category that fits this place best.", place_id };
  return await run(
    { agent: "classifier", input: about, trip: null, conversation: null, idempotencyKey },
    caller,
    services,
  );
};
