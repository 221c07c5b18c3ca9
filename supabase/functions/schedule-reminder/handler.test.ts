import assert from "node:assert/strict";
import { adminOf } from "../_shared/admin.ts";
import type { Handler } from "../_shared/endpoint.ts";
import { ApiError } from "../_shared/errors.ts";
import type { Services } from "../_shared/services.ts";
import type { Task } from "../_shared/tasks.ts";
import { ADAS_TOKEN, type Answers, call } from "../_shared/testing.ts";
import { runScheduledJob, scheduleReminder } from "./handler.ts";

const TRIP = "ada00000-0000-4000-8002-000000000001";
const ITEM = "ada00000-0000-4000-8003-000000000001";
const RPC = "POST /rest/v1/rpc/schedule_reminder";
const ROW = { id: "j1", status: "scheduled", run_at: "2026-07-01T06:00:00+00:00" };
const KEPT = { [RPC]: () => Response.json([ROW]) };

const ask = (body: unknown, answers: Answers = KEPT) => {
  const handler: Handler<Services> = (input, caller, services) =>
    scheduleReminder(input, caller, { ...services, wake: () => {} });
  return call(handler, body, answers);
};

Deno.test("a reminder is kept as the caller", async () => {
  const at = { days_before: 2, local_time: "08:00", idempotency_key: "k1" };
  const { status, body, sent } = await ask({ trip_id: TRIP, trip_item_id: ITEM, text: "Pack", ...at });
  assert.deepEqual([status, body], [201, { job: ROW }]);
  assert.equal(sent[0]!.headers.get("Authorization"), `Bearer ${ADAS_TOKEN}`);
  const asked = { trip: TRIP, trip_item: ITEM, text: "Pack", run_at: null, channel: "whatsapp" };
  assert.deepEqual(sent[0]!.body, { ...asked, ...at });
});

const wrong: [string, object, string][] = [
  ["nothing", {}, "trip_id"],
  ["no text", { trip_id: TRIP }, "text"],
  ["half a character", { trip_id: TRIP, text: "\ud800" }, "text"],
  ["no id of an item", { trip_id: TRIP, text: "Pack", trip_item_id: "one" }, "trip_item_id"],
  ["a moment without a zone", { trip_id: TRIP, text: "Pack", run_at: "2026-07-01T08:00:00" }, "run_at"],
  ["a moment in words", { trip_id: TRIP, text: "Pack", run_at: "tomorrow" }, "run_at"],
  ["half a day", { trip_id: TRIP, text: "Pack", days_before: 0.5 }, "days_before"],
  ["no hour of a day", { trip_id: TRIP, text: "Pack", days_before: 1, local_time: "24:00" }, "local_time"],
  ["another channel", { trip_id: TRIP, text: "Pack", channel: "fax" }, "channel"],
];
for (const [what, body, field] of wrong) {
  Deno.test(`what is wrong is named before anybody is asked: ${what}`, async () => {
    const { status, body: { code, extensions }, sent } = await ask(body);
    assert.deepEqual([status, code, extensions, sent], [400, "BAD_USER_INPUT", { field }, []]);
  });
}

Deno.test("what the database refuses is told", async () => {
  const refusal = { code: "BAD_USER_INPUT", message: "That is over.", hint: '{"field":"run_at"}', details: null };
  const past = { trip_id: TRIP, text: "Pack", run_at: "2020-07-01T08:00:00Z" };
  const { status, body } = await ask(past, { [RPC]: () => Response.json(refusal, { status: 400 }) });
  assert.deepEqual([status, body.code, body.extensions], [400, "BAD_USER_INPUT", { field: "run_at" }]);
});

Deno.test("one that is due is done by the database, under the task's token, and its message rung for", async () => {
  const said: unknown[] = [];
  let answer = () => Response.json({});
  const database: typeof fetch = async (input, options) => {
    const request = new Request(input, options);
    said.push([new URL(request.url).pathname, await request.json()]);
    return answer();
  };
  const env = { SUPABASE_URL: "http://supabase.test", SUPABASE_SECRET_KEYS: '{"default":"sb_secret_test_0123"}' };
  let rung = 0;
  const services = { admin: adminOf(env, database), messages: { ring: () => void rung++ } };
  const task = { id: "t1", token: 7 } as Task;
  const { signal } = new AbortController();
  await runScheduledJob(task, services, signal);
  assert.deepEqual(said, [["/rest/v1/rpc/run_scheduled_job", { task: "t1", token: 7 }]]);
  assert.equal(rung, 1);
  answer = () => Response.json({ code: "PGRST001", message: "away", hint: null, details: null }, { status: 503 });
  await assert.rejects(() => runScheduledJob(task, services, signal), ApiError);
});
