// What the database keeps of runs, their messages and what they cost, behind functions that the service role alone may call.

import type { SupabaseClient } from "npm:@supabase/supabase-js@2.119.0";
import { ApiError, databaseError } from "../errors.ts";
import { log } from "../log.ts";
import type { Usage } from "./usage.ts";

/** Runs whose lease is over are ended by the database. Each checkpoint renews it. */
export const LEASE_SECONDS = 45;

export interface Agent {
  model: string;
  system_prompt: string;
  tools: string[];
  max_output_tokens: number;
}

export interface Run {
  id: string;
  status: string;
  conversation_id: string;
  trip_id: string | null;
}

export interface Started {
  run: Run;
  /** False where the key was used before: then there is nothing to do. */
  created: boolean;
  agent: Agent;
  history: { role: string; content: string }[];
}

export interface Asked {
  agent: string;
  /** With what more the kind of run is about. */
  input: { prompt: string; [more: string]: unknown };
  trip: string | null;
  conversation: string | null;
  idempotencyKey: string;
}

export type Ending = "succeeded" | "failed" | "cancelled";

const SAY_AGAIN_SECONDS = [0.2, 1, 3];

export class Runs {
  constructor(private readonly database: SupabaseClient) {}

  /** Throws ApiError where somebody may not run this. */
  start(person: string, { agent, input, trip, conversation, idempotencyKey }: Asked): Promise<Started> {
    return this.call("start_ai_run", {
      person,
      agent_key: agent,
      input,
      trip,
      conversation,
      idempotency_key: idempotencyKey,
      lease_seconds: LEASE_SECONDS,
    });
  }

  /** Whether it is ours to do: once. */
  claim(run: string): Promise<boolean> {
    return this.call("claim_ai_run", { run, lease_seconds: LEASE_SECONDS });
  }

  /** Throws ApiError, of USAGE_LIMIT_EXCEEDED for instance: then nothing may be asked. */
  async beginCall(run: string, index: number, model: string, prompt: number, output: number): Promise<void> {
    await this.call("begin_ai_call", {
      run,
      call_index: index,
      model,
      prompt_tokens: prompt,
      max_output_tokens: output,
      lease_seconds: LEASE_SECONDS,
    });
  }

  /** Without a usage nothing flowed, and nothing is counted. */
  async endCall(run: string, index: number, usage: Usage | null): Promise<void> {
    await this.say("end_ai_call", { run, call_index: index, usage });
  }

  /** A call outside of any run; by what `endEmbedding` names it. Throws ApiError, as above. */
  async beginEmbedding(person: string, model: string, tokens: number): Promise<string> {
    const { call } = await this.call<{ call: string }>("begin_ai_call", {
      run: null,
      person,
      call_index: null,
      model,
      prompt_tokens: tokens,
      max_output_tokens: 0,
      lease_seconds: LEASE_SECONDS,
    });
    return call;
  }

  async endEmbedding(call: string, usage: Usage | null): Promise<void> {
    await this.say("end_ai_call", { run: null, call_index: null, call, usage });
  }

  beginMessage(run: string, role: "assistant", sequence: number): Promise<string> {
    return this.call("begin_ai_message", { run, role, sequence });
  }

  /** False where the run is not ours any more, or is cancelled. */
  checkpoint(message: string, content: string, streamedBytes: number): Promise<boolean> {
    return this.call("checkpoint_ai_message", {
      message,
      content,
      streamed_bytes: streamedBytes,
      lease_seconds: LEASE_SECONDS,
    });
  }

  async endMessage(
    message: string,
    content: string,
    status: "complete" | "aborted",
    toolCalls: unknown[] | null,
  ): Promise<void> {
    await this.say("end_ai_message", { message, content, status, tool_calls: toolCalls });
  }

  /** Once: what is said later changes nothing. */
  async finish(run: string, status: Ending, result: unknown, errorCode: string | null): Promise<void> {
    await this.say("finish_ai_run", { run, status, result, error_code: errorCode });
  }

  async remember(
    person: string,
    memory: { trip: string | null; kind: string; content: string; embedding: number[] },
  ): Promise<void> {
    const { trip, kind, content, embedding } = memory;
    const vector = JSON.stringify(embedding);
    await this.call("remember_ai_memory", { person, trip, kind, content, embedding: vector, expires_at: null });
  }

  /** What must be said is said again, since what has flowed costs something. */
  private async say(name: string, args: Record<string, unknown>): Promise<void> {
    for (const seconds of SAY_AGAIN_SECONDS) {
      try {
        await this.call(name, args);
        return;
      } catch (error) {
        if (error instanceof ApiError && !["UPSTREAM_UNAVAILABLE", "TIMEOUT"].includes(error.code)) throw error;
        log.warn("not said yet", { function: name, error });
        await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      }
    }
    await this.call(name, args);
  }

  private async call<Result>(name: string, args: Record<string, unknown>): Promise<Result> {
    const { data, error } = await this.database.rpc(name, args);
    if (error) throw databaseError(error);
    return data as Result;
  }
}
