// How every function that runs an agent begins: it checks, reserves, answers 202, and goes on behind its answer.

import { adminOf } from "../admin.ts";
import { waitUntil } from "../background.ts";
import type { Caller } from "../caller.ts";
import type { Answer } from "../endpoint.ts";
import { ApiError } from "../errors.ts";
import { log } from "../log.ts";
import { secretKeysOf } from "../service.ts";
import { type Services, servicesOf } from "../services.ts";
import type { Environment } from "../settings.ts";
import { kindOf } from "./kinds.ts";
import { codeOf, firstRequest, type Job, LIMITS, type LoopServices, perform, promptTokensOf } from "./loop.ts";
import { tellBy } from "./outlet.ts";
import { failureOf, providerOf } from "./provider.ts";
import { instructionsOf, messagesOf } from "./prompt.ts";
import { Reader } from "./reading.ts";
import { type Asked, Runs, type Started } from "./runs.ts";

export interface AiServices extends LoopServices, Pick<Services, "database"> {}

/** Throws an Error where the settings make no sense. */
export function aiServicesOf(env: Environment, fetcher?: typeof fetch): AiServices {
  const [key] = secretKeysOf(env);
  return {
    database: servicesOf(env, fetcher).database,
    client: providerOf(env, fetcher),
    runs: new Runs(adminOf(env, fetcher)),
    tell: tellBy(env.SUPABASE_URL!, key!, fetcher),
    embeddingModel: env.AI_EMBEDDING_MODEL!,
    limits: { ...LIMITS, deltaMs: wholeOf(env, "AI_DELTA_MILLISECONDS", 20, 5000) },
  };
}

function wholeOf(env: Environment, name: string, least: number, most: number): number {
  const value = Number(env[name]);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`${name} must be a whole number from ${least} to ${most}.`);
}

/**
 * Begin a run and let it go on behind the answer, 202 `{ run: { id } }`.
 *
 * One key begins one run: whoever comes again is answered the one that there is. Throws ApiError where it may not be run, and
 * where what is left does not suffice for its first call: then the provider was not asked.
 */
export async function run(asked: Asked, caller: Caller, services: AiServices): Promise<Answer> {
  const began = performance.now();
  const { runs, limits } = services;
  const started = await runs.start(caller.id, asked).catch((error) => {
    throw asOurs(error);
  });
  const answer = { status: 202, body: { run: { id: started.run.id } } };
  if (!started.created || !await runs.claim(started.run.id)) return answer;
  try {
    const job = await jobOf(asked, started, caller, services, began);
    const { model, max_output_tokens } = job.agent;
    await runs.beginCall(job.run.id, 0, model, promptTokensOf(firstRequest(job)), max_output_tokens);
    waitUntil(perform(job, { ...services, limits }));
  } catch (error) {
    const failure: ApiError = failureOf(error);
    await runs.finish(started.run.id, "failed", null, codeOf(failure))
      .catch((unsaid) => log.error("a run that failed is still open", { error: unsaid }));
    throw failure;
  }
  return answer;
}

/** What the database calls a field, as functions call it. */
const FIELDS: Record<string, string> = { trip: "trip_id", conversation: "conversation_id" };

function asOurs(error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  const { code, message, extensions: { field, ...more } } = error;
  const named = typeof field === "string" ? { field: FIELDS[field] ?? field } : {};
  return new ApiError(code, message, { ...more, ...named });
}

async function jobOf(
  asked: Asked,
  { run, agent, history }: Started,
  caller: Caller,
  services: AiServices,
  began: number,
): Promise<Job> {
  const reader = new Reader(services.database(caller), run.trip_id);
  const [opening, memories] = await Promise.all([kindOf(asked.agent)(reader, asked.input), reader.readMemories()]);
  const instructions = instructionsOf(agent.system_prompt);
  const { prompt } = asked.input;
  const messages = messagesOf({ instructions, memories, history, prompt }, opening);
  return { person: caller.id, run, agent, prompt, instructions, messages, form: opening.form, reader, began };
}
