// POST { trip_id, idempotency_key? } → 202 { run: { id } }, whose result is { kind: "summary", summary, highlights }.

import { type AiServices, run } from "../_shared/ai/running.ts";
import { fieldOf, ID, idempotencyKeyOf } from "../_shared/ai/schemas.ts";
import type { Handler } from "../_shared/endpoint.ts";

export const summarizeTrip: Handler<AiServices> = async (input, caller, services) => {
  const trip = fieldOf(input, "trip_id", ID, "trip_id is the id of a trip.");
  const idempotencyKey = idempotencyKeyOf(input);
  const prompt = "Summarise this trip for the people who plan it.";
  const asked = { agent: "summarizer", input: { prompt }, trip, conversation: null, idempotencyKey };
  return await run(asked, caller, services);
};
