import assert from "node:assert/strict";
import { adminOf } from "./admin.ts";
import { peopleAndTasksEndpoint } from "./people_and_tasks.ts";
import { ADA, ADAS_TOKEN } from "./testing.ts";

const KEY = "sb_secret_test_0123456789";
const CRON = "cron_secret_0123456789";
const ENVIRONMENT = {
  SUPABASE_URL: "http://supabase.test",
  SUPABASE_SECRET_KEYS: JSON.stringify({ default: KEY }),
  CRON_SECRET: CRON,
};

/** A function with one task that is due once Ada has called; what it answers, and what was done. */
function made() {
  const done: string[] = [];
  let due = 1;
  const database: typeof fetch = (input) => {
    const verb = new URL(input instanceof Request ? input.url : input).pathname.split("/").at(-1);
    if (verb !== "claim_tasks") return Promise.resolve(Response.json(null));
    const tasks = due-- > 0 ? [{ id: "1", kind: "chore", subject: "", payload: {}, attempts: 1, token: 1 }] : [];
    return Promise.resolve(Response.json(tasks));
  };
  const work = peopleAndTasksEndpoint(
    (_input, caller, { wake }) => {
      done.push(caller.id);
      wake();
      return Promise.resolve({ body: { asked: true } });
    },
    { chore: () => Promise.resolve(void done.push("chore")) },
    {},
    adminOf(ENVIRONMENT, database),
    ENVIRONMENT,
  );
  const call = async (headers: Record<string, string>, body = '{"wait":true}', method = "POST") => {
    const init = { method, headers, ...method === "POST" ? { body } : {} };
    const response = await work(new Request("http://functions.test/name", init));
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === "" ? null : JSON.parse(text) };
  };
  return { done, call };
}

Deno.test("a person is answered, and what they began is done behind the answer", async () => {
  const { done, call } = made();
  const { status, body } = await call({ Authorization: `Bearer ${ADAS_TOKEN}` });
  assert.deepEqual([status, body], [200, { asked: true }]);
  for (let tries = 0; tries < 100 && done.length < 2; tries++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(done, [ADA, "chore"]);
});

Deno.test("this project's programs have done what is due, by the secret key or by cron's secret", async () => {
  const shown: Record<string, string>[] = [
    { apikey: KEY },
    { Authorization: `Bearer ${KEY}` },
    { "x-cron-secret": CRON },
  ];
  for (const headers of shown) {
    const { done, call } = made();
    const { status, body } = await call(headers);
    assert.deepEqual([status, body, done], [200, { claimed: 1, done: 1, again: 0, failed: 0, lost: 0 }, ["chore"]]);
  }
});

Deno.test("whoever shows neither is nobody", async () => {
  const { done, call } = made();
  const shown: Record<string, string>[] = [{}, { apikey: "sb_publishable" }, { "x-cron-secret": "guessed" }];
  for (const headers of shown) {
    const { status, body } = await call(headers);
    assert.deepEqual([status, body.code], [401, "UNAUTHENTICATED"]);
  }
  assert.deepEqual(done, []);
});

Deno.test("pages may ask on behalf of people", async () => {
  const { status, headers } = await made().call({}, "", "OPTIONS");
  assert.deepEqual([status, headers.get("Access-Control-Allow-Origin")], [204, "*"]);
});
