// A run: rounds of asking the model and answering its tool calls, until it has said what it has to say. Each call is paid for
// in advance and settled after, whatever becomes of it; each run ends once.

import { ApiError } from "../errors.ts";
import { log } from "../log.ts";
import { complete, type Completion, type Message, type Progress, type Request } from "./completion.ts";
import { PromptGuard } from "./guard.ts";
import type { Form } from "./kinds.ts";
import { Outlet, type Tell } from "./outlet.ts";
import { embed, type Embedding, failureOf, noAnswer, type OpenAI, type Patience } from "./provider.ts";
import type { Reader } from "./reading.ts";
import type { Agent, Ending, Run, Runs } from "./runs.ts";
import { readJson, wireSchema } from "./schemas.ts";
import { keepableJson } from "./texts.ts";
import { type Remember, Toolbox, toolsNamed } from "./tools.ts";
import { bytesOf, estimated, ofEmbedding, tokensOf, type Usage } from "./usage.ts";

export interface LoopLimits {
  /** Of the whole run, in seconds since it was asked for. */
  runSeconds: number;
  rounds: number;
  stallSeconds: number;
  deltaMs: number;
  checkpointMs: number;
  patience?: Patience;
}

/** What a run needs beyond itself. */
export interface LoopServices {
  client: OpenAI;
  runs: Runs;
  tell: Tell;
  embeddingModel: string;
  limits: LoopLimits;
}

/** A run that is claimed, and whose first call is reserved. */
export interface Job {
  person: string;
  run: Run;
  agent: Agent;
  /** What the person asks. */
  prompt: string;
  instructions: string;
  messages: Message[];
  form: Form | null;
  reader: Reader;
  /** By `performance.now()`, when it was asked for. */
  began: number;
}

export const LIMITS: LoopLimits = {
  // The platform ends a function after 150 seconds: by then all is settled.
  runSeconds: 120,
  rounds: 8,
  stallSeconds: 30,
  deltaMs: 200,
  checkpointMs: 1000,
};

/** The run is not ours any more: cancelled, or ended by the database. */
class Stopped extends Error {}

const underWay = new Set<AbortController>();
addEventListener("beforeunload", () => {
  const stopped = new ApiError("UPSTREAM_UNAVAILABLE", "The function was stopped. Try again.");
  underWay.forEach((each) => each.abort(stopped));
});

/** What a run's row says of a failure. */
export function codeOf({ code, extensions }: ApiError): string {
  return extensions.reason === "CONTEXT_LENGTH_EXCEEDED" ? "CONTEXT_LENGTH_EXCEEDED" : code;
}

/** Do a run to its end, which is kept in its row. Throws only where that could not be kept: then its lease ends it. */
export async function perform(job: Job, services: LoopServices): Promise<void> {
  const stop = new AbortController();
  const late = new ApiError("TIMEOUT", "The AI took too long. Ask for less.");
  const left = job.began + services.limits.runSeconds * 1000 - performance.now();
  const timer = setTimeout(() => stop.abort(late), Math.max(left, 0));
  underWay.add(stop);
  let ending: [Ending, unknown, string | null];
  try {
    ending = ["succeeded", await new Loop(job, services, stop).work(), null];
  } catch (error) {
    ending = error instanceof Stopped ? ["cancelled", null, null] : ["failed", null, codeOf(failureOf(error))];
  } finally {
    clearTimeout(timer);
    underWay.delete(stop);
  }
  await services.runs.finish(job.run.id, ...ending);
  log.info("an AI run ended", { run: job.run.id, status: ending[0], code: ending[2] });
}

/** What a run asks of its model first: for whoever reserves it. */
export function firstRequest(job: Pick<Job, "agent" | "form" | "messages">): Request {
  return requestOf(job, job.messages, false);
}

/** Of the request as it is sent, upwards. */
export function promptTokensOf({ messages, tools, response_format }: Request): number {
  return tokensOf(bytesOf(JSON.stringify({ messages, tools, response_format })));
}

function requestOf({ agent, form }: Pick<Job, "agent" | "form">, messages: Message[], last: boolean): Request {
  const tools = toolsNamed(agent.tools);
  return {
    model: agent.model,
    messages,
    max_completion_tokens: agent.max_output_tokens,
    // By the last round it must have said it.
    ...(tools.length === 0 ? {} : { tools, ...(last ? { tool_choice: "none" as const } : {}) }),
    ...(form === null ? {} : {
      response_format: {
        type: "json_schema" as const,
        json_schema: { name: form.name, strict: true, schema: wireSchema(form.schema) },
      },
    }),
  };
}

class Loop {
  private readonly guard: PromptGuard;
  private readonly toolbox: Toolbox;
  private calls = 0;

  constructor(
    private readonly job: Job,
    private readonly services: LoopServices,
    private readonly stop: AbortController,
  ) {
    this.guard = new PromptGuard(job.instructions);
    // What the model said before it may have read.
    const hasRead = job.messages.some(({ role }) => role === "tool" || role === "assistant");
    const { prompt } = job;
    this.toolbox = new Toolbox(job.agent.tools, job.reader, this.remember, { hasRead, prompt });
  }

  /** The run's result: what is kept of an answer by a form; of a text only whether it was cut. */
  async work(): Promise<unknown> {
    const { form } = this.job;
    const messages = [...this.job.messages];
    for (let round = 1; round <= this.services.limits.rounds; round += 1) {
      const { text, toolCalls, isCut } = await this.round(messages, round);
      if (toolCalls.length > 0) {
        const calls = toolCalls.map(({ id, name, arguments: given }) => ({
          id,
          type: "function" as const,
          function: { name, arguments: given },
        }));
        messages.push({ role: "assistant", content: text || null, tool_calls: calls });
        const answers = await this.toolbox.answer(toolCalls, this.stop.signal);
        answers.forEach((content, index) =>
          messages.push({ role: "tool", tool_call_id: toolCalls[index]!.id, content })
        );
        continue;
      }
      if (form === null) return isCut ? { kind: "text", is_cut: true } : null;
      const read = readJson(text, form.schema);
      const wrong = "wrong" in read ? read.wrong : form.mistakeOf(read.value);
      if (wrong === null && "value" in read) return keepableJson(form.resultOf(read.value));
      log.info("an answer did not fit its form", { form: form.name, round });
      messages.push({ role: "assistant", content: text });
      messages.push({
        role: "user",
        content: `Your answer does not fit the form. ${wrong} Answer again, with the form alone.`,
      });
    }
    throw noAnswer(`it was not done after ${this.services.limits.rounds} rounds`);
  }

  /** One call of the model, in a message of its own. */
  private async round(messages: Message[], round: number): Promise<Completion> {
    const { job: { run, agent }, services: { runs } } = this;
    const request = requestOf(this.job, messages, round === this.services.limits.rounds);
    const prompt = promptTokensOf(request);
    const call = this.calls++;
    // The first was reserved by whoever began the run.
    if (call > 0) await runs.beginCall(run.id, call, agent.model, prompt, agent.max_output_tokens);
    const progress: Progress = { begun: false, bytes: 0, usage: null };
    try {
      return await this.message(request, round, progress, `${run.id}:${call}`);
    } finally {
      await runs.endCall(run.id, call, usageOf(progress, prompt));
    }
  }

  private async message(request: Request, round: number, progress: Progress, name: string): Promise<Completion> {
    const { job: { run }, services: { client, runs, tell, limits }, stop: { signal } } = this;
    signal.throwIfAborted();
    const id = await runs.beginMessage(run.id, "assistant", round);
    const outlet = new Outlet({
      tell: (piece) => tell(run.id, { message_id: id, sequence: round, ...piece, at: new Date().toISOString() }),
      keep: (content) => runs.checkpoint(id, content, progress.bytes),
      check: (text) => this.guard.check(text),
      stopped: (why) => this.stop.abort(why ?? new Stopped()),
    }, limits);
    this.guard.reset();
    const latest = this.job.began + limits.runSeconds * 1000;
    let done: Completion | null = null;
    try {
      const { stallSeconds, deltaMs: paceMs, patience } = limits;
      const streaming = { name, signal, latest, stallSeconds, paceMs, patience };
      const completion = await complete(client, request, outlet, progress, streaming);
      await outlet.close();
      outlet.throwIfRefused();
      for (const called of completion.toolCalls) {
        this.guard.reset();
        this.guard.check(`${called.name} ${called.arguments}`);
      }
      return done = completion;
    } finally {
      await outlet.close();
      const calls = done && done.toolCalls.length > 0 ? keepableJson(done.toolCalls) : null;
      await runs.endMessage(id, outlet.text, done ? "complete" : "aborted", calls);
    }
  }

  /** Keep a memory; its embedding is a call like any other. */
  private readonly remember: Remember = async (kind, content) => {
    const { job: { run, person }, services: { client, runs, embeddingModel: model, limits }, stop: { signal } } = this;
    const call = this.calls++;
    const tokens = tokensOf(bytesOf(content));
    await runs.beginCall(run.id, call, model, tokens, 0);
    const progress: Embedding = { untold: 0, tokens: null };
    try {
      const latest = this.job.began + limits.runSeconds * 1000;
      const { patience } = limits;
      const asked = { signal, latest, patience };
      const embedding = await embed(client, model, content, progress, asked, `${run.id}:${call}`);
      await runs.remember(person, { trip: run.trip_id, kind, content: keepableJson(content), embedding });
    } finally {
      await runs.endCall(run.id, call, ofEmbedding(progress, tokens));
    }
  };
}

/** What a call took; null where the provider refused it, or was not reached. */
function usageOf({ begun, bytes, usage }: Progress, prompt: number): Usage | null {
  return usage ?? (begun ? estimated(prompt, bytes) : null);
}
