import assert from "node:assert/strict";
import { adminOf } from "../admin.ts";
import { ApiError } from "../errors.ts";
import { type Task, TaskFailure } from "../tasks.ts";
import type { Outgoing, Sent } from "./graph.ts";
import { sendWhatsapp } from "./sending.ts";

const ENVIRONMENT = { SUPABASE_URL: "http://supabase.test", SUPABASE_SECRET_KEYS: '{"default":"sb_secret_test_0123"}' };
const MESSAGE = { dedupe_key: "reminder:1", recipient: "ada", topic: "reminder", text: "Pack" };
const SEND = { do: "send", id: "m1", to: "+39333", kind: "text", body: "Pack" };
const AWAY = { code: "PGRST001", message: "away", hint: null, details: null };

type Said = [string, Record<string, unknown>];

interface Course {
  attempts?: number;
  begin?: unknown;
  /** What Meta answers, each time. */
  sent?: Sent | Sent[];
  /** How the message stands then. */
  status?: string;
  /** How often the database does not hear how it ended. */
  deaf?: number;
  /** How often it does not answer whether to send. */
  absent?: number;
  aborted?: boolean;
  payload?: Record<string, unknown>;
}

/** Do the task once; what the database was told, what left, and what was thrown. */
async function send(course: Course) {
  const { attempts = 1, begin = SEND, sent, status = "sent", aborted = false, payload } = course;
  let { deaf = 0, absent = 0 } = course;
  const said: Said[] = [];
  const left: Outgoing[] = [];
  const database: typeof fetch = async (input, options) => {
    const request = new Request(input, options);
    const verb = new URL(request.url).pathname.split("/").at(-1)!;
    said.push([verb, await request.json()]);
    if (verb === "end_whatsapp_send" && deaf-- > 0) return Response.json(AWAY, { status: 503 });
    if (verb === "begin_whatsapp_message" && (begin === AWAY || absent-- > 0)) {
      return Response.json(AWAY, { status: 503 });
    }
    const { outcome } = said.at(-1)![1];
    return Response.json(
      verb === "begin_whatsapp_message" ? begin : { status: outcome === "accepted" ? "sent" : status },
    );
  };
  const graph = {
    send: (message: Outgoing) => {
      left.push(message);
      const answer = Array.isArray(sent) ? sent[left.length - 1] : sent;
      return Promise.resolve(answer ?? { outcome: "accepted", wamid: "wamid.1" } as Sent);
    },
  };
  const paused: number[] = [];
  const pause = (seconds: number) => Promise.resolve(void paused.push(seconds));
  const task: Task = {
    id: "t1",
    kind: "send_whatsapp",
    subject: "",
    payload: payload ?? { message: MESSAGE },
    attempts,
    token: 7,
    lease_until: "",
  };
  const signal = aborted ? AbortSignal.abort(new TaskFailure("It is another's by now.")) : new AbortController().signal;
  let thrown: unknown = null;
  try {
    await sendWhatsapp(task, { admin: adminOf(ENVIRONMENT, database), graph, pause }, signal);
  } catch (error) {
    thrown = error;
  }
  return { said, left, thrown, paused };
}

const ended = (outcome: string, wamid: string | null, error_code: string | null): Said => [
  "end_whatsapp_send",
  { id: "m1", outcome, token: 7, wamid, error_code },
];

Deno.test("the database says what leaves before it does, and hears what became of it", async () => {
  const { said, left, thrown } = await send({});
  assert.deepEqual(said, [
    ["begin_whatsapp_message", { message: MESSAGE, task: "t1", token: 7 }],
    ended("accepted", "wamid.1", null),
  ]);
  assert.deepEqual([left.map(({ id }) => id), thrown], [["m1"], null]);
});

for (const begin of [{ do: "nothing", status: "unknown" }, { do: "defer", until: "2026-12-01T07:00:00Z" }]) {
  Deno.test(`where the database says ${begin.do}, nothing leaves and the task is done`, async () => {
    const { said, left, thrown } = await send({ begin });
    assert.deepEqual([said.length, left, thrown], [1, [], null]);
  });
}

Deno.test("where the database does not answer, nothing leaves and the task is tried again", async () => {
  const { left, thrown } = await send({ begin: AWAY });
  assert.deepEqual(left, []);
  assert.ok(thrown instanceof ApiError && thrown.code === "UPSTREAM_UNAVAILABLE");
});

Deno.test("where its answer is lost it is asked again, since whoever came next could not know that nothing has left", async () => {
  const { said, left, thrown } = await send({ absent: 2 });
  const begun: Said = ["begin_whatsapp_message", { message: MESSAGE, task: "t1", token: 7 }];
  assert.deepEqual(said, [begun, begun, begun, ended("accepted", "wamid.1", null)]);
  assert.deepEqual([left.length, thrown], [1, null]);
});

for (const outcome of ["failed", "template_required", "marketing_stopped", "unknown"] as const) {
  Deno.test(`a message that is ${outcome} has its end: it is never tried again`, async () => {
    const { said, thrown } = await send({ sent: { outcome, code: "131026" }, status: "failed" });
    assert.deepEqual([said[1], thrown], [ended(outcome, null, "131026"), null]);
  });
}

const throttled = { outcome: "throttled", code: "131056", retrySeconds: 6 } as const;

Deno.test("what is too much for a moment is waited for, and decided anew", async () => {
  const accepted: Sent = { outcome: "accepted", wamid: "wamid.1" };
  const { said, paused, left, thrown } = await send({ sent: [throttled, accepted], status: "queued" });
  assert.deepEqual(said.map(([verb]) => verb), [
    "begin_whatsapp_message",
    "end_whatsapp_send",
    "begin_whatsapp_message",
    "end_whatsapp_send",
  ]);
  assert.deepEqual([said[1], said[3]], [ended("throttled", null, "131056"), ended("accepted", "wamid.1", null)]);
  assert.deepEqual([paused, left.length, thrown], [[6], 2, null]);
});

for (const [sent, pauses] of [[throttled, [6]], [{ ...throttled, retrySeconds: 60 }, []]] as const) {
  Deno.test(`what is too much for longer is tried again later: after ${sent.retrySeconds} seconds`, async () => {
    const { paused, thrown } = await send({ sent, status: "queued" });
    assert.deepEqual(paused, pauses);
    assert.ok(thrown instanceof TaskFailure);
    assert.deepEqual([thrown.retrySeconds, thrown.final], [sent.retrySeconds, false]);
  });
}

Deno.test("what Meta takes by a template alone is decided anew at once, where the message has one", async () => {
  const accepted: Sent = { outcome: "accepted", wamid: "wamid.1" };
  const closed: Sent = { outcome: "template_required", code: "131047" };
  const { said, paused, thrown } = await send({ sent: [closed, accepted], status: "queued" });
  assert.deepEqual([said[1], said[3]], [
    ended("template_required", null, "131047"),
    ended("accepted", "wamid.1", null),
  ]);
  assert.deepEqual([paused, thrown], [[0], null]);
});

Deno.test("the last attempt that is throttled is a failure, so that every message has an end", async () => {
  const { said, thrown } = await send({ sent: throttled, attempts: 8, status: "failed" });
  assert.deepEqual(said[1], ended("failed", null, "131056"));
  assert.ok(thrown instanceof TaskFailure && thrown.final);
});

Deno.test("a task that is another's by the time the database answers sends nothing", async () => {
  const { said, left } = await send({ aborted: true });
  assert.deepEqual([left, said[1]], [[], ended("throttled", null, "NOT_BEGUN")]);
});

Deno.test("what became of it is said again until the database hears it, and never sent again for that", async () => {
  const { said, left, thrown } = await send({ deaf: 2 });
  assert.deepEqual([said.length, left.length, thrown], [4, 1, null]);
});

Deno.test("a task that does not say which message has failed for good", async () => {
  const { said, thrown } = await send({ payload: {} });
  assert.deepEqual(said, []);
  assert.ok(thrown instanceof TaskFailure && thrown.final);
});
