// POST { text, first? } → 200 { memories: [{ id, trip_id, kind, content, distance, created_at }] }, the nearest first.
//
// The caller's own memories by what they mean. The text's embedding is reserved and settled like any call of a model.

import type { AiServices } from "../_shared/ai/running.ts";
import { embed, type Embedding, failureOf } from "../_shared/ai/provider.ts";
import { fieldOf, z } from "../_shared/ai/schemas.ts";
import { lengthOf } from "../_shared/ai/texts.ts";
import { bytesOf, ofEmbedding, tokensOf } from "../_shared/ai/usage.ts";
import type { Handler } from "../_shared/endpoint.ts";
import { databaseError } from "../_shared/errors.ts";

const MOST_CHARACTERS = 1000;
const SECONDS = 20;
const TEXT = z.string().refine((text) => text.trim() !== "" && lengthOf(text) <= MOST_CHARACTERS);

export const searchAiMemories: Handler<AiServices> = async (input, caller, services) => {
  const text = fieldOf(input, "text", TEXT, `A text has 1 to ${MOST_CHARACTERS} whole characters, not all blank.`);
  const first = fieldOf(input, "first", z.int().min(1).max(100).optional(), "first is from 1 to 100.") ?? 10;
  const { client, runs, embeddingModel: model } = services;
  const tokens = tokensOf(bytesOf(text));
  const call = await runs.beginEmbedding(caller.id, model, tokens);
  const progress: Embedding = { untold: 0, tokens: null };
  let embedding: number[];
  try {
    const limits = { signal: AbortSignal.timeout(SECONDS * 1000), latest: performance.now() + SECONDS * 1000 };
    embedding = await embed(client, model, text, progress, limits);
  } catch (error) {
    throw failureOf(error);
  } finally {
    await runs.endEmbedding(call, ofEmbedding(progress, tokens));
  }
  const { data, error } = await services.database(caller)
    .rpc("search_ai_memories", { query_embedding: JSON.stringify(embedding), first });
  if (error) throw databaseError(error);
  return { body: { memories: data } };
};
