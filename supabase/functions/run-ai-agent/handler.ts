// POST { agent_key, prompt, trip_id?, conversation_id?, idempotency_key? } → 202 { run: { id } }
//
// Asks an agent something, about a trip or about none. Its answer comes behind this one, as messages of the run (docs/ai.md).

import { type AiServices, run } from "../_shared/ai/running.ts";
import { fieldOf, ID, idempotencyKeyOf, z } from "../_shared/ai/schemas.ts";
import { lengthOf } from "../_shared/ai/texts.ts";
import type { Handler } from "../_shared/endpoint.ts";
import { ApiError } from "../_shared/errors.ts";

const MOST_CHARACTERS = 8000;
const PROMPT = z.string().refine((text) => text.trim() !== "" && lengthOf(text) <= MOST_CHARACTERS);

export const runAiAgent: Handler<AiServices> = async (input, caller, services) => {
  const agent = fieldOf(input, "agent_key", z.string().min(1).max(64), "An agent's key has 1 to 64 whole characters.");
  const prompt = fieldOf(
    input,
    "prompt",
    PROMPT,
    `A prompt has 1 to ${MOST_CHARACTERS} whole characters, not all blank.`,
  );
  const trip = fieldOf(input, "trip_id", ID.optional(), "trip_id is the id of a trip.") ?? null;
  const conversation = fieldOf(input, "conversation_id", ID.optional(), "conversation_id is that of a run.") ?? null;
  const idempotencyKey = idempotencyKeyOf(input);
  if (agent === "classifier") {
    throw new ApiError("BAD_USER_INPUT", "The classifier takes a place: call classify-place.", { field: "agent_key" });
  }
  if (trip === null && ["summarizer", "optimizer"].includes(agent)) {
    throw new ApiError("BAD_USER_INPUT", "Say which trip this is about.", { field: "trip_id" });
  }
  return await run({ agent, input: { prompt }, trip, conversation, idempotencyKey }, caller, services);
};
