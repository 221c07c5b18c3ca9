import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { adminOf } from "../_shared/admin.ts";
import { webhookEndpoint } from "../_shared/webhook.ts";
import { whatsappWebhook } from "./handler.ts";

const SECRET = "app_secret_of_tests_0123";
const ENVIRONMENT = {
  SUPABASE_URL: "http://supabase.test",
  SUPABASE_SECRET_KEYS: '{"default":"sb_secret_test_0123456789"}',
  WHATSAPP_APP_SECRET: SECRET,
  WHATSAPP_VERIFY_TOKEN: "verify_of_tests_0123",
  WHATSAPP_PHONE_NUMBER_ID: "100000000000001",
};
const STATUS = { id: "wamid.1", status: "read", timestamp: "1796040000" };
const REFUSED = { code: "22023", message: "no", hint: null, details: null };
const AWAY = { code: "PGRST001", message: "away", hint: null, details: null };

type Said = [string, Record<string, unknown>];

/** The endpoint, over a database that answers each call as `answer` says; what it was told. */
function endpoint(answer: (said: Said) => unknown = () => null) {
  const said: Said[] = [];
  const database: typeof fetch = async (input, options) => {
    const request = new Request(input, options);
    const one: Said = [new URL(request.url).pathname.split("/").at(-1)!, await request.json()];
    said.push(one);
    const refused = answer(one);
    return refused ? Response.json(refused, { status: 400 }) : Response.json({});
  };
  const work = webhookEndpoint(whatsappWebhook(ENVIRONMENT), { admin: adminOf(ENVIRONMENT, database) });
  return { said, work };
}

const bodyOf = (value: object) =>
  JSON.stringify({
    object: "whatsapp_business_account",
    entry: [{
      changes: [{ field: "messages", value: { metadata: { phone_number_id: "100000000000001" }, ...value } }],
    }],
  });
const signature = (body: string, secret = SECRET) =>
  `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;

async function post(
  work: (request: Request) => Promise<Response>,
  body: string,
  header: string | null = signature(body),
): Promise<[number, Record<string, unknown>]> {
  const headers = header === null ? undefined : { "X-Hub-Signature-256": header };
  const response = await work(new Request("http://functions.test/hook", { method: "POST", body, headers }));
  return [response.status, await response.json()];
}

Deno.test("each part is written, whichever it is", async () => {
  const { said, work } = endpoint();
  const message = { from: "393331234567", id: "wamid.2", timestamp: "1796040000", type: "text", text: { body: "Yes" } };
  const system = { type: "user_changed_number", wa_id: "393339999999" };
  const value = { statuses: [STATUS], messages: [message, { ...message, id: "wamid.3", type: "system", system }] };
  const answer = await post(work, bodyOf(value));
  assert.deepEqual(answer, [200, { received: 3, ignored: 0, malformed: 0 }]);
  assert.deepEqual(Object.fromEntries(said), {
    record_whatsapp_status: {
      wamid: "wamid.1",
      message: null,
      status: "read",
      occurred_at: "2026-11-30T12:00:00.000Z",
      error_code: null,
      pricing: null,
    },
    record_whatsapp_inbound: {
      wamid: "wamid.2",
      phone: "+393331234567",
      bsuid: null,
      profile_name: null,
      body: "Yes",
      at: "2026-11-30T12:00:00.000Z",
      context_wamid: null,
    },
    record_whatsapp_number_change: {
      old_phone: "+393331234567",
      new_phone: "+393339999999",
      bsuid: null,
      at: "2026-11-30T12:00:00.000Z",
    },
  });
});

const forged: [string, (body: string) => string | null][] = [
  ["no signature", () => null],
  ["another secret's", (body) => signature(body, "another_secret_0123456789")],
  ["of another body", (body) => signature(body + " ")],
  ["of no form", (body) => signature(body).slice("sha256=".length)],
  ["by SHA-1", (body) => `sha1=${createHmac("sha1", SECRET).update(body).digest("hex")}`],
];
for (const [what, header] of forged) {
  Deno.test(`what is forged is refused, and nothing is written: ${what}`, async () => {
    const { said, work } = endpoint();
    const body = bodyOf({ statuses: [STATUS] });
    const [status, { code }] = await post(work, body, header(body));
    assert.deepEqual([status, code, said], [403, "FORBIDDEN", []]);
  });
}

Deno.test("bodies of up to three megabytes are taken, longer ones are not", async () => {
  const { said, work } = endpoint();
  const body = bodyOf({ statuses: [STATUS] });
  const padded = (bytes: number) => body + " ".repeat(bytes - body.length);
  const most = 3 * 1024 * 1024;
  assert.equal((await post(work, padded(most)))[0], 200);
  assert.equal((await post(work, padded(most + 1)))[0], 413);
  assert.equal(said.length, 1);
});

Deno.test("what the database never takes spoils no batch, and what it does not take now is told again", async () => {
  const statuses = Array.from({ length: 50 }, (_, number) => ({ ...STATUS, id: `wamid.${number}` }));
  const one = (refusal: unknown) => endpoint(([, { wamid }]) => wamid === "wamid.7" ? refusal : null);
  const refused = one(REFUSED);
  assert.deepEqual(await post(refused.work, bodyOf({ statuses })), [200, { received: 49, ignored: 0, malformed: 1 }]);
  assert.equal(refused.said.length, 50);
  const away = one(AWAY);
  const [status, { code }] = await post(away.work, bodyOf({ statuses }));
  assert.deepEqual([status, code, away.said.length], [503, "UPSTREAM_UNAVAILABLE", 50]);
});

Deno.test("Meta asks whether this is the place, and shows what was agreed on", async () => {
  const { work } = endpoint();
  const ask = async (query: Record<string, string>) => {
    const response = await work(new Request(`http://functions.test/hook?${new URLSearchParams(query)}`));
    return [response.status, await response.text()];
  };
  const right = { "hub.mode": "subscribe", "hub.verify_token": "verify_of_tests_0123", "hub.challenge": "1158201444" };
  assert.deepEqual(await ask(right), [200, "1158201444"]);
  const wrong = [
    { ...right, "hub.verify_token": "guessed" },
    { ...right, "hub.mode": "unsubscribe" },
    { ...right, "hub.challenge": "<script>" },
    {},
  ];
  for (const query of wrong) assert.equal((await ask(query as Record<string, string>))[0], 403);
});

Deno.test("what is no id of a number is refused at the start, since STOP would not be heard", () => {
  for (const sender of ["+39 333 1234567", "", undefined]) {
    assert.throws(
      () => whatsappWebhook({ ...ENVIRONMENT, WHATSAPP_PHONE_NUMBER_ID: sender! }),
      /WHATSAPP_PHONE_NUMBER_ID/,
    );
  }
});
