import assert from "node:assert/strict";
import { eventsOf, type WhatsappEvent } from "./events.ts";

const SENDER = "100000000000001";
const NOW = Date.parse("2026-11-30T12:00:00Z");
const MOMENT = "1796040000";
const AT = "2026-11-30T12:00:00.000Z";
const ID = "0c5c0000-0000-4000-8000-000000000001";
const ANNA = { profile: { name: "Anna", username: "anna.k" }, wa_id: "393331234567", user_id: "IT.1349" };

function body(value: unknown, { field = "messages", sender = SENDER } = {}): Record<string, unknown> {
  const metadata = { display_phone_number: "15550001111", phone_number_id: sender };
  return {
    object: "whatsapp_business_account",
    entry: [{
      id: "1",
      changes: [{ field, value: { messaging_product: "whatsapp", metadata, ...value as object } }],
    }],
  };
}

const status = (more: object = {}) => ({ id: "wamid.1", status: "delivered", timestamp: MOMENT, ...more });
const text = (more: object = {}) => ({
  from: "393331234567",
  id: "wamid.2",
  timestamp: MOMENT,
  type: "text",
  text: { body: "Stop" },
  ...more,
});

function one(value: unknown): WhatsappEvent {
  const { events, malformed, ignored } = eventsOf(body(value), SENDER, NOW);
  assert.deepEqual([events.length, malformed, ignored], [1, 0, 0]);
  return events[0]!;
}

Deno.test("a status has its message, its moment, its price", () => {
  const pricing = { billable: true, pricing_model: "PMP", category: "utility", type: "regular" };
  assert.deepEqual(one({ statuses: [status({ recipient_id: "39", biz_opaque_callback_data: ID, pricing })] }), {
    type: "status",
    wamid: "wamid.1",
    message: ID,
    status: "delivered",
    at: AT,
    errorCode: null,
    pricing,
  });
});

Deno.test("a status of failure has Meta's code, and what is no id of ours is none", () => {
  const failed = status({ status: "failed", errors: [{ code: 131047, title: "T" }], biz_opaque_callback_data: "x" });
  const event = one({ statuses: [failed] });
  assert.ok(event.type === "status");
  assert.deepEqual([event.status, event.errorCode, event.message], ["failed", "131047", null]);
});

Deno.test("kinds of a category are of it, and a category that nobody knows is none", () => {
  const categories = ["authentication_international", "marketing_lite", "SERVICE", "referral_conversion"].map(
    (word) => {
      const event = one({ statuses: [status({ pricing: { category: word, billable: false } })] });
      return event.type === "status" && event.pricing?.category;
    },
  );
  assert.deepEqual(categories, ["authentication", "marketing", "service", null]);
});

Deno.test("what somebody writes has their number, their id and their name", () => {
  assert.deepEqual(
    one({ contacts: [ANNA], messages: [text({ from_user_id: "IT.1349", context: { id: "wamid.1" } })] }),
    {
      type: "inbound",
      wamid: "wamid.2",
      phone: "+393331234567",
      bsuid: "IT.1349",
      name: "Anna",
      text: "Stop",
      at: AT,
      context: "wamid.1",
    },
  );
});

Deno.test("whoever shows their user name alone has no number", () => {
  const { wa_id: _, ...contact } = ANNA;
  const event = one({ contacts: [contact], messages: [text({ from: undefined, from_user_id: "IT.1349" })] });
  assert.ok(event.type === "inbound");
  assert.deepEqual([event.phone, event.bsuid, event.name], [null, "IT.1349", "Anna"]);
});

const words: [string, object, string | null][] = [
  ["a button of a template", { type: "button", button: { text: "Stop", payload: "S" } }, "Stop"],
  [
    "a button",
    { type: "interactive", interactive: { type: "button_reply", button_reply: { id: "1", title: "Yes" } } },
    "Yes",
  ],
  [
    "a choice",
    { type: "interactive", interactive: { type: "list_reply", list_reply: { id: "1", title: "Two" } } },
    "Two",
  ],
  ["a picture", { type: "image", image: { id: "1", caption: "The sea" } }, "The sea"],
  ["a picture without words", { type: "image", image: { id: "1" } }, null],
  ["what Meta does not know", { type: "unsupported", errors: [{ code: 131051 }] }, null],
  ["a text that Postgres cannot hold", { type: "text", text: { body: "a\0b\ud800" } }, "a\uFFFDb\uFFFD"],
  ["a text longer than there are", { type: "text", text: { body: "😀".repeat(5000) } }, "😀".repeat(4096)],
];
for (const [what, message, expected] of words) {
  Deno.test(`what is written: ${what}`, () => {
    const event = one({ contacts: [ANNA], messages: [{ ...text({ text: undefined }), ...message }] });
    assert.ok(event.type === "inbound");
    assert.equal(event.text, expected);
  });
}

Deno.test("who has another number now had one before", () => {
  const system = { type: "user_changed_number", wa_id: "393339999999", user_id: "IT.2", previous_user_id: "IT.1" };
  const message = { from: "393331234567", id: "wamid.3", timestamp: MOMENT, type: "system", system };
  assert.deepEqual(one({ messages: [message] }), {
    type: "number_change",
    phone: "+393331234567",
    newPhone: "+393339999999",
    bsuid: "IT.1",
    newBsuid: "IT.2",
    at: AT,
  });
});

Deno.test("who wants no marketing any more is known by number or id; the rest of what they choose is not ours", () => {
  const stop = {
    wa_id: "393331234567",
    user_id: "IT.1349",
    detail: "User requested to stop marketing messages",
    category: "marketing_messages",
    value: "stop",
    timestamp: 1796040000,
  };
  const { wa_id: _, ...unnumbered } = stop;
  const preferences = [stop, unnumbered, { ...stop, value: "resume" }, { ...stop, category: "calls" }, null, {
    ...stop,
    wa_id: undefined,
    user_id: undefined,
  }];
  const told = (sender: string) => body({ user_preferences: preferences }, { field: "user_preferences", sender });
  const event = { type: "marketing_stop" as const, bsuid: "IT.1349", at: AT };
  assert.deepEqual(eventsOf(told(SENDER), SENDER, NOW), {
    events: [{ ...event, phone: "+393331234567" }, { ...event, phone: null }],
    malformed: 2,
    ignored: 2,
    elsewhere: 0,
  });
  assert.deepEqual(eventsOf(told("5"), SENDER, NOW), { events: [], malformed: 0, ignored: 1, elsewhere: 1 });
});

Deno.test("one bad part spoils no other", () => {
  const bad = [
    null,
    "sent",
    status({ id: undefined }),
    status({ id: "a b" }),
    status({ id: "x".repeat(600) }),
    status({ timestamp: "soon" }),
    status({ timestamp: "1e12" }),
    status({ timestamp: null }),
  ];
  const from = [text({ from: undefined }), text({ from: "12; drop" }), [text()]];
  const value = { statuses: [...bad, status()], messages: [...from, text()], contacts: "none" };
  const read = eventsOf(body(value), SENDER, NOW);
  assert.deepEqual(read.events.map((each) => each.type), ["status", "inbound"]);
  assert.deepEqual([read.malformed, read.ignored], [bad.length + from.length, 0]);
});

Deno.test("one bad entry or change spoils no other", () => {
  const good = body({ statuses: [status()] });
  const change = (good.entry as { changes: unknown[] }[])[0]!.changes[0];
  const entry = [
    null,
    { changes: "none" },
    { changes: [null, { field: "messages" }, change] },
    ...good.entry as unknown[],
  ];
  assert.equal(eventsOf({ ...good, entry }, SENDER, NOW).events.length, 2);
});

Deno.test("what is not for our number, not a message or nothing to answer is left out", () => {
  const statuses = [status()];
  assert.deepEqual(eventsOf(body({ statuses }, { sender: "2" }), SENDER, NOW), {
    events: [],
    malformed: 0,
    ignored: 1,
    elsewhere: 1,
  });
  assert.deepEqual(eventsOf(body({ statuses }, { field: "account_update" }), SENDER, NOW).ignored, 1);
  const messages = [
    text({ type: "reaction" }),
    text({ group_id: "1" }),
    text({ type: "system", system: { type: "x" } }),
  ];
  const found = eventsOf(body({ messages, statuses: [status({ status: "played" })] }), SENDER, NOW);
  assert.deepEqual([found.events, found.ignored, found.malformed], [[], 4, 0]);
  assert.deepEqual(eventsOf({ object: "page", entry: [] }, SENDER, NOW).malformed, 1);
});

Deno.test("what is dated ahead is as of now, so that no window stays open for longer", () => {
  const event = one({ messages: [text({ timestamp: "4102444800" })], contacts: [ANNA] });
  assert.equal(event.at, "2026-11-30T12:05:00.000Z");
});
