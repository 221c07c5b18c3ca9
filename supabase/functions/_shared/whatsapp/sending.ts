// The task `send_whatsapp`: one message, asked of Meta once, whatever dies on the way. The database decides, and writes that
// it is being sent before anything leaves; whoever finds it so in another's hands does not send it again.

import type { SupabaseClient } from "npm:@supabase/supabase-js@2.119.0";
import { databaseError } from "../errors.ts";
import { log } from "../log.ts";
import { MOST_ATTEMPTS, type Task, TaskFailure, type TaskHandler } from "../tasks.ts";
import type { Graph, Outgoing, Sent } from "./graph.ts";

export interface SendingServices {
  admin: SupabaseClient;
  graph: Pick<Graph, "send">;
}

/** What the database says is to be done. Where it is `nothing` the message has its end, or is put off. */
type Decision = { do: "send" } & Outgoing & { category: string | null } | { do: "nothing" | "defer" };

const SAY_AGAIN_SECONDS = [0.2, 1, 3];

export const sendWhatsapp: TaskHandler<SendingServices> = async (task, { admin, graph }, signal) => {
  const message = task.payload.message;
  if (typeof message !== "object" || message === null) {
    throw new TaskFailure("It does not say which message.", { final: true });
  }
  const { data, error } = await admin.rpc("begin_whatsapp_message", { message, task: task.id, token: task.token });
  if (error) throw databaseError(error);
  const decision = data as Decision;
  if (decision.do !== "send") return;
  // What was begun late, and is another's by now, has not left yet: so it does not.
  const sent: Sent = signal.aborted
    ? { outcome: "throttled", code: "not_begun", retrySeconds: 0 }
    : await graph.send(decision);
  await end(decision, sent, task, admin);
};

/** Write what became of it. Throws TaskFailure where it is to be tried again. */
async function end(decision: Outgoing & { category: string | null }, sent: Sent, task: Task, admin: SupabaseClient) {
  // Nothing comes after the last attempt, so that is its end.
  const last = sent.outcome === "throttled" && task.attempts >= MOST_ATTEMPTS;
  const args = {
    id: decision.id,
    outcome: last ? "failed" : sent.outcome,
    wamid: sent.outcome === "accepted" ? sent.wamid : null,
    error_code: sent.outcome === "accepted" ? null : sent.code,
    category: decision.category,
  };
  await say(args, admin);
  if (sent.outcome !== "throttled") return;
  throw new TaskFailure(`Meta takes no message now: ${sent.code}.`, { retrySeconds: sent.retrySeconds, final: last });
}

/** Where the database does not hear it, the message is found as being sent, and counts as unknown. */
async function say(args: Record<string, unknown>, admin: SupabaseClient): Promise<void> {
  for (const wait of [...SAY_AGAIN_SECONDS, null]) {
    const { error } = await admin.rpc("end_whatsapp_send", args);
    if (!error) return;
    const { code } = databaseError(error);
    if (wait === null) {
      log.error("what became of a message was not written", { message: args.id, outcome: args.outcome, code });
      throw databaseError(error);
    }
    await new Promise((resolve) => setTimeout(resolve, wait * 1000));
  }
}
