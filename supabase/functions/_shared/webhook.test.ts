import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { signs, signsAtTime } from "./signatures.ts";
import { type Webhook, webhookEndpoint } from "./webhook.ts";

const SECRET = "whsec_0123456789";
const EVENT = '{"id":"evt_1", "amount": 5}';

function signature(body: string, secret = SECRET): string {
  return `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
}

const asked: string[] = [];
const webhook: Webhook<null> = {
  maxBytes: 100,
  seconds: 0.2,
  isSigned: (body, headers) => {
    asked.push("signature");
    return signs(body, headers.get("X-Signature"), [SECRET]);
  },
  receive: (event) => {
    asked.push(`event ${event.id}`);
    return Promise.resolve({ body: { id: event.id } });
  },
  challenge: (query) => (query.get("token") === "agreed" ? query.get("challenge") : null),
};

async function call(
  body: BodyInit | undefined,
  headers: Record<string, string> = {},
  init: RequestInit = {},
): Promise<{ status: number; text: string; body: Record<string, unknown>; asked: string[] }> {
  asked.length = 0;
  const request = new Request("http://functions.test/payments?token=agreed&challenge=17", {
    method: "POST",
    body,
    headers,
    ...init,
  });
  const response = await webhookEndpoint(webhook, null)(request);
  const text = await response.text();
  return { status: response.status, text, body: text.startsWith("{") ? JSON.parse(text) : {}, asked: [...asked] };
}

/** A body in pieces, without a length; `end` is for what comes after them. */
function pieces(chunks: string[], end: (controller: ReadableStreamDefaultController) => void): ReadableStream {
  const bytes = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(bytes.encode(chunk));
      end(controller);
    },
  });
}

Deno.test("what is signed is received", async () => {
  const { status, body, asked } = await call(EVENT, { "X-Signature": signature(EVENT) });
  assert.deepEqual([status, body], [200, { id: "evt_1" }]);
  assert.deepEqual(asked, ["signature", "event evt_1"]);
});

Deno.test("the signature is one of the very bytes, however they came", async () => {
  const stream = pieces(['{"id":"ev', 't_1", "amo', 'unt": 5}'], (controller) => controller.close());
  assert.equal((await call(stream, { "X-Signature": signature(EVENT) })).status, 200);
  assert.equal((await call(EVENT.replace(", ", ","), { "X-Signature": signature(EVENT) })).status, 401);
});

Deno.test("what is forged is refused, and not even parsed", async () => {
  const forged: [string, Record<string, string>][] = [
    [EVENT, {}],
    [EVENT, { "X-Signature": "" }],
    [EVENT, { "X-Signature": "sha256=" }],
    [EVENT, { "X-Signature": signature(EVENT).slice(7) }],
    [EVENT, { "X-Signature": signature(EVENT, "another") }],
    [EVENT, { "X-Signature": signature(EVENT, "") }],
    [EVENT, { "X-Signature": signature("{}") }],
    ["no JSON", { "X-Signature": signature(EVENT) }],
    ["", { "X-Signature": signature(EVENT) }],
  ];
  for (const [body, headers] of forged) {
    const { status, body: told, asked } = await call(body, headers);
    assert.deepEqual([status, told.code, asked], [401, "UNAUTHENTICATED", ["signature"]], JSON.stringify(headers));
  }
});

Deno.test("what is signed and no JSON object is refused after that", async () => {
  for (const body of ["no JSON", "[]", "\xff", ""]) {
    const told = await call(body, { "X-Signature": signature(body) });
    assert.deepEqual([told.status, told.body.code, told.asked], [400, "BAD_USER_INPUT", ["signature"]]);
  }
});

Deno.test("what is longer than allowed is refused before it has all come, whatever length it says", async () => {
  const long = "x".repeat(101);
  for (const headers of [{}, { "Content-Length": "5" }] as Record<string, string>[]) {
    const stream = pieces(["x".repeat(60), "x".repeat(60)], () => {});
    const { status, body, asked } = await call(stream, { ...headers, "X-Signature": signature(long) });
    assert.deepEqual([status, body.code, asked], [413, "PAYLOAD_TOO_LARGE", []]);
  }
  assert.equal((await call(long, { "X-Signature": signature(long) })).status, 413);
  const most = `{"id":"${"x".repeat(100 - 9)}"}`;
  assert.equal((await call(most, { "X-Signature": signature(most) })).status, 200);
});

Deno.test("what does not come is not waited for, and not what comes byte by byte", async () => {
  const still = pieces(["{"], () => {});
  assert.deepEqual((await call(still)).body.code, "REQUEST_TIMEOUT");
  let timer: ReturnType<typeof setInterval> | undefined;
  const dripping = pieces([], (controller) => {
    timer = setInterval(() => controller.enqueue(new Uint8Array([32])), 20);
  });
  const { status, asked } = await call(dripping);
  clearInterval(timer);
  assert.deepEqual([status, asked], [408, []]);
});

Deno.test("a body that breaks off is no body", async () => {
  const broken = pieces(["{"], (controller) => controller.error(new TypeError("reset")));
  assert.deepEqual((await call(broken)).body.code, "BAD_USER_INPUT");
});

Deno.test("who asks whether this is the right place is answered when they know what was agreed on", async () => {
  const get = { method: "GET", body: undefined };
  assert.deepEqual(await call(undefined, {}, get), { status: 200, text: "17", body: {}, asked: [] });
  webhook.challenge = () => null;
  assert.equal((await call(undefined, {}, get)).status, 403);
  delete webhook.challenge;
  for (const method of ["GET", "PUT", "DELETE", "OPTIONS"]) {
    assert.equal((await call(undefined, {}, { method, body: undefined })).status, 405, method);
  }
});

Deno.test("while secrets are exchanged both hold, and an empty one never does", () => {
  const body = new TextEncoder().encode(EVENT);
  for (const secret of ["old", "new"]) assert.ok(signs(body, signature(EVENT, secret), ["new", "old"]));
  assert.ok(!signs(body, signature(EVENT, ""), ["", "new"]));
  assert.ok(!signs(body, signature(EVENT, ""), []));
});

Deno.test("a signature with a time is good for five minutes", () => {
  const body = new TextEncoder().encode(EVENT);
  const now = 1_767_225_600;
  const of = (time: string, secret = SECRET) =>
    createHmac("sha256", secret).update(`${time}.`).update(body).digest("hex");
  const header = (time: string) => `t=${time},v1=${of(time)}`;
  const signed = (header: string | null, at = now) => signsAtTime(body, header, [SECRET], { now: at });
  for (const time of [now, now - 300, now + 300]) assert.ok(signed(header(String(time))));
  for (const time of [now - 301, now + 301]) assert.ok(!signed(header(String(time))));
  assert.ok(signed(`t=${now}, v0=x, v1=${of(String(now), "other")}, v1=${of(String(now))}`));
  for (
    const wrong of [
      null,
      "",
      `v1=${of(String(now))}`,
      `t=${now},v0=${of(String(now))}`,
      `t=${now - 1},v1=${of(String(now))}`,
      `t=${now},t=${now - 1000},v1=${of(String(now))}`,
      `t=${now}.0,v1=${of(`${now}.0`)}`,
      `t=-${now},v1=${of(`-${now}`)}`,
      `t=,v1=${of("")}`,
      `t=NaN,v1=${of("NaN")}`,
    ]
  ) assert.ok(!signed(wrong), String(wrong));
});
