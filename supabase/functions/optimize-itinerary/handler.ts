// POST { trip_id, day_number?, idempotency_key? } → 202 { run: { id } }, whose result is a proposal
// { kind: "itinerary", summary, itinerary: { day_number, items: [{ item_id, day_number }] } }, the items of each day in order.
//
// Nothing is moved: a person applies the proposal, as long as the trip is still what it was made of.

import { type AiServices, run } from "../_shared/ai/running.ts";
import { fieldOf, ID, idempotencyKeyOf, z } from "../_shared/ai/schemas.ts";
import type { Handler } from "../_shared/endpoint.ts";

export const optimizeItinerary: Handler<AiServices> = async (input, caller, services) => {
  const trip = fieldOf(input, "trip_id", ID, "trip_id is the id of a trip.");
  const day = fieldOf(input, "day_number", z.int().min(1).max(1000).optional(), "A day is numbered from 1 to 1000.");
  const idempotencyKey = idempotencyKeyOf(input);
  const prompt = day === undefined
    ? "Put the items of this trip into a better order, over its days."
    : `Put the items of day ${day} of this trip into a better order.`;
  const about = day === undefined ? { prompt } : { prompt, day_number: day };
  return await run({ agent: "optimizer", input: about, trip, conversation: null, idempotencyKey }, caller, services);
};
