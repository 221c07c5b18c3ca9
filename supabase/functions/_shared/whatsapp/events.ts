// What Meta's webhook tells, read one by one: statuses of our messages, what people write, numbers that changed, and who
// wants no marketing any more. A part that is in no form is left out, and the others are read all the same.

import { keepable } from "../ai/texts.ts";

/** How a message of ours stands, by Meta's own clock. */
export interface StatusEvent {
  type: "status";
  wamid: string;
  /** Ours, where it came along. */
  message: string | null;
  status: "sent" | "delivered" | "read" | "failed";
  at: string;
  errorCode: string | null;
  pricing: Record<string, unknown> | null;
}

/** What somebody wrote to us. `text` is null for what is no text, such as a picture without words. */
export interface InboundEvent {
  type: "inbound";
  wamid: string;
  /** With `+` and the country; null for people who show their user name alone. */
  phone: string | null;
  bsuid: string | null;
  name: string | null;
  text: string | null;
  at: string;
  /** The message that it answers. */
  context: string | null;
}

/** Somebody has another number now, or another id; what was known of them is nobody's from then on. */
export interface NumberChangeEvent {
  type: "number_change";
  phone: string | null;
  newPhone: string | null;
  bsuid: string | null;
  newBsuid: string | null;
  at: string;
}

/** Somebody wants no marketing any more. */
export interface MarketingStopEvent {
  type: "marketing_stop";
  phone: string | null;
  bsuid: string | null;
  at: string;
}

export type WhatsappEvent = StatusEvent | InboundEvent | NumberChangeEvent | MarketingStopEvent;

/** All that a body tells, and how many of its parts were in no form or not for us. */
export interface Read {
  events: WhatsappEvent[];
  malformed: number;
  ignored: number;
  /** Of those that are ignored, parts that are for another number. */
  elsewhere: number;
}

type Json = Record<string, unknown>;

const STATUSES = ["sent", "delivered", "read", "failed"];
const CHANGES = ["user_changed_number", "customer_changed_number", "user_changed_user_id"];
const CATEGORIES = ["authentication", "marketing", "service", "utility"];
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const LONGEST_ID = 512;
const LONGEST_TEXT = 4096;
const LONGEST_NAME = 200;
// Clocks differ by less; what is dated later would keep things open for too long.
const AHEAD_SECONDS = 300;

class Malformed extends Error {}

/** Read a body that was signed; `sender` is the id of our number, whose events alone are ours. */
export function eventsOf(body: Json, sender: string, now = Date.now()): Read {
  const read: Read = { events: [], malformed: 0, ignored: 0, elsewhere: 0 };
  const each = (items: unknown, work: (item: Json) => WhatsappEvent | null): void => {
    for (const item of listOf(items)) {
      try {
        const event = work(objectOf(item));
        if (event === null) read.ignored += 1;
        else read.events.push(event);
      } catch (error) {
        if (!(error instanceof Malformed)) throw error;
        read.malformed += 1;
      }
    }
  };
  if (body.object !== "whatsapp_business_account" || !Array.isArray(body.entry)) return { ...read, malformed: 1 };
  for (const entry of body.entry) {
    for (const change of listOf(at(entry, "changes"))) {
      const value = at(change, "value");
      const to = at(at(value, "metadata"), "phone_number_id");
      const field = at(change, "field");
      if (field !== "messages" && field !== "user_preferences") read.ignored += 1;
      else if (typeof to !== "string") read.malformed += 1;
      else if (to !== sender) {
        read.ignored += 1;
        read.elsewhere += 1;
      } else if (field === "user_preferences") each(at(value, field), (item) => preferenceOf(item, now));
      else {
        const contacts = listOf(at(value, "contacts"));
        each(at(value, "statuses"), (item) => statusOf(item, now));
        each(at(value, "messages"), (item) => messageOf(item, contacts, now));
      }
    }
  }
  return read;
}

function statusOf(item: Json, now: number): StatusEvent | null {
  const { status, biz_opaque_callback_data: ours, recipient_type } = item;
  const wamid = idOf(item.id);
  const at_ = momentOf(item.timestamp, now);
  // Such as `played`, of what was read long before; and what goes to groups.
  if (typeof status !== "string" || !STATUSES.includes(status) || recipient_type === "group") return null;
  const code = at(listOf(item.errors)[0], "code");
  return {
    type: "status",
    wamid,
    message: typeof ours === "string" && UUID.test(ours.toLowerCase()) ? ours.toLowerCase() : null,
    status: status as StatusEvent["status"],
    at: at_,
    errorCode: /^\d{1,9}$/.test(String(code)) ? String(code) : null,
    pricing: pricingOf(item.pricing),
  };
}

/** Whether and as what it is charged. Meta has kinds of these categories, such as `authentication_international`. */
function pricingOf(value: unknown): Json | null {
  const said = at(value, "category");
  if (typeof said !== "string") return null;
  const category = CATEGORIES.find((each) => said.toLowerCase().includes(each)) ?? null;
  const word = (key: string): string | null => {
    const text = at(value, key);
    return typeof text === "string" ? cut(text, 64) : null;
  };
  const billable = at(value, "billable");
  return {
    billable: typeof billable === "boolean" ? billable : null,
    category,
    pricing_model: word("pricing_model"),
    type: word("type"),
  };
}

function messageOf(item: Json, contacts: unknown[], now: number): WhatsappEvent | null {
  if (item.type === "system") return changeOf(item, now);
  // A reaction says nothing that we answer, and what people write in groups is not to us.
  if (item.type === "reaction" || item.group_id !== undefined) return null;
  const wamid = idOf(item.id);
  const phone = phoneOf(item.from);
  const bsuid = bsuidOf(item.from_user_id);
  const contact =
    contacts.find((each) =>
      phone !== null && phoneOf(at(each, "wa_id")) === phone || bsuid !== null && bsuidOf(at(each, "user_id")) === bsuid
    ) ?? (contacts.length === 1 ? contacts[0] : undefined);
  const known = bsuid ?? bsuidOf(at(contact, "user_id"));
  if (phone === null && known === null) throw new Malformed("from nobody");
  const name = at(at(contact, "profile"), "name");
  return {
    type: "inbound",
    wamid,
    phone,
    bsuid: known,
    name: typeof name === "string" ? cut(name, LONGEST_NAME) : null,
    text: wordsOf(item),
    at: momentOf(item.timestamp, now),
    context: optionalId(at(item.context, "id")),
  };
}

function changeOf(item: Json, now: number): NumberChangeEvent | null {
  const { system } = item;
  if (!CHANGES.includes(String(at(system, "type")))) return null;
  const change: NumberChangeEvent = {
    type: "number_change",
    phone: phoneOf(item.from),
    newPhone: phoneOf(at(system, "wa_id")),
    bsuid: bsuidOf(at(system, "previous_user_id")) ?? bsuidOf(item.from_user_id),
    newBsuid: bsuidOf(at(system, "user_id")),
    at: momentOf(item.timestamp, now),
  };
  if (change.phone === null && change.bsuid === null) throw new Malformed("of nobody");
  return change;
}

/** Null for `resume`: whether they want marketing from us they say to us. */
function preferenceOf(item: Json, now: number): MarketingStopEvent | null {
  if (item.category !== "marketing_messages" || item.value !== "stop") return null;
  const event: MarketingStopEvent = {
    type: "marketing_stop",
    phone: phoneOf(item.wa_id),
    bsuid: bsuidOf(item.user_id),
    at: momentOf(item.timestamp, now),
  };
  if (event.phone === null && event.bsuid === null) throw new Malformed("of nobody");
  return event;
}

/** What somebody wrote, chose or put below a picture. */
function wordsOf(item: Json): string | null {
  const { interactive } = item;
  const found = [
    at(item.text, "body"),
    at(item.button, "text"),
    at(at(interactive, "button_reply"), "title"),
    at(at(interactive, "list_reply"), "title"),
    ...["image", "video", "document"].map((kind) => at(item[kind], "caption")),
  ].find((each) => typeof each === "string");
  return typeof found === "string" ? cut(found, LONGEST_TEXT) : null;
}

function cut(text: string, most: number): string {
  return [...keepable(text)].slice(0, most).join("");
}

function idOf(value: unknown): string {
  const id = optionalId(value);
  if (id === null) throw new Malformed("no id");
  return id;
}

function optionalId(value: unknown): string | null {
  return typeof value === "string" && value.length <= LONGEST_ID && /^[\x21-\x7e]+$/.test(value) ? value : null;
}

/** A country, a point, letters and digits. */
function bsuidOf(value: unknown): string | null {
  return typeof value === "string" && /^[A-Z]{2}\.[A-Za-z0-9]{1,128}$/.test(value) ? value : null;
}

function phoneOf(value: unknown): string | null {
  return typeof value === "string" && /^\+?[1-9]\d{5,14}$/.test(value) ? `+${value.replace("+", "")}` : null;
}

/** Seconds since 1970, as Meta has them, in digits. */
function momentOf(value: unknown, now: number): string {
  const seconds = typeof value === "string" || typeof value === "number" ? String(value) : "";
  if (!/^\d{9,11}$/.test(seconds)) throw new Malformed("no time");
  return new Date(Math.min(Number(seconds) * 1000, now + AHEAD_SECONDS * 1000)).toISOString();
}

function objectOf(value: unknown): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Malformed("no object");
  return value as Json;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function at(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key) ? (value as Json)[key] : undefined;
}
