// What Stripe's events do here. An event says only what has changed: that is fetched and written as it is now, in its
// customer's turn, so it is all one in which order events come, and how often.

import { adminOf } from "./admin.ts";
import { type Became, Billing, type Turn } from "./billing.ts";
import { ApiError } from "./errors.ts";
import { log } from "./log.ts";
import type { Environment } from "./settings.ts";
import { asking, isLive, isMissing, type Stripe, stripeOf } from "./stripe.ts";

export interface EventServices {
  stripe: Stripe;
  billing: Billing;
  /** Whether our key is one for money. */
  live: boolean;
}

export function eventServicesOf(env: Environment): EventServices {
  return { stripe: stripeOf(env), billing: new Billing(adminOf(env)), live: isLive(env) };
}

/** An event as it came, with what is looked at. */
export interface Told {
  id: string;
  type: string;
  livemode: boolean;
  data: { object: Record<string, unknown> };
}

type Kind = "session" | "subscription" | "invoice" | "charge" | "refund";

/** The types of which something follows, at most twenty, as Stripe lists by no more. */
export const TYPES: Readonly<Record<string, Kind>> = {
  "checkout.session.completed": "session",
  "checkout.session.async_payment_succeeded": "session",
  "checkout.session.async_payment_failed": "session",
  "checkout.session.expired": "session",
  "customer.subscription.created": "subscription",
  "customer.subscription.updated": "subscription",
  "customer.subscription.deleted": "subscription",
  "customer.subscription.paused": "subscription",
  "customer.subscription.resumed": "subscription",
  "invoice.paid": "invoice",
  "invoice.payment_failed": "invoice",
  "invoice.voided": "invoice",
  "invoice.marked_uncollectible": "invoice",
  "charge.refunded": "charge",
  "refund.created": "refund",
  "refund.updated": "refund",
  "refund.failed": "refund",
};

/** The part of the product whose subscriptions these are; others have functions of their own, later. */
export const SYSTEM = "trips";

// As long as the database keeps.
const LONGEST_ID = 255;
// A renewal is a draft for an hour before it is asked for.
const UNPAID: ReadonlySet<string> = new Set(["draft", "open", "uncollectible"]);

// Whoever dies holds everybody up for as long as a turn lasts. Senders wait for longer than we do.
const TURN = { leaseSeconds: 15, waitSeconds: 20 };

/**
 * Do what follows of an event, once or again, and keep that it is done.
 *
 * Nothing is lost where we die on the way: it stays `received`, and is done when it is told again, as what is `waiting` is.
 * Throws ApiError, or any Error: then it is to be told again, but for BAD_USER_INPUT, of ids that are none.
 */
export async function receive(told: Told, services: EventServices): Promise<Became | "known"> {
  const { billing } = services;
  const object = told.data.object;
  const object_id = idOf(object);
  if ([object_id, idOf(object.customer)].some((id) => id !== null && id.length > LONGEST_ID)) {
    throw new ApiError("BAD_USER_INPUT", "This is no event of Stripe: no id is as long.");
  }
  const kind = Object.hasOwn(TYPES, told.type) ? TYPES[told.type]! : null;
  const { id, type, livemode } = told;
  // Of what is nothing to us nothing is kept but that it came.
  const payload = kind === null ? {} : told;
  const customer = idOf(object.customer);
  const stands = await billing.recordEvent({ id, type, livemode, object_id, customer, payload });
  if (stands === "done" || stands === "ignored") return "known";
  let became: Became = "ignored";
  if (kind !== null && object_id !== null) {
    try {
      became = await asking(() => write(kind, object, object_id, services));
    } catch (error) {
      if (!isMissing(error)) throw error;
      log.warn("Stripe has it no more", { event: id, type, object: object_id });
    }
  }
  await billing.finishEvent(id, became);
  return became;
}

/** Fetch what an event is about and write it, where it is ours to write. */
async function write(
  kind: Kind,
  object: Record<string, unknown>,
  id: string,
  services: EventServices,
): Promise<Became> {
  const { billing, stripe } = services;
  const invoices = kind === "charge" || kind === "refund" ? await refundedInvoices(object, stripe) : [];
  const customer = idOf(object.customer) ?? await customerOfInvoice(invoices[0], stripe);
  if (customer === null) return "ignored";
  return await billing.inTurn(customer, TURN, async (turn) => {
    const writer = new Writer(services, turn);
    if (kind === "session") return await writer.session(id);
    if (kind === "subscription") return await writer.subscription(id);
    const each: Became[] = [];
    for (const invoice of kind === "invoice" ? [id] : invoices) each.push(await writer.invoice(invoice));
    return (["waiting", "done"] as const).find((became) => each.includes(became)) ?? "ignored";
  });
}

/** Writes what Stripe has now, in a customer's turn. Each is `ignored` where it is not ours to write. */
export class Writer {
  constructor(private readonly services: EventServices, private readonly turn: Turn) {}

  /** With what was begun on it: by itself it grants nothing. */
  async session(id: string): Promise<Became> {
    const session = await this.services.stripe.checkout.sessions.retrieve(id);
    if (!this.isOf(session.customer) || !isOurs(session.metadata)) return "ignored";
    const { status, payment_status } = session;
    const ours = await this.services.billing.apply("checkout", this.turn, { session: id, status, payment_status });
    const subscription = idOf(session.subscription);
    if (!ours) return "ignored";
    if (subscription === null) return "done";
    const invoice = idOf(session.invoice);
    return await (invoice === null ? this.subscription(subscription) : this.invoice(invoice));
  }

  /** It waits where its price is of no plan: that may be said of it yet. */
  async subscription(id: string): Promise<Became> {
    const { stripe, billing } = this.services;
    const found = await stripe.subscriptions.retrieve(id, { expand: ["latest_invoice"] });
    if (!this.isOf(found.customer) || !isOurs(found.metadata)) return "ignored";
    const { price, paid_until } = await this.paidFor(found);
    const plan_key = planOf(price, await billing.prices());
    if (plan_key === null) {
      log.warn("a subscription is to no plan of ours", { subscription: id });
      return "waiting";
    }
    const applied = await billing.apply("subscription", this.turn, { ...subscriptionOf(found), plan_key, paid_until });
    return applied ? "done" : "ignored";
  }

  /** With its subscription, whose period begins or ends with it. */
  async invoice(id: string): Promise<Became> {
    const { stripe, billing } = this.services;
    const invoice = await stripe.invoices.retrieve(id);
    const details = invoice.parent?.subscription_details ?? null;
    if (!this.isOf(invoice.customer) || !isOurs(details?.metadata ?? invoice.metadata)) return "ignored";
    const subscription = idOf(details?.subscription);
    const became = subscription === null ? null : await this.subscription(subscription);
    const amount_refunded = invoice.amount_paid > 0 ? await refundedOf(id, stripe) : 0;
    const applied = await billing.apply("invoice", this.turn, { ...invoiceOf(invoice), subscription, amount_refunded });
    if (!applied) return "ignored";
    return became === "waiting" ? "waiting" : "done";
  }

  /**
   * The price that is paid for, and while a payment is missing until when. Stripe changes it though the card be declined
   * that is to pay the difference, or the first renewal at it: until one is paid it is that of the last invoice that was,
   * if that is less.
   */
  private async paidFor(
    found: Stripe.Subscription,
  ): Promise<{ price: Stripe.Price | undefined; paid_until: string | null }> {
    const { stripe } = this.services;
    const price = found.items.data[0]?.price;
    const latest = typeof found.latest_invoice === "object" ? found.latest_invoice : null;
    if (!price || !UNPAID.has(latest?.status ?? "")) return { price, paid_until: null };
    const { data: [paid] } = await stripe.invoices.list({ subscription: found.id, status: "paid", limit: 1 });
    // Beside it stands what is given back of the price before.
    const line = paid?.lines.data.toSorted((one, other) => other.amount - one.amount)[0];
    const paid_until = line && isUnpaid(found) ? moment(line.period.end) : null;
    const before = idOf(line?.pricing?.price_details?.price);
    if (before === null || before === price.id) return { price, paid_until };
    const known = await stripe.prices.retrieve(before);
    return { price: (known.unit_amount ?? 0) < (price.unit_amount ?? 0) ? known : price, paid_until };
  }

  /** Whose turn it is not is not written of. */
  private isOf(customer: unknown): boolean {
    return idOf(customer) === this.turn.subject;
  }
}

/** The plan of a price, or null where it is of none. */
export function planOf(price: Stripe.Price | undefined, prices: Record<string, string>): string | null {
  const named = Object.keys(prices).find((plan) => price?.lookup_key && prices[plan] === price.lookup_key);
  if (named !== undefined) return named;
  // A price whose key went to a newer one says by itself of which plan it was.
  const plan = price?.lookup_key ? undefined : price?.metadata?.plan_key;
  return plan !== undefined && Object.hasOwn(prices, plan) ? plan : null;
}

/** A subscription as the database takes it, but for its plan. */
export function subscriptionOf(found: Stripe.Subscription): Record<string, unknown> {
  const [item] = found.items.data;
  if (!item) throw new Error(`${found.id} has no item`);
  const { current_period_start, current_period_end } = item;
  return {
    subscription: found.id,
    status: statusOf(found),
    current_period_start: moment(current_period_start),
    current_period_end: moment(current_period_end),
    // With flexible billing it is a moment, which the portal chooses as the period's end.
    cancel_at_period_end: found.cancel_at_period_end ||
      (found.cancel_at !== null && found.cancel_at <= current_period_end),
    created: moment(found.created),
  };
}

/** Whether a payment is missing, or was until Stripe gave up: what somebody ends at once is over. */
function isUnpaid({ status, cancellation_details }: Stripe.Subscription): boolean {
  return status === "past_due" || status === "unpaid" ||
    status === "canceled" && cancellation_details?.reason === "payment_failed";
}

/** Stripe's word, but that what begins by a transfer which is on its way grants nothing before that has come. */
function statusOf(found: Stripe.Subscription): string {
  const latest = typeof found.latest_invoice === "object" ? found.latest_invoice : null;
  const first = latest?.billing_reason === "subscription_create";
  return found.status === "active" && first && latest.status !== "paid" ? "incomplete" : found.status;
}

/** An invoice as the database takes it, amounts in the currency's smallest unit. */
export function invoiceOf(invoice: Stripe.Invoice): Record<string, unknown> {
  return {
    invoice: invoice.id,
    number: invoice.number,
    status: invoice.status ?? "draft",
    currency: invoice.currency,
    amount_due: invoice.amount_due,
    amount_paid: invoice.amount_paid,
    hosted_invoice_url: invoice.hosted_invoice_url ?? null,
    created: moment(invoice.created),
  };
}

/** How much of an invoice was paid back, in the currency's smallest unit. */
async function refundedOf(invoice: string, stripe: Stripe): Promise<number> {
  let refunded = 0;
  for await (const { payment } of stripe.invoicePayments.list({ invoice, limit: 100 })) {
    const payment_intent = idOf(payment.payment_intent);
    const charge = idOf(payment.charge);
    if (payment_intent === null && charge === null) continue;
    const of = payment_intent !== null ? { payment_intent } : { charge: charge! };
    for await (const { amount, status } of stripe.refunds.list({ ...of, limit: 100 })) {
      if (status !== "failed" && status !== "canceled") refunded += amount;
    }
  }
  return refunded;
}

/** The invoices that a charge or a refund is of, which only their payments know. */
async function refundedInvoices(object: Record<string, unknown>, stripe: Stripe): Promise<string[]> {
  const payment_intent = idOf(object.payment_intent);
  if (payment_intent === null) return [];
  const payment = { type: "payment_intent", payment_intent } as const;
  const found = await stripe.invoicePayments.list({ payment, limit: 100 });
  return [...new Set(found.data.flatMap(({ invoice }) => idOf(invoice) ?? []))];
}

async function customerOfInvoice(invoice: string | undefined, stripe: Stripe): Promise<string | null> {
  return invoice === undefined ? null : idOf((await stripe.invoices.retrieve(invoice)).customer);
}

function moment(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

export function isOurs(metadata: Stripe.Metadata | null | undefined): boolean {
  return (metadata?.system ?? SYSTEM) === SYSTEM;
}

/** The id of what stands there as an id, or as the thing itself. */
export function idOf(value: unknown): string | null {
  const id = typeof value === "object" && value !== null && "id" in value ? value.id : value;
  return typeof id === "string" && id !== "" ? id : null;
}
