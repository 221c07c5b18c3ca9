import assert from "node:assert/strict";
import type { Handler } from "../_shared/endpoint.ts";
import type { Services } from "../_shared/services.ts";
import { ADAS_TOKEN, type Answers, call } from "../_shared/testing.ts";
import { sendWhatsappMessage } from "./handler.ts";

const BEN = "be000000-0000-4000-8000-000000000001";
const TRIP = "ada00000-0000-4000-8002-000000000001";
const RPC = "POST /rest/v1/rpc/send_whatsapp_message";
const SENT = { [RPC]: () => Response.json({ id: "m1" }) };

/** Ask as Ada; also how often what is due was begun. */
async function ask(body: unknown, answers: Answers = SENT) {
  let woken = 0;
  const handler: Handler<Services> = (input, caller, services) =>
    sendWhatsappMessage(input, caller, { ...services, wake: () => void woken++ });
  return { ...await call(handler, body, answers), woken: () => woken };
}

Deno.test("a message is queued as the caller, then sent behind the answer", async () => {
  const body = { recipient_id: BEN, trip_id: TRIP, template: "trip_news", parameters: { title: "Lofoten" } };
  const { status, body: answer, sent, woken } = await ask({ ...body, idempotency_key: "k1" });
  assert.deepEqual([status, answer, woken()], [202, { message: { id: "m1" } }, 1]);
  assert.equal(sent[0]!.headers.get("Authorization"), `Bearer ${ADAS_TOKEN}`);
  assert.deepEqual(sent[0]!.body, {
    recipient: BEN,
    trip: TRIP,
    template: "trip_news",
    parameters: { title: "Lofoten" },
    body: null,
    idempotency_key: "k1",
  });
});

const wrong: [string, object, string][] = [
  ["nothing", {}, "recipient_id"],
  ["no id", { recipient_id: "ben", text: "Hi" }, "recipient_id"],
  ["no trip's id", { recipient_id: BEN, trip_id: 5, text: "Hi" }, "trip_id"],
  ["neither text nor template", { recipient_id: BEN }, "text"],
  ["both", { recipient_id: BEN, text: "Hi", template: "t" }, "text"],
  ["a blank text", { recipient_id: BEN, text: " \n" }, "text"],
  ["a text too long", { recipient_id: BEN, text: "😀".repeat(3901) }, "text"],
  ["half a character", { recipient_id: BEN, text: "a\ud800" }, "text"],
  ["parameters that are none", { recipient_id: BEN, template: "t", parameters: ["a"] }, "parameters"],
  ["a parameter that is no text", { recipient_id: BEN, template: "t", parameters: { a: 1 } }, "parameters"],
  ["a parameter too long", { recipient_id: BEN, template: "t", parameters: { a: "x".repeat(1025) } }, "parameters"],
  ["half a character in one", { recipient_id: BEN, template: "t", parameters: { a: "\ud800" } }, "parameters"],
  ["an empty key", { recipient_id: BEN, text: "Hi", idempotency_key: "" }, "idempotency_key"],
];
for (const [what, body, field] of wrong) {
  Deno.test(`what is wrong is named before anybody is asked: ${what}`, async () => {
    const { status, body: { code, extensions }, sent, woken } = await ask(body);
    assert.deepEqual([status, code, extensions, sent, woken()], [400, "BAD_USER_INPUT", { field }, [], 0]);
  });
}

const refused: [string, number][] = [
  ["RECIPIENT_OPTED_OUT", 409],
  ["TEMPLATE_REQUIRED", 409],
  ["NOT_FOUND", 404],
  ["USAGE_LIMIT_EXCEEDED", 402],
];
for (const [code, expected] of refused) {
  Deno.test(`what the database refuses is told: ${code}`, async () => {
    const refusal = () => Response.json({ code, message: "No.", hint: "{}", details: null }, { status: 400 });
    const { status, body, woken } = await ask({ recipient_id: BEN, text: "Hi" }, { [RPC]: refusal });
    assert.deepEqual([status, body.code, woken()], [expected, code, 0]);
  });
}
