// The task `send_whatsapp`: one message, asked of Meta once, whatever dies on the way. The database decides, and writes that
// it is being sent before anything leaves; whoever finds it so in another's hands does not send it again.

import type { SupabaseClient } from "npm:@supabase/supabase-js@2.119.0";
import { databaseError } from "../errors.ts";
import { heard } from "../heard.ts";
import { log } from "../log.ts";
import { MOST_ATTEMPTS, type Task, TaskFailure, type TaskHandler } from "../tasks.ts";
import type { Graph, Outgoing, Sent } from "./graph.ts";

export interface SendingServices {
  admin: SupabaseClient;
  graph: Pick<Graph, "send">;
  /** Wait so many seconds; rejects with the signal's reason. */
  pause?: (seconds: number, signal: AbortSignal) => Promise<void>;
}

/** What the database says is to be done. Where it is `nothing` the message has its end, or is put off. */
type Decision = { do: "send" } & Outgoing | { do: "nothing" | "defer" };

/** That a message is queued again, and when Meta may take it. */
interface Again {
  code: string;
  seconds: number;
  last: boolean;
}

const SAY_AGAIN_SECONDS = [0.2, 1, 3];
// What is to be waited for no longer than so is waited for here, once: a task that failed comes back by the minute.
const SHORT_SECONDS = 10;

export const sendWhatsapp: TaskHandler<SendingServices> = async (task, services, signal) => {
  const { pause = (seconds) => delay(seconds, signal) } = services;
  let again = await sendOnce(task, services, signal);
  if (again !== null && again.seconds <= SHORT_SECONDS && !again.last && !signal.aborted) {
    await pause(again.seconds, signal);
    again = await sendOnce(task, services, signal);
  }
  if (again === null) return;
  const { code, seconds, last } = again;
  throw new TaskFailure(`Meta does not take it now: ${code}.`, { retrySeconds: seconds, final: last });
};

async function sendOnce(task: Task, { admin, graph }: SendingServices, signal: AbortSignal): Promise<Again | null> {
  const message = task.payload.message;
  if (typeof message !== "object" || message === null) {
    throw new TaskFailure("It does not say which message.", { final: true });
  }
  // Of the same token it is answered the same again. Whoever came next could not know that nothing had left.
  const args = { message, task: task.id, token: task.token };
  const { data, error } = await heard(() => admin.rpc("begin_whatsapp_message", args));
  if (error) throw databaseError(error);
  const decision = data as Decision;
  if (decision.do !== "send") return null;
  // What was begun late, and is another's by now, has not left yet: so it does not.
  const sent: Sent = signal.aborted
    ? { outcome: "throttled", code: "NOT_BEGUN", retrySeconds: 0 }
    : await graph.send(decision);
  return await end(decision, sent, task, admin);
}

/** Write what became of it; whether it is queued again, by a template now, or for later. */
async function end(message: Outgoing, sent: Sent, task: Task, admin: SupabaseClient): Promise<Again | null> {
  // Nothing comes after the last attempt, so that is its end.
  const last = (sent.outcome === "throttled" || sent.outcome === "template_required") && task.attempts >= MOST_ATTEMPTS;
  const code = sent.outcome === "accepted" ? null : sent.code;
  const status = await say({
    id: message.id,
    outcome: last ? "failed" : sent.outcome,
    // So that what is said late undoes nothing of whoever has the task by then.
    token: task.token,
    wamid: sent.outcome === "accepted" ? sent.wamid : null,
    error_code: code,
  }, admin);
  if (code === null || status !== "queued" && !last) return null;
  return { code, seconds: sent.outcome === "throttled" ? sent.retrySeconds : 0, last };
}

function delay(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}

/** How the message stands then. Where the database does not hear it, it is found as being sent, and counts as unknown. */
async function say(args: Record<string, unknown>, admin: SupabaseClient): Promise<string> {
  for (let tries = 0;; tries++) {
    const { data, error } = await admin.rpc("end_whatsapp_send", args);
    if (!error) return (data as { status: string }).status;
    const wait = SAY_AGAIN_SECONDS[tries];
    if (wait === undefined) {
      const failure = databaseError(error);
      const { id, outcome } = args;
      log.error("what became of a message was not written", { message: id, outcome, code: failure.code });
      throw failure;
    }
    await new Promise((resolve) => setTimeout(resolve, wait * 1000));
  }
}
