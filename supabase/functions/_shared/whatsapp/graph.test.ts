import assert from "node:assert/strict";
import { forgetful } from "../testing_connections.ts";
import { Graph, type Outgoing, requestOf, type Sent, sentOf } from "./graph.ts";

const MESSAGE: Outgoing = {
  id: "0c5c0000-0000-4000-8000-000000000001",
  to: "+393331234567",
  kind: "text",
  body: "Ciao",
};
const TOKEN = "EAA_of_tests_0123456789";

function graphAt(base: string, seconds?: number): Graph {
  const env = {
    WHATSAPP_API_BASE: base,
    WHATSAPP_API_VERSION: "v26.0",
    WHATSAPP_PHONE_NUMBER_ID: "100000000000001",
    WHATSAPP_ACCESS_TOKEN: TOKEN,
  };
  return new Graph(env, undefined, seconds);
}

/** Send one message to a server that answers so; what became of it, and the requests that came. */
async function send(answer: (request: Request) => Response | Promise<Response>, seconds?: number) {
  const came: { url: string; headers: Headers; body: Record<string, unknown> }[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    came.push({ url: request.url, headers: request.headers, body: await request.json() });
    return await answer(request);
  });
  try {
    const sent = await graphAt(`http://127.0.0.1:${server.addr.port}/meta`, seconds).send(MESSAGE);
    return { sent, came };
  } finally {
    await server.shutdown();
  }
}

const refusal = (code: number) => ({
  error: { message: `(#${code}) No.`, type: "OAuthException", code, fbtrace_id: "A" },
});

Deno.test("a message that Meta takes has its id, and ours goes along", async () => {
  const { sent, came } = await send(() => Response.json({ messages: [{ id: "wamid.HBg=" }] }));
  assert.deepEqual(sent, { outcome: "accepted", wamid: "wamid.HBg=" });
  assert.equal(came.length, 1);
  assert.equal(new URL(came[0]!.url).pathname, "/meta/v26.0/100000000000001/messages");
  assert.equal(came[0]!.headers.get("Authorization"), `Bearer ${TOKEN}`);
  assert.deepEqual(came[0]!.body, {
    messaging_product: "whatsapp",
    recipient_type: "individual",
    to: "+393331234567",
    type: "text",
    text: { body: "Ciao", preview_url: false },
    biz_opaque_callback_data: MESSAGE.id,
  });
});

Deno.test("a template is named with its language; who has no number is a recipient", () => {
  const components = [{ type: "body", parameters: [{ type: "text", text: "Lofoten" }] }];
  const template = { ...MESSAGE, to: "IT.13491208655302741918", kind: "template" as const, body: null };
  assert.deepEqual(requestOf({ ...template, template: "trip_reminder", language: "en", components }), {
    messaging_product: "whatsapp",
    recipient_type: "individual",
    recipient: "IT.13491208655302741918",
    type: "template",
    template: { name: "trip_reminder", language: { code: "en" }, components },
    biz_opaque_callback_data: MESSAGE.id,
  });
});

const said: [string, number, unknown, Sent][] = [
  ["too many a second", 400, refusal(130429), { outcome: "throttled", code: "130429", retrySeconds: 5 }],
  ["too many to one person", 400, refusal(131056), { outcome: "throttled", code: "131056", retrySeconds: 6 }],
  ["too many calls", 429, null, { outcome: "throttled", code: "HTTP_429", retrySeconds: 60 }],
  ["the window is closed", 400, refusal(131047), { outcome: "template_required", code: "131047" }],
  ["no marketing any more", 400, refusal(131050), { outcome: "marketing_stopped", code: "131050" }],
  ["nobody there", 400, refusal(131026), { outcome: "failed", code: "131026" }],
  ["no such template", 404, refusal(132001), { outcome: "failed", code: "132001" }],
  ["the token is over: ours to mend", 401, refusal(190), { outcome: "throttled", code: "190", retrySeconds: 300 }],
  ["no right to it: ours to mend", 403, refusal(200), { outcome: "throttled", code: "200", retrySeconds: 300 }],
  ["refused in no form", 403, "<html>", { outcome: "failed", code: "HTTP_403" }],
  ["broken there", 500, refusal(131000), { outcome: "unknown", code: "131000" }],
  ["away, or on the way", 502, null, { outcome: "unknown", code: "HTTP_502" }],
  ["throttled, it says, while it breaks", 503, refusal(130429), { outcome: "unknown", code: "130429" }],
  ["waited for us too long", 408, null, { outcome: "unknown", code: "HTTP_408" }],
  ["sent elsewhere", 307, null, { outcome: "unknown", code: "HTTP_307" }],
  ["taken without an id", 200, { messages: [] }, { outcome: "unknown", code: "NO_ID" }],
  ["taken in no form", 200, null, { outcome: "unknown", code: "NO_ID" }],
];
for (const [what, status, body, expected] of said) {
  Deno.test(`what an answer says: ${what}`, () => assert.deepEqual(sentOf(status, body), expected));
}

Deno.test("Meta says for how long to wait, within an hour", () => {
  const seconds = [9.2, 1, 1e9, NaN, -5].map((wait) => sentOf(429, refusal(130429), wait));
  assert.deepEqual(seconds.map((each) => "retrySeconds" in each && each.retrySeconds), [10, 5, 3600, 5, 5]);
});

Deno.test("where nobody answers, the message may have left", async () => {
  assert.deepEqual(
    (await send(() => new Promise<Response>((done) => setTimeout(done, 500, new Response())), 0.1)).sent,
    {
      outcome: "unknown",
      code: "TIMEOUT",
    },
  );
});

Deno.test("nobody is sent elsewhere with the message and the token", async () => {
  const { sent, came } = await send(() => new Response(null, { status: 307, headers: { Location: "/elsewhere" } }));
  assert.deepEqual([sent, came.length], [{ outcome: "unknown", code: "HTTP_307" }, 1]);
});

Deno.test("where nobody listens nothing has left, so it may be tried again", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  const sent = await graphAt(`http://127.0.0.1:${listener.addr.port}`).send(MESSAGE);
  assert.deepEqual(sent, { outcome: "throttled", code: "NOT_CONNECTED", retrySeconds: 0 });
});

Deno.test("what is lost with its connection is never asked again, be it a new one or one that is kept", async () => {
  const server = forgetful('{"messages":[{"id":"wamid.1"}]}');
  const graph = graphAt(server.url);
  const lost = { outcome: "unknown", code: "NO_ANSWER" };
  assert.deepEqual(await graph.send(MESSAGE), { outcome: "accepted", wamid: "wamid.1" });
  assert.deepEqual([await graph.send(MESSAGE), server.requests()], [lost, 2]);
  assert.deepEqual([await graph.send(MESSAGE), server.requests()], [lost, 3]);
  await server.close();
});

Deno.test("settings that make no address are refused at the start, by name", () => {
  const env = { WHATSAPP_API_VERSION: "v26.0", WHATSAPP_PHONE_NUMBER_ID: "1", WHATSAPP_ACCESS_TOKEN: TOKEN };
  assert.throws(() => new Graph({ ...env, WHATSAPP_API_VERSION: "26" }), /WHATSAPP_API_VERSION/);
  assert.throws(() => new Graph({ ...env, WHATSAPP_PHONE_NUMBER_ID: "+39 333" }), /WHATSAPP_PHONE_NUMBER_ID/);
  assert.throws(() => new Graph({ ...env, WHATSAPP_API_BASE: "http://graph.example" }), /WHATSAPP_API_BASE/);
});
