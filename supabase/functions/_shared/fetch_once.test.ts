import assert from "node:assert/strict";
import { DIMENSIONS, embed, type Embedding, providerOf } from "./ai/provider.ts";
import { fetchOnce } from "./fetch_once.ts";
import { servicesOf } from "./services.ts";
import { ADA, ADAS_TOKEN, ENVIRONMENT } from "./testing.ts";
import { forgetful } from "./testing_connections.ts";

const MAIL = { to: "ada@tripgate.example", subject: "Come along", text: "Come", html: "<p>Come</p>" };

/** Ask twice, where the connection of the first answer ends before the second. Answers how many requests came. */
async function twice(answer: unknown, ask: (url: string) => Promise<unknown>): Promise<number> {
  const server = forgetful(JSON.stringify(answer));
  try {
    await ask(server.url);
    await assert.rejects(ask(server.url));
    return server.requests();
  } finally {
    await server.close();
  }
}

Deno.test("what a connection loses is not sent again by itself", async () => {
  const ask = async (url: string) => await (await fetchOnce(url, { method: "POST", body: "{}" })).text();
  assert.equal(await twice({}, ask), 2);
});

Deno.test("a request object keeps its headers", async () => {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => Response.json([request.method, request.headers.get("X-Name"), request.headers.get("X-More")]),
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  const request = () => new Request(url, { method: "POST", body: "{}", headers: { "X-Name": "ada" } });
  assert.deepEqual(await (await fetchOnce(request())).json(), ["POST", "ada", null]);
  // As fetch has it: headers that are given take the place of the request's.
  assert.deepEqual(await (await fetchOnce(request(), { headers: { "X-More": "b" } })).json(), ["POST", null, "b"]);
  await server.shutdown();
});

Deno.test("the AI's provider is asked for one embedding once, and what was lost is counted", async () => {
  const answer = { data: [{ index: 0, embedding: Array(DIMENSIONS).fill(0.5) }], usage: { prompt_tokens: 7 } };
  const lost: Embedding = { untold: 0, tokens: null };
  const ask = async (url: string) => {
    Object.assign(lost, { untold: 0, tokens: null });
    const limits = { signal: new AbortController().signal, latest: Infinity, patience: { tries: 1, pauseMs: 1 } };
    await embed(providerOf({ AI_API_KEY: "sk-test", AI_BASE_URL: url }), "e", "text", lost, limits);
  };
  assert.equal(await twice(answer, ask), 2);
  assert.deepEqual(lost, { untold: 1, tokens: null });
});

Deno.test("the AI's provider is asked for one completion once", async () => {
  const ask = (url: string) =>
    providerOf({ AI_API_KEY: "sk-test", AI_BASE_URL: url }).chat.completions.create({
      model: "m",
      messages: [{ role: "user", content: "Where to?" }],
    });
  assert.equal(await twice({ id: "c", object: "chat.completion", choices: [] }, ask), 2);
});

Deno.test("what somebody has the database do is done once", async () => {
  const caller = { id: ADA, email: null, token: ADAS_TOKEN };
  const ask = async (url: string) =>
    await servicesOf({ ...ENVIRONMENT, SUPABASE_URL: url }).database(caller)
      .rpc("trigger_automation", { rule: ADA, dry_run: false }).throwOnError();
  assert.equal(await twice({}, ask), 2);
});

Deno.test("a mail is handed over once", async () => {
  const ask = (url: string) => servicesOf({ ...ENVIRONMENT, MAIL_URL: url }).send(MAIL);
  assert.equal(await twice({}, ask), 2);
});
