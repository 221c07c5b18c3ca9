// For the tests of runs: a provider that answers as it is told, a database that keeps what it is told, and what was broadcast.

import assert from "node:assert/strict";
import { providerOf } from "./provider.ts";
import { type AiServices, run } from "./running.ts";
import { type Asked, Runs } from "./runs.ts";
import { LIMITS } from "./loop.ts";
import { tellBy } from "./outlet.ts";
import { adminOf } from "../admin.ts";
import { servicesOf } from "../services.ts";
import { ADA, ADAS_TOKEN, ENVIRONMENT as SUPABASE } from "../testing.ts";

export const ENVIRONMENT = {
  ...SUPABASE,
  SUPABASE_SECRET_KEYS: '{"default":"sb_secret_test_0123456789"}',
  AI_BASE_URL: "http://localhost/ai/v1",
  AI_API_KEY: "sk-test-0123456789",
};
export const CALLER = { id: ADA, email: "ada@tripgate.example", token: ADAS_TOKEN };
export const RUN = "0a000000-0000-4000-8000-000000000001";
export const TRIP = "0b000000-0000-4000-8000-000000000001";
export const USAGE = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 };

export type Body = Record<string, unknown>;

/** A chunk of a completion that says something, or calls tools. */
export function delta(given: Body, finish_reason: string | null = null): Body {
  return { id: "c", object: "chat.completion.chunk", choices: [{ index: 0, delta: given, finish_reason }] };
}

export const said = (content: string): Body => delta({ content });
export const ended = (reason = "stop"): Body => delta({}, reason);
export const used = (usage: Body = USAGE): Body => ({ id: "c", object: "chat.completion.chunk", choices: [], usage });
export const called = (index: number, piece: Body): Body => delta({ tool_calls: [{ index, ...piece }] });

/** A whole answer that says this. */
export const answer = (...texts: string[]): Body[] => [...texts.map(said), ended(), used()];

/** A stream of these chunks; `then` is what comes behind them: its end, nothing any more, what is no JSON, or a connection that breaks. */
export function stream(chunks: Body[], then: "done" | "stall" | "reset" | "end" | "garbage" = "done"): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(encoder.encode(`data: ${JSON.stringify(chunk)}\n\n`));
      if (then === "done") controller.enqueue(encoder.encode("data: [DONE]\n\n"));
      if (then === "reset") setTimeout(() => controller.error(new TypeError("connection reset")), 10);
      if (then === "garbage") controller.enqueue(encoder.encode('data: {"id": "half an\n\n'));
      if (then !== "stall" && then !== "reset") controller.close();
    },
  });
  return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
}

export function refusal(status: number, error: Body, headers: Record<string, string> = {}): Response {
  return Response.json({ error }, { status, headers });
}

/** Everything that a run asks, in this process. */
export class World {
  /** What the provider answers, one after the other. */
  readonly script: (() => Response)[] = [];
  readonly asked: Body[] = [];
  readonly kept: [string, Body][] = [];
  readonly told: Body[] = [];
  /** What tables and functions answer; the others nothing. */
  rows: Record<string, (args: Body) => unknown> = {};
  agent: Body = { model: "m", system_prompt: "You help people.", tools: [], max_output_tokens: 500 };
  /** Whether checkpoints say that the run goes on. */
  goesOn = true;

  of(name: string): Body[] {
    return this.kept.filter(([each]) => each === name).map(([, args]) => args);
  }

  /** What was broadcast, put together. */
  get text(): string {
    return this.told.map(({ text }) => text).join("");
  }

  services(limits: Partial<AiServices["limits"]> = {}): AiServices {
    return {
      database: servicesOf(ENVIRONMENT, this.fetch).database,
      client: providerOf(ENVIRONMENT, this.fetch),
      runs: new Runs(adminOf(ENVIRONMENT, this.fetch)),
      tell: tellBy(ENVIRONMENT.SUPABASE_URL, "sb_secret_test_0123456789", this.fetch),
      embeddingModel: "e",
      limits: { ...LIMITS, deltaMs: 5, checkpointMs: 20, patience: { tries: 3, pauseMs: 1 }, ...limits },
    };
  }

  readonly fetch: typeof fetch = async (input, options) => {
    const request = new Request(input, options);
    const { host, pathname } = new URL(request.url);
    const text = await request.text();
    const body: Body = text ? JSON.parse(text) : {};
    if (host === "localhost") {
      this.asked.push(body);
      const next = this.script.shift();
      if (!next) throw new TypeError("connection refused");
      return withSignal(next(), options?.signal ?? null);
    }
    const name = pathname.split("/").at(-1)!;
    if (name === "broadcast") {
      this.told.push(...(body.messages as { payload: Body }[]).map(({ payload }) => payload));
      return new Response(null, { status: 202 });
    }
    this.kept.push([name, body]);
    const found = this.rows[name]?.(body) ?? this.usual(name);
    return found instanceof Response ? found : Response.json(found ?? null);
  };

  private usual(name: string): unknown {
    if (name === "start_ai_run") {
      const run = { id: RUN, status: "queued", conversation_id: RUN, trip_id: TRIP };
      return { run, created: true, agent: this.agent, history: [] };
    }
    if (name === "begin_ai_message") return "0c000000-0000-4000-8000-000000000001";
    if (name === "checkpoint_ai_message") return this.goesOn;
    if (name === "begin_ai_call") return { call: "0d000000-0000-4000-8000-000000000001" };
    return name === "claim_ai_run" ? true : [];
  }
}

/** As fetch does: an aborted request breaks its body off. */
function withSignal(response: Response, signal: AbortSignal | null): Response {
  if (!signal || !response.body) return response;
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  response.body.pipeTo(writable, { signal }).catch(() => {});
  return new Response(readable, { status: response.status, headers: response.headers });
}

export function embedding(): Response {
  return Response.json({ data: [{ index: 0, embedding: Array(1536).fill(0.5) }], usage: { prompt_tokens: 7 } });
}

export const ASKED: Asked = {
  agent: "assistant",
  input: { prompt: "Hi" },
  trip: TRIP,
  conversation: null,
  idempotencyKey: "k",
};

/** Begin a run and wait for its end. */
export async function runs(world: World, asked: Partial<Asked> = {}, limits = {}): Promise<Body> {
  const work: Promise<unknown>[] = [];
  Object.assign(globalThis, { EdgeRuntime: { waitUntil: (promise: Promise<unknown>) => work.push(promise) } });
  const answered = await run({ ...ASKED, ...asked }, CALLER, world.services(limits));
  assert.deepEqual(answered, { status: 202, body: { run: { id: RUN } } });
  await Promise.all(work);
  const [ending, ...more] = world.of("finish_ai_run");
  assert.deepEqual(more, []);
  return ending!;
}
