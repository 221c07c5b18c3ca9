// The AI's provider, by OpenAI's own client library, at its own address or at the one that AI_BASE_URL names: whoever speaks
// its chat completions and embeddings will do.

import OpenAI from "npm:openai@7.59.0";
import { ApiError } from "../errors.ts";
import { fetchOnce } from "../fetch_once.ts";
import { log } from "../log.ts";
import { providerUrl } from "../provider_url.ts";
import type { Environment } from "../settings.ts";
import { inOneBuffer } from "./buffer.ts";

export { OpenAI };

/** How often a request is tried, and how long one waits where the provider does not say. */
export interface Patience {
  tries: number;
  pauseMs: number;
}

/** By which a request names itself to its provider, for the records of both. */
export const REQUEST_NAME = "X-Client-Request-Id";

/** As many numbers as `ai_memories.embedding` has. */
export const DIMENSIONS = 1536;

const PATIENCE: Patience = { tries: 3, pauseMs: 500 };
const LATEST_MARGIN_MS = 5_000;
// Asked again at once they would be refused again.
const FINAL_CODES = new Set(["context_length_exceeded", "insufficient_quota", "invalid_api_key", "model_not_found"]);

/** A client with the account's key. Throws an Error where the settings make no sense. */
export function providerOf(env: Environment, fetcher: typeof fetch = fetchOnce): OpenAI {
  if (!env.AI_API_KEY) throw new Error("AI_API_KEY is not set");
  return new OpenAI({
    apiKey: env.AI_API_KEY,
    baseURL: providerUrl(env, "AI_BASE_URL", "https://api.openai.com/v1"),
    // Its own variables are not ours.
    organization: null,
    project: null,
    // It knows neither our deadline nor whether anything has come yet: `patiently` does.
    maxRetries: 0,
    logLevel: "off",
    fetch: inOneBuffer(fetcher),
  });
}

/**
 * Try something of which nothing has come yet again while that may help, as long as the provider asks for, and no longer
 * than until `latest`, a moment of `performance.now()`. Throws what the last try threw, or the signal's reason.
 */
export async function patiently<Result>(
  attempt: () => Promise<Result>,
  { signal, latest }: { signal: AbortSignal; latest: number },
  { tries, pauseMs }: Patience = PATIENCE,
): Promise<Result> {
  for (let left = tries - 1, pause = pauseMs;; left -= 1, pause *= 2) {
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      const wait = retryAfterMs(error) ?? pause * (0.5 + Math.random() / 2);
      if (left <= 0 || !mayPass(error) || performance.now() + wait + LATEST_MARGIN_MS > latest) throw error;
      log.warn("the AI's provider is asked again", { ...about(error), wait_ms: Math.round(wait) });
      await sleep(wait, signal);
    }
  }
}

/** Whether it may be otherwise in a moment. */
function mayPass(error: unknown): boolean {
  if (error instanceof OpenAI.APIUserAbortError) return false;
  if (error instanceof OpenAI.APIConnectionError) return true;
  if (!(error instanceof OpenAI.APIError)) return error instanceof TypeError;
  if (FINAL_CODES.has(error.code ?? "")) return false;
  // Told inside the stream, in place of a first chunk.
  if (error.status === undefined) return error.type === "server_error" || error.code === "rate_limit_exceeded";
  return error.status === 408 || error.status === 409 || error.status === 429 || error.status >= 500;
}

/** How long the provider wants not to be asked, in milliseconds. */
function retryAfterMs(error: unknown): number | null {
  if (!(error instanceof OpenAI.APIError)) return null;
  const precise = Number(error.headers?.get("retry-after-ms") || NaN);
  if (precise >= 0) return precise;
  const said = error.headers?.get("retry-after");
  if (!said) return null;
  const wait = /^\d+(\.\d+)?$/.test(said) ? Number(said) * 1000 : Date.parse(said) - Date.now();
  return Number.isFinite(wait) ? Math.max(wait, 0) : null;
}

/** What people and the run's row are told of a failure; ApiErrors as they are. What the provider said is for the log. */
export function failureOf(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof OpenAI.OpenAIError || error instanceof TypeError || error instanceof SyntaxError) {
    log.error("the AI's provider failed", about(error));
    if (isTooLong(error)) {
      const message = "This is longer than what the AI can read at once. Ask about less, or begin a new conversation.";
      return new ApiError("BAD_USER_INPUT", message, { reason: "CONTEXT_LENGTH_EXCEEDED" });
    }
    if (isTooOften(error)) {
      const wait = Math.ceil((retryAfterMs(error) ?? 0) / 1000);
      const message = "The AI's provider takes no more requests for the moment. Try again shortly.";
      return new ApiError("AI_RATE_LIMITED", message, wait > 0 ? { retryAfter: Math.min(wait, 86_400) } : {});
    }
    return new ApiError("AI_PROVIDER_ERROR", "The AI's provider failed. Try again later.");
  }
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return new ApiError("AI_PROVIDER_ERROR", "The AI's provider took too long. Try again later.");
  }
  log.error("an AI run failed", { error });
  return new ApiError("INTERNAL_SERVER_ERROR", "Something went wrong.");
}

/** Throws ApiError: what the provider answered is no answer. */
export function noAnswer(why: string): ApiError {
  log.error("the AI's provider answered what is no answer", { why });
  return new ApiError("AI_PROVIDER_ERROR", "The AI's provider answered what is no answer. Try again later.");
}

function isTooLong(error: unknown): boolean {
  return error instanceof OpenAI.APIError && error.code === "context_length_exceeded";
}

function isTooOften(error: unknown): boolean {
  if (!(error instanceof OpenAI.APIError) || error.code === "insufficient_quota") return false;
  return error.status === 429 || error.code === "rate_limit_exceeded";
}

function about(error: unknown): Record<string, unknown> {
  if (!(error instanceof OpenAI.APIError)) return { error };
  const { constructor, status, code, type, requestID, message, cause } = error;
  return { kind: constructor.name, status, code, type, provider: requestID, said: message, cause };
}

/** Wait. Throws the signal's reason. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

/** What is known of an embedding's tokens while it is asked for, and when that has failed. */
export interface Embedding {
  /** How many requests the provider may have done of which it did not say what they took. */
  untold: number;
  tokens: number | null;
}

/**
 * The embedding of a text; `progress` is kept while it is asked for. Throws what the client throws, ApiError where the answer is
 * none, or the signal's reason.
 */
export async function embed(
  client: OpenAI,
  model: string,
  text: string,
  progress: Embedding,
  { signal, latest, seconds = 15, patience }: {
    signal: AbortSignal;
    latest: number;
    seconds?: number;
    patience?: Patience;
  },
  name?: string,
): Promise<number[]> {
  const answer = await patiently(
    async () => {
      signal.throwIfAborted();
      progress.untold += 1;
      return await client.embeddings.create(
        { model, input: [text], dimensions: DIMENSIONS, encoding_format: "float" },
        { signal, timeout: seconds * 1000, headers: name === undefined ? {} : { [REQUEST_NAME]: name } },
      ).catch((error) => {
        if (isUndone(error)) progress.untold -= 1;
        throw error;
      });
    },
    { signal, latest },
    patience,
  );
  // No text is of no tokens.
  const tokens = answer?.usage?.prompt_tokens;
  if (Number.isSafeInteger(tokens) && tokens > 0) {
    progress.untold -= 1;
    progress.tokens = tokens;
  }
  const embedding = answer?.data?.[0]?.embedding;
  if (!Array.isArray(embedding) || embedding.length !== DIMENSIONS || !embedding.every(Number.isFinite)) {
    throw noAnswer(`an embedding has ${DIMENSIONS} numbers`);
  }
  return embedding;
}

/** Whether a request that failed was refused, or never reached the provider: what it did of one that broke off nobody says. */
function isUndone(error: unknown): boolean {
  if (!(error instanceof OpenAI.APIError)) return false;
  if (error.status !== undefined) return true;
  if (!(error instanceof OpenAI.APIConnectionError) || error instanceof OpenAI.APIConnectionTimeoutError) return false;
  // As Deno's fetch says that there was no connection, for want of a code.
  for (let cause: unknown = error.cause; cause instanceof Error; cause = cause.cause) {
    if (cause.message.includes("client error (Connect)")) return true;
  }
  return false;
}
