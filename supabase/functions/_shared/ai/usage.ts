// How many tokens a call took: as the provider says, or else estimated from what went there and came, always upwards.

import type { Embedding, OpenAI } from "./provider.ts";

/** As `end_ai_call` takes it. */
export interface Usage {
  prompt_tokens: number;
  cached_tokens: number;
  completion_tokens: number;
  reasoning_tokens: number;
  is_estimated: boolean;
}

// No tokenizer in use makes more tokens of a text of some length than a third of its bytes, and most make fewer.
const BYTES_A_TOKEN = 3;
const encoder = new TextEncoder();

export function bytesOf(text: string): number {
  return encoder.encode(text).byteLength;
}

/** At most so many tokens, never none. */
export function tokensOf(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / BYTES_A_TOKEN));
}

/** What a call took whose end was never told: the prompt in full, and what had come by then. */
export function estimated(promptTokens: number, streamedBytes: number): Usage {
  return {
    prompt_tokens: promptTokens,
    cached_tokens: 0,
    completion_tokens: tokensOf(streamedBytes),
    reasoning_tokens: 0,
    is_estimated: true,
  };
}

/**
 * What an embedding took, as the provider says, and what was `sent` once more for each request of which it did not; null where
 * it refused all of them, or was not reached.
 */
export function ofEmbedding({ untold, tokens }: Embedding, sent: number): Usage | null {
  if (untold === 0 && tokens === null) return null;
  return {
    prompt_tokens: (tokens ?? 0) + untold * sent,
    cached_tokens: 0,
    completion_tokens: 0,
    reasoning_tokens: 0,
    is_estimated: untold > 0,
  };
}

/** What the provider says that a call took; null where it says nothing that can be counted with. */
export function toldUsage(told: OpenAI.CompletionUsage | null | undefined): Usage | null {
  if (!told) return null;
  const usage = {
    prompt_tokens: told.prompt_tokens,
    cached_tokens: told.prompt_tokens_details?.cached_tokens ?? 0,
    completion_tokens: told.completion_tokens,
    reasoning_tokens: told.completion_tokens_details?.reasoning_tokens ?? 0,
  };
  if (!Object.values(usage).every((each) => Number.isSafeInteger(each) && each >= 0)) return null;
  // Parts of the whole, whatever a provider makes of them.
  const cached_tokens = Math.min(usage.cached_tokens, usage.prompt_tokens);
  const reasoning_tokens = Math.min(usage.reasoning_tokens, usage.completion_tokens);
  return { ...usage, cached_tokens, reasoning_tokens, is_estimated: false };
}
